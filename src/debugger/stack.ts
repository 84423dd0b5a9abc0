// The stack as a person reads it: the side that runs, what joins it to the other side, the other side.
// Without unwind tables: function entry and exit, the frame-pointer chain, then a search for return addresses that a
// CALL to the function in question left behind.

import type { Machine, Side } from '../machine/types.ts';
import { type Image, type LineAt, lineAt, symbolAt } from '../program/image.ts';
import type { Symbol as ProgramSymbol } from '../program/types.ts';
import { exitReasonTitle } from './facts.ts';
import { littleEndian, symbolText, hex } from './format.ts';
import { decodeAll } from './instructions.ts';
import { instructionHere, type Position, positionOf, toLinear } from './position.ts';

export interface CodeFrame {
  readonly kind: 'code';
  readonly side: Side;
  readonly name: string;
  readonly linear: bigint;
  readonly line: LineAt | undefined;
  /** True for the innermost frame of its side: its registers are the side's registers. */
  readonly innermost: boolean;
  /** Linear address of the stack top when this frame continues. */
  readonly stack: bigint;
}

export interface LabelFrame {
  readonly kind: 'label';
  readonly side: Side;
  readonly name: string;
}

export type Frame = CodeFrame | LabelFrame;

const MAX_FRAMES = 64;
/** Largest frame that a frame pointer is believed to span, in bytes. */
const MAX_FRAME = 0x100000n;
/** How many stack words the search for return addresses looks at. */
const SEARCH_WORDS = 128;

/** All frames, innermost first. */
export function stackFrames(machine: Machine, image: Image): Frame[] {
  const side = machine.side();
  const running = sideFrames(machine, image, side);
  const other = side === 'root' ? guestBehindExit(machine, image) : hostBehindEntry(machine, image);
  return [...running, ...other];
}

/** The frames of one side; empty when the side's state is not known. */
export function sideFrames(machine: Machine, image: Image, side: Side): CodeFrame[] {
  const position = positionOf(machine, side);
  if (position === undefined) return [];
  const frames: CodeFrame[] = [frameAt(image, side, position.linear, position.stack, true)];
  let current: Unwound | undefined = {
    linear: position.linear,
    stack: position.stack,
    framePointer: position.framePointer,
  };
  while (frames.length < MAX_FRAMES) {
    current = caller(machine, image, position, current, frames.length === 1);
    if (current === undefined) break;
    // The call lies just before the return address: that is the line to show.
    frames.push(frameAt(image, side, current.linear, current.stack, false));
  }
  return frames;
}

function frameAt(image: Image, side: Side, linear: bigint, stack: bigint, innermost: boolean): CodeFrame {
  const inside = innermost ? linear : linear - 1n;
  const symbol = symbolAt(image, inside);
  return {
    kind: 'code',
    side,
    name: symbol === undefined ? hex(linear) : frameName(symbol.symbol, linear),
    linear,
    line: lineAt(image, inside),
    innermost,
    stack,
  };
}

/** Functions by name alone, as C debuggers do; labels with the offset, which is all there is. */
function frameName(symbol: ProgramSymbol, linear: bigint): string {
  return symbol.kind === 'function' ? symbol.name : symbolText({ name: symbol.name, offset: linear - symbol.address });
}

/** In root operation after a VM exit: the guest as it left. */
function guestBehindExit(machine: Machine, image: Image): Frame[] {
  const exit = machine.lastExit();
  if (exit === undefined || !machine.inVmxOperation()) return [];
  const label: LabelFrame = {
    kind: 'label',
    side: 'non-root',
    name: `VM exit ${exit.number}: ${exitReasonTitle(exit.reason)}`,
  };
  if (machine.currentVmcs() !== exit.vmcs) return [label, frameAt(image, 'non-root', exit.guestRip, 0n, true)];
  return [label, ...sideFrames(machine, image, 'non-root')];
}

/** In non-root operation: the VMLAUNCH or VMRESUME that entered. Its stack is not kept by the processor. */
function hostBehindEntry(machine: Machine, image: Image): Frame[] {
  const entry = machine.lastEntry();
  if (entry === undefined) return [];
  const label: LabelFrame = { kind: 'label', side: 'root', name: `entered by ${entry.instruction}` };
  const host = machine.codeBits('root');
  const base = host === 64 ? 0n : (machine.registers('root')?.values.get('cs.base') ?? 0n);
  return [label, frameAt(image, 'root', base + entry.hostRip, 0n, true)];
}

interface Unwound {
  readonly linear: bigint;
  readonly stack: bigint;
  readonly framePointer: bigint | undefined;
}

