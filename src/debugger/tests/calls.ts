// Calling a label of the program: as if a CALL stood before where the machine is, that returns to an address where nothing of the test runs.

import type { Machine } from '../../machine/types.ts';
import { currentPosition } from '../position.ts';

const BYTES = { 16: 2, 32: 4, 64: 8 } as const;

/**
 * Pushes `back` (linear) and sets RIP to `address` (linear). Answers why that cannot be done, or undefined.
 * Code outside 64-bit mode must lie in the present code segment.
 */
export function placeCall(machine: Machine, address: bigint, back: bigint): string | undefined {
  const { bits, linear, rip, stack } = currentPosition(machine);
  const base = linear - rip;
  const size = BYTES[bits];
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, back - base, true);
  const side = machine.side();
  if (machine.pokeLinear(side, stack - BigInt(size), bytes.subarray(0, size)) !== size) {
    return `There is no memory for a stack at ${hex(stack)}.`;
  }
  const rsp = machine.readRegister('rsp') ?? 0n;
  return machine.writeRegister('rsp', rsp - BigInt(size)) ?? machine.writeRegister('rip', address - base);
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
