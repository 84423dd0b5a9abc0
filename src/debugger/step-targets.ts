// What stepping in could lead to: the calls that the rest of the statement makes, and the other side of VMX.

import type { Machine, Stop } from '../machine/types.ts';
import { type Image, lineAt, symbolAt } from '../program/image.ts';
import { place } from './place.ts';
import { decodeAll } from './instructions.ts';
import { peek } from './memory.ts';
import { currentPosition, instructionHere } from './position.ts';
import type { Plan, Wanted } from './stepping.ts';

export interface StepInTarget {
  /** Linear address of the function. */
  readonly address: bigint;
  readonly label: string;
}

/** Code of one statement that is looked at, in bytes. */
const REACH = 4096;

/** The functions that direct calls between here and the end of the statement lead to, each once. */
export function stepInTargets(machine: Machine, image: Image): StepInTarget[] {
  const here = currentPosition(machine);
  const line = lineAt(image, here.linear);
  const length = line === undefined ? 15 : Math.min(REACH, Number(line.end - here.linear));
  const bytes = peek(machine, { space: { kind: 'linear', side: here.side }, address: here.linear }, length);
  const rows = decodeAll(bytes, here.linear, here.bits, line === undefined ? 1 : undefined);
  const found = new Map<bigint, StepInTarget>();
  for (const { flow, target } of rows) {
    if (flow === 'call' && target !== undefined) found.set(target, { address: target, label: nameOf(image, target) });
  }
  return [...found.values()];
}

/** Into the function at an address when the statement calls it; over every other call, and to the end of the statement. */
export function* planStepInto(
  machine: Machine,
  address: bigint,
  image: Image,
  over: () => Plan,
): Generator<Wanted, void, Stop> {
  const start = currentPosition(machine);
  const line = lineAt(image, start.linear);
  for (;;) {
    const instruction = instructionHere(machine, currentPosition(machine));
    if (instruction?.flow === 'call' && instruction.target === address) {
      yield { single: true };
      return;
    }
    yield* over();
    const here = currentPosition(machine);
    const now = lineAt(image, here.linear);
    if (here.side !== start.side || now === undefined || now.line !== line?.line || now.file !== line.file) return;
  }
}

/** `handle_exit (exits.c:202)`; the address, where no function begins. */
function nameOf(image: Image, address: bigint): string {
  const symbol = symbolAt(image, address);
  const line = lineAt(image, address);
  if (symbol === undefined || symbol.offset !== 0n) return place(image, address);
  return line === undefined ? symbol.name : `${symbol.name} (${line.path.replace(/^.*[/\\]/, '')}:${line.line})`;
}
