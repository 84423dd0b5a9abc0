// The frame of a function without call frame information, as its first instructions make it.

import type { Machine } from '../../machine/types.ts';
import { type Image, symbolAt } from '../../program/image.ts';
import { decodeAll } from '../instructions.ts';
import type { Activation } from './activations.ts';
import { registerNumber, registerValue } from './frame-registers.ts';

/** How many bytes of a function are looked at. */
const PROLOGUE = 96;

/**
 * The canonical frame address (the stack pointer before the call that led here); undefined when the code does not show it. Believes that
 * a function moves its stack pointer only at its beginning, or keeps a frame pointer.
 */
export function prologueCfa(machine: Machine, image: Image, activation: Activation): bigint | undefined {
  const { registers, lookup, linear } = activation;
  if (registers.bits === 16) return undefined;
  const start = functionStart(image, lookup) ?? functionStart(image, linear);
  const stack = registerValue(machine, registers, registerNumber(registers.bits, 'rsp'));
  if (start === undefined || stack === undefined) return undefined;
  const width = BigInt(registers.bits / 8);
  const bytes = machine.peekLinear(registers.side, start, PROLOGUE);
  let depth = width;
  for (const instruction of decodeAll(bytes, start, registers.bits)) {
    // Instructions of the frame's own address on have not run yet.
    if (instruction.address >= linear) return stack + depth;
    const { text } = instruction;
    if (/^push /.test(text)) depth += width;
    else if (/^mov (rbp, rsp|ebp, esp)$/.test(text)) {
      const pointer = registerValue(machine, registers, registerNumber(registers.bits, 'rbp'));
      return pointer === undefined ? undefined : pointer + depth;
    } else {
      const amount = /^sub (?:rsp|esp), (0x[0-9a-f]+|\d+)$/.exec(text)?.[1];
      if (amount !== undefined) depth += BigInt(amount);
      else if (instruction.flow !== 'next' || /\b[re]?sp$|^(?:pop|leave|enter)|^\w+ [re]sp,/.test(text)) break;
    }
  }
  return stack + depth;
}

function functionStart(image: Image, address: bigint): bigint | undefined {
  const named = image.program.debug?.functionsAt(address)[0];
  if (named !== undefined) return named.ranges.find(({ start, end }) => address >= start && address < end)?.start;
  const found = symbolAt(image, address);
  return found?.symbol.kind === 'function' ? found.symbol.address : undefined;
}
