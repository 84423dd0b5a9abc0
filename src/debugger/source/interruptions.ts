// What the processor itself leaves on a stack: frames of interrupts and exceptions, and the registers of SYSCALL (SDM, "Stack Usage on Transfers
// to Interrupt and Exception Handling Routines"; "64-Bit Mode Stack Frame"; "SYSCALL—Fast System Call").

import type { Machine } from '../../machine/types.ts';
import { type Image, symbolAt } from '../../program/image.ts';
import { readSideRegister } from '../expressions/registers.ts';
import { gateTargets } from '../event-delivery.ts';
import { littleEndian } from '../format.ts';
import type { Activation } from './activations.ts';
import { type FrameRegisters, registerNumber, type RegisterPlace, registerValue } from './frame-registers.ts';

/** How many words of the stack are searched for what an interrupt left. */
const SEARCH_WORDS = 64;
const SELECTOR_LIMIT = 0xffffn;
/** Bit 1 of RFLAGS is always 1, bits 63:22 are 0. */
const FLAGS_FIXED = 2n;
const FLAGS_RESERVED = ~0x3fffffn;

/** The function of an activation is one that the interrupt-descriptor table leads to. */
export function isInterruptHandler(machine: Machine, image: Image, activation: Activation): boolean {
  const found = symbolAt(image, activation.lookup);
  return found !== undefined && gateTargets(machine, activation.registers.side).has(found.symbol.address);
}

/** What the processor pushed, when a stack slot holds its return address; undefined when the words do not look like it. */
export function interruptedAt(
  machine: Machine,
  image: Image,
  activation: Activation,
  slot: bigint,
): Activation | undefined {
  const { registers } = activation;
  const { side, bits } = registers;
  if (bits === 16) return undefined;
  const width = bits / 8;
  const bytes = machine.peekLinear(side, slot, 5 * width);
  if (bytes.length < 3 * width) return undefined;
  const word = (index: number): bigint => littleEndian(bytes.subarray(index * width, (index + 1) * width));
  const [offset, selector, flags] = [word(0), word(1), word(2)];
  if (selector > SELECTOR_LIMIT || (selector & ~7n) === 0n) return undefined;
  if ((flags & FLAGS_FIXED) === 0n || (flags & BigInt.asUintN(64, FLAGS_RESERVED)) !== 0n) return undefined;
  // The code segment is the one in force, perhaps of another privilege.
  const current = readSideRegister(machine, side, 'cs') ?? 0n;
  const outer = (selector & 3n) > (current & 3n);
  if (!outer && selector !== current) return undefined;
  if (symbolAt(image, offset) === undefined && machine.peekLinear(side, offset, 1).length === 0) return undefined;
  const step = BigInt(width);
  // 64-bit mode always pushes SS and RSP, 32-bit mode only when the privilege changes.
  const switched = bits === 64 || outer;
  if (switched && (bytes.length < 5 * width || word(4) > SELECTOR_LIMIT)) return undefined;
  const stack = switched ? word(3) : slot + 3n * step;
  if (switched && stack !== 0n && machine.peekLinear(side, stack - step, 1).length === 0) return undefined;
  const places = new Map<number, RegisterPlace>(registers.places);
  places.set(registerNumber(bits, 'rip'), { kind: 'memory', address: slot });
  places.set(
    registerNumber(bits, 'rsp'),
    switched ? { kind: 'memory', address: slot + 3n * step } : { kind: 'value', value: stack },
  );
  const interrupted: FrameRegisters = { ...registers, places };
  const framePointer = registerValue(machine, interrupted, registerNumber(bits, 'rbp'));
  return { linear: offset, lookup: offset, stack, framePointer, registers: interrupted };
}

/** Searches the stack of a handler without rules for the words that the processor pushed. Only what registers are known to keep is kept. */
export function searchInterrupted(machine: Machine, image: Image, activation: Activation): Activation | undefined {
  const { bits } = activation.registers;
  const width = BigInt(bits / 8);
  for (let index = 0n; index < SEARCH_WORDS; index++) {
    const found = interruptedAt(machine, image, activation, activation.stack + index * width);
    if (found === undefined || symbolAt(image, found.linear) === undefined) continue;
    const kept = [registerNumber(bits, 'rip'), registerNumber(bits, 'rsp')];
    // Between the handler's first instruction and this one any register may have been pushed and changed.
    const places =
      index === 0n
        ? found.registers.places
        : new Map([...found.registers.places].filter(([number]) => kept.includes(number)));
    const framePointer = index === 0n ? found.framePointer : undefined;
    return { ...found, framePointer, registers: { ...found.registers, places } };
  }
  return undefined;
}

/** Who called a system-call handler: RCX as SYSCALL left it, or where the handler pushed it. */
export function systemCaller(machine: Machine, image: Image, activation: Activation): Activation | undefined {
  const { registers } = activation;
  const { side, bits } = registers;
  if (bits !== 64) return undefined;
  const target = readSideRegister(machine, side, 'ia32_lstar');
  const found = symbolAt(image, activation.lookup);
  if (target === undefined || target === 0n || found?.symbol.address !== target) return undefined;
  const number = registerNumber(bits, 'rcx');
  const inRegister = registerValue(machine, registers, number);
  const atEntry = activation.linear === target;
  const words = machine.peekLinear(side, activation.stack, SEARCH_WORDS * 8);
  const candidates: { linear: bigint; place: RegisterPlace | undefined }[] = [
    { linear: inRegister ?? 0n, place: registers.places.get(number) },
  ];
  for (let at = 0; at + 8 <= words.length; at += 8) {
    const address = activation.stack + BigInt(at);
    candidates.push({ linear: littleEndian(words.subarray(at, at + 8)), place: { kind: 'memory', address } });
  }
  const caller = candidates.find(({ linear }) => followsSyscall(machine, side, linear));
  if (caller?.place === undefined) return undefined;
  const places = new Map<number, RegisterPlace>(atEntry ? registers.places : []);
  places.set(registerNumber(bits, 'rip'), caller.place);
  const { linear } = caller;
  // SYSCALL leaves RSP alone: at the handler's first instruction it is still the caller's.
  const stack = atEntry ? activation.stack : 0n;
  if (!atEntry) places.delete(registerNumber(bits, 'rsp'));
  const framePointer = atEntry ? activation.framePointer : undefined;
  return { linear, lookup: linear - 1n, stack, framePointer, registers: { ...registers, places } };
}

function followsSyscall(machine: Machine, side: FrameRegisters['side'], address: bigint): boolean {
  if (address < 2n) return false;
  const bytes = machine.peekLinear(side, address - 2n, 2);
  return bytes.length === 2 && bytes[0] === 0x0f && bytes[1] === 0x05;
}
