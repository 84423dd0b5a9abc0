// One line for each VM exit, VM entry and instruction, for traces.

import type { Machine, VmEntry, VmExit } from '../machine/types.ts';
import { type Image, symbolAt } from '../program/image.ts';
import { exitReason } from '../spec/exit-reasons.ts';
import { guestLinear, operandText, qualificationText } from './explain.ts';
import { exitReasonTitle } from './facts.ts';
import { hex, symbolText } from './format.ts';
import { currentPosition, instructionHere } from './position.ts';

export function located(image: Image, address: bigint): string {
  const symbol = symbolAt(image, address);
  return symbol === undefined ? hex(address) : `${hex(address)} <${symbolText(symbol)}>`;
}

/** `exit      12 @     40312  CPUID  guest 0x101000 <guest>  CPUID leaf 0x0, subleaf 0x0`. */
export function exitLine(exit: VmExit, machine: Machine, image: Image): string {
  const memory = exitReason(exit.reason)?.class === 'memory' ? `guest-physical ${hex(exit.guestPhysical)}` : '';
  const words = [qualificationText(exit), operandText(exit, machine), memory].filter((text) => text !== '').join('; ');
  const head = `exit  ${String(exit.number).padStart(6)} @ ${String(exit.time).padStart(11)}`;
  return `${head}${cpuText(exit, machine)}  ${exitReasonTitle(exit.reason)} (${exit.reason & 0xffff})  guest ${guestText(exit, machine, image)}${words === '' ? '' : `  ${words}`}`;
}

/** `  CPU 2`, on a machine with several processors. */
function cpuText({ processor }: VmExit | VmEntry, machine: Machine): string {
  return machine.processors === 1 ? '' : `  CPU ${processor}`;
}

function guestText(exit: VmExit, machine: Machine, image: Image): string {
  const linear = guestLinear(exit, machine);
  return linear === exit.guestRip ? located(image, linear) : `${hex(exit.guestRip)} (linear ${located(image, linear)})`;
}

export function entryLine(entry: VmEntry, machine: Machine, image: Image): string {
  const head = `entry ${String(entry.number).padStart(6)} @ ${String(entry.time).padStart(11)}`;
  const injected = entry.injected >>> 31 === 1 ? `  injects ${hex(entry.injected >>> 0)}` : '';
  return `${head}${cpuText(entry, machine)}  ${entry.instruction} at ${located(image, entry.hostRip)}  guest ${located(image, entry.guestRip)}${injected}`;
}

/** `root   40312  0x100020 <start+0x20>  mov eax, 1`: the instruction that comes next. */
export function instructionLine(machine: Machine, image: Image): string {
  const position = currentPosition(machine);
  const text = instructionHere(machine, position)?.text ?? '(not readable)';
  const side = position.side === 'root' ? 'root ' : 'guest';
  return `${side} ${String(machine.time()).padStart(11)}  ${located(image, position.linear)}  ${text}`;
}
