// Why an x87, MMX, SSE or AVX instruction faulted: code that compilers write before anybody has enabled what it needs, operands off
// their boundary, unmasked floating-point exceptions.

import {
  CpuidFeature,
  Decoder,
  DecoderOptions,
  EncodingKind,
  type Instruction,
  MemorySizeExt,
  OpKind,
  Register,
} from 'iced-x86';
import type { FaultRecord, Machine, Side } from '../machine/types.ts';
import { readSideRegister } from './expressions/registers.ts';
import { hex } from './format.ts';
import { instructionAt, MAX_LENGTH } from './instructions.ts';

const INVALID_OPCODE = 6;
const DEVICE_NOT_AVAILABLE = 7;
const GENERAL_PROTECTION = 13;
const SIMD_EXCEPTION = 19;
const EM = 1n << 2n;
const TS = 1n << 3n;
const OSFXSR = 1n << 9n;
const OSXMMEXCPT = 1n << 10n;

/** Flags of MXCSR in the order of their bits; the masks are seven bits further. */
const EXCEPTIONS = [
  'invalid operation',
  'denormal operand',
  'division by zero',
  'overflow',
  'underflow',
  'inexact result',
];
const MASKS_AT = 7n;

type Kind = 'x87' | 'MMX' | 'SSE' | 'AVX';

/** The cause of a fault in words, without a full stop; undefined when it has nothing to do with these instructions. */
export function simdCause(fault: FaultRecord, machine: Machine, side: Side): string | undefined {
  const bytes = machine.peekLinear(side, fault.linear, MAX_LENGTH);
  if (bytes.length === 0) return undefined;
  const decoder = new Decoder(machine.codeBits(side), bytes, DecoderOptions.None);
  decoder.ip = fault.linear;
  const instruction = decoder.decode();
  try {
    const kind = kindOf(instruction);
    if (kind === undefined) return undefined;
    const at = { space: { kind: 'linear', side }, address: fault.linear } as const;
    const text = instructionAt(machine, at, machine.codeBits(side))?.text ?? '';
    return causeOf(fault, `\`${text}\``, kind, instruction, (name) => readSideRegister(machine, side, name));
  } finally {
    instruction.free();
    decoder.free();
  }
}

type Registers = (name: string) => bigint | undefined;

function kindOf(instruction: Instruction): Kind | undefined {
  if (instruction.isInvalid) return undefined;
  const names = [...instruction.cpuidFeatures()].map((feature) => CpuidFeature[feature] ?? '');
  if (names.some((name) => name.startsWith('FPU'))) return 'x87';
  if (instruction.encoding !== EncodingKind.Legacy)
    return names.some((name) => name.startsWith('AVX')) ? 'AVX' : undefined;
  if (names.includes('MMX')) return 'MMX';
  return names.some((name) => /^S?SSE|^AES|^PCLMUL|^SHA/.test(name)) ? 'SSE' : undefined;
}

function causeOf(
  fault: FaultRecord,
  text: string,
  kind: Kind,
  instruction: Instruction,
  registers: Registers,
): string | undefined {
  const cr0 = registers('cr0') ?? 0n;
  const cr4 = registers('cr4') ?? 0n;
  const what = `${text} is an ${kind} instruction`;
  switch (fault.vector) {
    case INVALID_OPCODE:
      if (kind === 'AVX') return `${what}: this processor has no AVX, and CPUID does not report it`;
      if (kind === 'x87') return undefined;
      if ((cr0 & EM) !== 0n) return `${what}, and CR0.EM is 1: clear it first`;
      if (kind === 'MMX') return undefined;
      if ((cr4 & OSFXSR) === 0n)
        return `${what}, and CR4.OSFXSR is 0: set CR4.OSFXSR and CR4.OSXMMEXCPT first, or have the compiler use general registers only (-mgeneral-regs-only)`;
      if ((cr4 & OSXMMEXCPT) === 0n) return unmaskedText(text, registers, ', and CR4.OSXMMEXCPT is 0: it is #UD then');
      return undefined;
    case DEVICE_NOT_AVAILABLE: {
      const bits = [...((cr0 & EM) !== 0n ? ['EM'] : []), ...((cr0 & TS) !== 0n ? ['TS'] : [])];
      return bits.length === 0 ? undefined : `${what}, and CR0.${bits.join(' and CR0.')} is 1`;
    }
    case GENERAL_PROTECTION:
      return fault.error === 0 && kind === 'SSE' ? alignmentText(text, instruction, registers) : undefined;
    case SIMD_EXCEPTION:
      return unmaskedText(text, registers, '');
    default:
      return undefined;
  }
}

/** `divss xmm0, xmm1` raised division by zero … */
function unmaskedText(text: string, registers: Registers, more: string): string | undefined {
  const mxcsr = registers('mxcsr') ?? 0n;
  const unmasked = EXCEPTIONS.filter(
    (_, bit) => ((mxcsr >> BigInt(bit)) & 1n) !== 0n && ((mxcsr >> (BigInt(bit) + MASKS_AT)) & 1n) === 0n,
  );
  if (unmasked.length === 0) return undefined;
  return `${text} raised ${unmasked.join(' and ')}, which MXCSR (${hex(mxcsr)}) does not mask${more}`;
}

const ALIGNED = 16;

function alignmentText(text: string, instruction: Instruction, registers: Registers): string | undefined {
  if (MemorySizeExt.size(instruction.memorySize) !== ALIGNED) return undefined;
  const kinds = Array.from({ length: instruction.opCount }, (_, i) => instruction.opKind(i));
  const address = kinds.includes(OpKind.Memory) ? addressOf(instruction, registers) : undefined;
  if (address === undefined || address % 16n === 0n) return undefined;
  const stack = instruction.memoryBase === Register.RSP || instruction.memoryBase === Register.RBP;
  const hint = stack ? ': compiled code needs RSP at a multiple of 16 before each CALL' : '';
  return `${text} accesses ${hex(address)}, and its operand must lie at a multiple of 16${hint}`;
}

/** Linear address of a memory operand in 64-bit code without FS and GS. */
function addressOf(instruction: Instruction, registers: Registers): bigint | undefined {
  if (instruction.memorySegment === Register.FS || instruction.memorySegment === Register.GS) return undefined;
  if (instruction.isIpRelMemoryOperand) return instruction.ipRelMemoryAddress;
  const value = (register: Register): bigint | undefined =>
    register === Register.None ? 0n : registers((Register[register] ?? '').toLowerCase());
  const base = value(instruction.memoryBase);
  const index = value(instruction.memoryIndex);
  if (base === undefined || index === undefined) return undefined;
  return BigInt.asUintN(64, base + index * BigInt(instruction.memoryIndexScale) + instruction.memoryDisplacement);
}