function caller(
  machine: Machine,
  image: Image,
  top: Position,
  frame: Unwound,
  innermost: boolean,
): Unwound | undefined {
  const width = top.bits / 8;
  const step = BigInt(width);
  const word = (address: bigint): bigint | undefined => {
    const bytes = machine.peekLinear(top.side, address, width);
    return bytes.length === width ? littleEndian(bytes) : undefined;
  };
  const returnAt = (slot: bigint): bigint | undefined => {
    const offset = word(slot);
    return offset === undefined ? undefined : toLinear(machine, top.side, top.bits, 'cs', offset);
  };
  if (innermost) {
    const slot = returnSlotAtEdge(machine, image, top, step);
    const linear = slot === undefined ? undefined : returnAt(slot);
    if (slot !== undefined && linear !== undefined && mayReturnTo(machine, image, top, linear, frame.linear)) {
      return { linear, stack: slot + step, framePointer: top.framePointer };
    }
  }
  const pointer = frame.framePointer;
  if (
    pointer !== undefined &&
    pointer >= frame.stack &&
    pointer - frame.stack < MAX_FRAME &&
    setsFramePointer(machine, image, top, frame.linear)
  ) {
    const linear = returnAt(pointer + step);
    if (linear !== undefined && callBefore(machine, image, top, linear) !== undefined) {
      return { linear, stack: pointer + 2n * step, framePointer: word(pointer) };
    }
  }
  const words = machine.peekLinear(top.side, frame.stack, SEARCH_WORDS * width);
  for (let at = 0; at + width <= words.length; at += width) {
    const slot = frame.stack + BigInt(at);
    const linear = toLinear(machine, top.side, top.bits, 'cs', littleEndian(words.subarray(at, at + width)));
    if (callsFunctionOf(machine, image, top, linear, frame.linear) === true) {
      return { linear, stack: slot + step, framePointer: frame.framePointer };
    }
  }
  return undefined;
}

/** The function around an address begins with `push rbp` and `mov rbp, rsp`: inside it RBP is its own frame's. */
function setsFramePointer(machine: Machine, image: Image, top: Position, linear: bigint): boolean {
  const symbol = symbolAt(image, linear - 1n) ?? symbolAt(image, linear);
  if (symbol === undefined || symbol.symbol.kind === 'object') return false;
  const bytes = machine.peekLinear(top.side, symbol.symbol.address, 16);
  const pattern = top.bits === 64 ? [0x55, 0x48, 0x89, 0xe5] : [0x55, 0x89, 0xe5];
  for (let at = 0; at + pattern.length <= bytes.length; at++) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}

/** At the first instruction of a function, after its `push rbp`, and at its `ret`, the return address has a known place. */
function returnSlotAtEdge(machine: Machine, image: Image, top: Position, step: bigint): bigint | undefined {
  const symbol = symbolAt(image, top.linear);
  if (symbol !== undefined && symbol.symbol.kind !== 'object') {
    if (symbol.offset === 0n) return top.stack;
    const start = machine.peekLinear(top.side, symbol.symbol.address, 5);
    // 55: push rbp; F3 0F 1E FA: endbr64 in front of it.
    if (symbol.offset === 1n && start[0] === 0x55) return top.stack + step;
    const endbr = start[0] === 0xf3 && start[1] === 0x0f && start[2] === 0x1e;
    if (endbr && symbol.offset === 4n) return top.stack;
    if (endbr && symbol.offset === 5n && start[4] === 0x55) return top.stack + step;
  }
  return instructionHere(machine, top)?.flow === 'return' ? top.stack : undefined;
}

/** The CALL that ends at an address in code that the symbols know; its target is undefined when it is indirect. */
function callBefore(
  machine: Machine,
  image: Image,
  top: Position,
  address: bigint,
): { target: bigint | undefined } | undefined {
  if (address < 8n) return undefined;
  const symbol = symbolAt(image, address - 1n);
  if (symbol === undefined || symbol.symbol.kind === 'object') return undefined;
  const bytes = machine.peekLinear(top.side, address - 7n, 7);
  if (bytes.length < 7) return undefined;
  for (const length of [5, 2, 3, 6, 7, 4]) {
    const decoded = decodeAll(bytes.subarray(7 - length), address - BigInt(length), top.bits, 2);
    const [only] = decoded;
    if (decoded.length === 1 && only?.flow === 'call' && only.bytes.length === length) return { target: only.target };
  }
  return undefined;
}

/** Whether the CALL before an address calls the function that `callee` lies in; undefined when it is indirect or there is none. */
function callsFunctionOf(
  machine: Machine,
  image: Image,
  top: Position,
  address: bigint,
  callee: bigint,
): boolean | undefined {
  const target = callBefore(machine, image, top, address)?.target;
  if (target === undefined) return undefined;
  const called = symbolAt(image, target);
  const here = symbolAt(image, callee);
  return (
    target <= callee && called !== undefined && here !== undefined && globalName(called.name) === globalName(here.name)
  );
}

/** At a RET anything behind a CALL will do; at the beginning of a function the CALL must be one to it, or indirect. */
function mayReturnTo(machine: Machine, image: Image, top: Position, address: bigint, callee: bigint): boolean {
  if (callBefore(machine, image, top, address) === undefined) return false;
  return (
    callsFunctionOf(machine, image, top, address, callee) !== false || instructionHere(machine, top)?.flow === 'return'
  );
}

/** NASM's local labels belong to the label before them: `print.next` to `print`. */
function globalName(name: string): string {
  const dot = name.indexOf('.', 1);
  return dot < 0 ? name : name.slice(0, dot);
}
