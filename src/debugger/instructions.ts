// One decoded instruction as stepping and views need it. Decoder and formatter: iced-x86.

import { Decoder, DecoderOptions, FlowControl, Formatter, FormatterSyntax, Mnemonic, OpKind } from 'iced-x86';
import type { Machine } from '../machine/types.ts';
import { type MemoryAddress, peek } from './memory.ts';

/** The longest instruction, in bytes. */
export const MAX_LENGTH = 15;

export type CodeBits = 16 | 32 | 64;

/** What an instruction does to the flow of control, as far as stepping cares. */
export type Flow = 'next' | 'jump' | 'call' | 'return' | 'interrupt' | 'entry' | 'invalid';

export interface DecodedInstruction {
  readonly address: bigint;
  /** Bytes it takes; 1 for an invalid one, so that listings go on. */
  readonly bytes: Uint8Array;
  /** NASM notation. */
  readonly text: string;
  readonly flow: Flow;
  /** REP, REPE or REPNE in front of a string instruction. */
  readonly repeats: boolean;
  /** Where a direct near branch goes. */
  readonly target: bigint | undefined;
  /** Address of a RIP-relative memory operand. */
  readonly memoryTarget: bigint | undefined;
}

let shared: Formatter | undefined;

/** NASM notation with 0x numbers, as the assembler reads it. */
function formatter(): Formatter {
  if (shared === undefined) {
    shared = new Formatter(FormatterSyntax.Nasm);
    shared.hexPrefix = '0x';
    shared.hexSuffix = '';
    shared.uppercaseHex = false;
    shared.spaceAfterOperandSeparator = true;
    shared.smallHexNumbersInDecimal = true;
    shared.showBranchSize = false;
    shared.branchLeadingZeros = false;
  }
  return shared;
}

/** Decodes the bytes one after the other; the last may be cut off and is then invalid. */
export function decodeAll(
  bytes: Uint8Array,
  address: bigint,
  bits: CodeBits,
  limit = Number.POSITIVE_INFINITY,
): DecodedInstruction[] {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const found: DecodedInstruction[] = [];
  try {
    decoder.ip = address;
    while (decoder.canDecode && found.length < limit) {
      const start = decoder.position;
      const instruction = decoder.decode();
      try {
        const at = BigInt.asUintN(64, address + BigInt(start));
        if (instruction.isInvalid) {
          found.push(invalidAt(at, bytes.subarray(start, start + 1)));
          decoder.position = start + 1;
          decoder.ip = at + 1n;
          continue;
        }
        const flow = flowOf(instruction.flowControl, instruction.mnemonic);
        const near = instruction.op0Kind;
        const isNear = near === OpKind.NearBranch16 || near === OpKind.NearBranch32 || near === OpKind.NearBranch64;
        found.push({
          address: at,
          bytes: bytes.slice(start, start + instruction.length),
          text: formatter().format(instruction),
          flow,
          repeats: (instruction.hasRepPrefix || instruction.hasRepnePrefix) && instruction.isStringInstruction,
          target: isNear ? instruction.nearBranchTarget : undefined,
          memoryTarget: instruction.isIpRelMemoryOperand ? instruction.ipRelMemoryAddress : undefined,
        });
      } finally {
        instruction.free();
      }
    }
  } finally {
    decoder.free();
  }
  return found;
}

/** The instruction at an address, or undefined when nothing can be read there. */
export function instructionAt(machine: Machine, at: MemoryAddress, bits: CodeBits): DecodedInstruction | undefined {
  const bytes = peek(machine, at, MAX_LENGTH);
  return decodeAll(bytes, at.address, bits, 1)[0];
}

/** For every byte the length of an instruction that would begin there, 0 when none can. */
export function lengthsFromEveryByte(bytes: Uint8Array, address: bigint, bits: CodeBits): Uint8Array {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const lengths = new Uint8Array(bytes.length);
  try {
    for (let at = 0; at < bytes.length; at++) {
      decoder.position = at;
      decoder.ip = address + BigInt(at);
      const instruction = decoder.decode();
      lengths[at] = instruction.isInvalid ? 0 : instruction.length;
      instruction.free();
    }
  } finally {
    decoder.free();
  }
  return lengths;
}

export function invalidAt(address: bigint, bytes: Uint8Array): DecodedInstruction {
  const data = bytes[0];
  const text = data === undefined ? '(not readable)' : `db 0x${data.toString(16).padStart(2, '0')}`;
  return {
    address,
    bytes: bytes.slice(),
    text,
    flow: 'invalid',
    repeats: false,
    target: undefined,
    memoryTarget: undefined,
  };
}

function flowOf(control: FlowControl, mnemonic: Mnemonic): Flow {
  if (mnemonic === Mnemonic.Vmlaunch || mnemonic === Mnemonic.Vmresume) return 'entry';
  switch (control) {
    case FlowControl.UnconditionalBranch:
    case FlowControl.IndirectBranch:
    case FlowControl.ConditionalBranch:
      return 'jump';
    case FlowControl.Return:
      return 'return';
    case FlowControl.Call:
      // iced counts the instructions that enter the hypervisor (VMCALL, VMMCALL, …) as calls; for stepping they are not.
      return mnemonic === Mnemonic.Call || mnemonic === Mnemonic.Syscall || mnemonic === Mnemonic.Sysenter
        ? 'call'
        : 'next';
    case FlowControl.IndirectCall:
      return 'call';
    case FlowControl.Interrupt:
      return 'interrupt';
    default:
      return 'next';
  }
}
