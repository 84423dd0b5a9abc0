// Where a side of the processor stands, as stepping and the stack need it.

import type { Machine, Side } from '../machine/types.ts';
import { controlMask } from '../spec/controls.ts';
import { vmcsEncoding } from '../spec/vmcs-fields.ts';
import { type CodeBits, type DecodedInstruction, instructionAt } from './instructions.ts';
import { readSideRegister } from './expressions/registers.ts';

export interface Position {
  readonly side: Side;
  /** Host-physical address of the current VMCS, when there is one. */
  readonly vmcs: bigint | undefined;
  readonly bits: CodeBits;
  readonly rip: bigint;
  /** Linear address of the instruction: RIP in 64-bit code, else CS base plus EIP or IP. */
  readonly linear: bigint;
  /** Linear address of the top of the stack. */
  readonly stack: bigint;
  readonly framePointer: bigint | undefined;
}

/** The position of a side, or undefined when it is not known (no VMCS). */
export function positionOf(machine: Machine, side: Side): Position | undefined {
  const rip = readSideRegister(machine, side, 'rip');
  if (rip === undefined) return undefined;
  const bits = machine.codeBits(side);
  const rsp = readSideRegister(machine, side, 'rsp') ?? 0n;
  const live = side === machine.side();
  return {
    side,
    vmcs: machine.currentVmcs(),
    bits,
    rip,
    linear: toLinear(machine, side, bits, 'cs', rip),
    stack: stackLinear(machine, side, bits, rsp),
    framePointer: live ? stackLinear(machine, side, bits, machine.readRegister('rbp') ?? 0n) : undefined,
  };
}

export function currentPosition(machine: Machine): Position {
  const position = positionOf(machine, machine.side());
  if (position === undefined) throw new Error('the running side has no RIP');
  return position;
}

/** Linear address of an offset in a segment of a side. Bases of 64-bit code and stack segments are zero. */
export function toLinear(machine: Machine, side: Side, bits: CodeBits, segment: 'cs' | 'ss', offset: bigint): bigint {
  if (bits === 64) return offset;
  const base = readSideRegister(machine, side, `${segment}.base`) ?? 0n;
  return BigInt.asUintN(32, base + offset);
}

function stackLinear(machine: Machine, side: Side, bits: CodeBits, pointer: bigint): bigint {
  if (bits === 64) return pointer;
  // SS.B (bit 14 of the access rights) chooses between SP and ESP.
  const wide = ((readSideRegister(machine, side, 'ss.rights') ?? 0n) & 0x4000n) !== 0n;
  return toLinear(machine, side, bits, 'ss', BigInt.asUintN(wide ? 32 : 16, pointer));
}

export function instructionHere(machine: Machine, position: Position): DecodedInstruction | undefined {
  return instructionAt(
    machine,
    { space: { kind: 'linear', side: position.side }, address: position.linear },
    position.bits,
  );
}

/** Linear address of the instruction that follows. */
export function nextLinear(position: Position, instruction: DecodedInstruction): bigint {
  const next = position.linear + BigInt(instruction.bytes.length);
  return BigInt.asUintN(position.bits === 64 ? 64 : 32, next);
}

const EFER_LMA = 1n << 10n;

/** Whether a side is in IA-32e mode; of the side that does not run, whether a VM entry or VM exit leads there. */
export function inLongMode(machine: Machine, side: Side): boolean {
  if (side === machine.side()) return ((machine.readRegister('efer') ?? 0n) & EFER_LMA) !== 0n;
  const [controls, mask] =
    side === 'root'
      ? (['Primary VM-exit controls', controlMask('exit', 'host address-space size')] as const)
      : (['VM-entry controls', controlMask('entry', 'IA-32e mode guest')] as const);
  return ((machine.readVmcs(vmcsEncoding(controls)) ?? 0n) & mask) !== 0n;
}
