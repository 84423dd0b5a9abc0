// Which interrupt or exception led to where the processor stands: asked after a step that went somewhere unexpected.

import type { Machine, Side, VmEntry } from '../machine/types.ts';
import { readSideRegister } from './expressions/registers.ts';
import { littleEndian } from './format.ts';
import { currentPosition } from './position.ts';

const VALID = 0x8000_0000;
const TYPE_EXTERNAL = 0;
const TYPE_NMI = 2;

/** True when VM entry injects an event. */
export function injects(entry: VmEntry): boolean {
  return (entry.injected & VALID) !== 0;
}

/** True for external interrupts and NMIs, which have nothing to do with the instruction at RIP. */
export function injectsInterrupt(entry: VmEntry): boolean {
  const type = (entry.injected >>> 8) & 7;
  return injects(entry) && (type === TYPE_EXTERNAL || type === TYPE_NMI);
}

/** True while an injected event is not delivered yet: the guest still stands where the VMCS put it. */
export function injectionIsPending(machine: Machine, entry: VmEntry): boolean {
  return injects(entry) && machine.side() === 'non-root' && machine.readRegister('rip') === entry.guestRip;
}

/** Vectors whose handler begins where the processor stands, by the IDT (or the real-mode vector table) in force. */
export function deliveredVectors(machine: Machine): number[] {
  const here = currentPosition(machine);
  const { protectedMode, targets } = vectorTable(machine, machine.side());
  const wanted = protectedMode ? here.rip : realModeFar(machine, here.rip);
  return targets.flatMap((target, vector) => (target === wanted ? [vector] : []));
}

/** Where the gates of a side's interrupt-descriptor table lead; empty in real mode. */
export function gateTargets(machine: Machine, side: Side): ReadonlySet<bigint> {
  const { protectedMode, targets } = vectorTable(machine, side);
  return new Set(protectedMode ? targets.filter((target) => target !== undefined) : []);
}

function vectorTable(machine: Machine, side: Side): { protectedMode: boolean; targets: (bigint | undefined)[] } {
  const read = (name: string): bigint => readSideRegister(machine, side, name) ?? 0n;
  const base = read('idtr.base');
  const live = side === machine.side();
  // The VMCS holds no limit for the host: a VM exit sets it to FFFFH.
  const limit = live || side === 'non-root' ? Number(read('idtr.limit')) : 0xffff;
  const protectedMode = (read('cr0') & 1n) !== 0n;
  // The host of a 64-bit VM exit is in 64-bit mode.
  const longMode = live || side === 'non-root' ? (read('efer') & 0x400n) !== 0n : machine.codeBits(side) === 64;
  const size = !protectedMode ? 4 : longMode ? 16 : 8;
  const table = machine.peekLinear(side, base, Math.min(limit + 1, 256 * size));
  const targets: (bigint | undefined)[] = [];
  for (let vector = 0; (vector + 1) * size <= table.length; vector++)
    targets.push(gateTarget(table.subarray(vector * size, (vector + 1) * size), size));
  return { protectedMode, targets };
}

function gateTarget(gate: Uint8Array, size: number): bigint | undefined {
  if (size === 4) return littleEndian(gate);
  const present = ((gate[5] ?? 0) & 0x80) !== 0;
  if (!present) return undefined;
  const low = littleEndian(gate.subarray(0, 2)) | (littleEndian(gate.subarray(6, 8)) << 16n);
  return size === 16 ? low | (littleEndian(gate.subarray(8, 12)) << 32n) : low;
}

/** CS:IP as an entry of the real-mode vector table holds it. */
function realModeFar(machine: Machine, rip: bigint): bigint {
  return ((machine.readRegister('cs') ?? 0n) << 16n) | BigInt.asUintN(16, rip);
}
