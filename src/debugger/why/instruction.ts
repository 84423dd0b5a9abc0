// The decoded instruction as the rules read it.

import { Decoder, DecoderOptions, type Instruction, Mnemonic, OpKind, Register } from 'iced-x86';
import { type CodeBits, decodeAll } from '../instructions.ts';

export interface WhyInstruction {
  readonly address: bigint;
  readonly text: string;
  readonly length: number;
  /** `Cpuid`, `Mov`: iced's name of the mnemonic. */
  readonly mnemonic: string;
  /** Registers of the first operands in lower case, undefined for other kinds. */
  readonly operands: readonly (string | undefined)[];
  /** The memory operand's parts. */
  readonly memory:
    | {
        readonly segment: string;
        readonly base: string | undefined;
        readonly index: string | undefined;
        readonly scale: number;
        readonly displacement: bigint;
      }
    | undefined;
  readonly immediate: number;
  readonly repeats: boolean;
  /** Address size of string instructions in bits, by their index register. */
  readonly addressBits: 16 | 32 | 64;
  readonly valid: boolean;
}

function registerName(register: Register): string | undefined {
  const name = (Register as unknown as Record<number, string>)[register];
  return name === undefined || register === Register.None ? undefined : name.toLowerCase();
}

const NO_INSTRUCTION = { mnemonic: 'INVALID', operands: [], memory: undefined, immediate: 0, repeats: false } as const;

/** Decodes the instruction at the beginning of the bytes; undefined when there are none. */
export function decodeForWhy(bytes: Uint8Array, address: bigint, bits: CodeBits): WhyInstruction | undefined {
  const [plain] = decodeAll(bytes, address, bits, 1);
  if (plain === undefined) return undefined;
  const shared = { address, text: plain.text, length: plain.bytes.length, addressBits: bits };
  if (plain.flow === 'invalid') return { ...shared, ...NO_INSTRUCTION, valid: false };
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  decoder.ip = address;
  const instruction = decoder.decode();
  try {
    return { ...shared, ...describe(instruction, bits), valid: true };
  } finally {
    instruction.free();
    decoder.free();
  }
}

function describe(
  instruction: Instruction,
  bits: CodeBits,
): Omit<WhyInstruction, 'address' | 'text' | 'length' | 'valid'> {
  const kinds = Array.from({ length: instruction.opCount }, (_, i) => instruction.opKind(i));
  const operands = kinds.map((kind, i) =>
    kind === OpKind.Register ? registerName(instruction.opRegister(i)) : undefined,
  );
  const memory = kinds.includes(OpKind.Memory)
    ? {
        segment: registerName(instruction.memorySegment) ?? 'ds',
        base: registerName(instruction.memoryBase),
        index: registerName(instruction.memoryIndex),
        scale: instruction.memoryIndexScale,
        displacement: instruction.memoryDisplacement,
      }
    : undefined;
  return {
    mnemonic: (Mnemonic as unknown as Record<number, string>)[instruction.mnemonic] ?? '',
    operands,
    memory,
    immediate: kinds.includes(OpKind.Immediate8) ? instruction.immediate8 : 0,
    repeats: instruction.hasRepPrefix || instruction.hasRepnePrefix,
    addressBits: stringAddressBits(kinds) ?? bits,
  };
}

const STRING_16 = [OpKind.MemorySegSI, OpKind.MemoryESDI];
const STRING_32 = [OpKind.MemorySegESI, OpKind.MemoryESEDI];
const STRING_64 = [OpKind.MemorySegRSI, OpKind.MemoryESRDI];

function stringAddressBits(kinds: readonly OpKind[]): 16 | 32 | 64 | undefined {
  if (kinds.some((kind) => STRING_16.includes(kind))) return 16;
  if (kinds.some((kind) => STRING_32.includes(kind))) return 32;
  return kinds.some((kind) => STRING_64.includes(kind)) ? 64 : undefined;
}
