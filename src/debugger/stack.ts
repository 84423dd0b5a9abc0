// The stack as a person reads it: the side that runs, what joins it to the other side, the other side. Callers are found by the
// program's call frame information; without it by function entry and exit, the frame-pointer chain, then a search for return addresses
// that a CALL to the function in question left behind.

import type { Machine, Side } from '../machine/types.ts';
import type { FunctionInstance } from '../program/debug-info.ts';
import { type Image, type LineAt, lineAt, symbolAt } from '../program/image.ts';
import type { Symbol as ProgramSymbol } from '../program/types.ts';
import { gateTargets } from './event-delivery.ts';
import { exitReasonTitle } from './facts.ts';
import { littleEndian, symbolText, hex } from './format.ts';
import { decodeAll } from './instructions.ts';
import { instructionHere, type Position, positionOf, toLinear } from './position.ts';
import { type Activation, callerByRules, cfaOf, isPreserved } from './source/activations.ts';
import { type FrameRegisters, registerNumber, type RegisterPlace, sideRegisters } from './source/frame-registers.ts';
import { entryRegister } from './source/entry-values.ts';
import { lineOfCall, standingAt } from './source/inlined.ts';
import { interruptedAt, isInterruptHandler, searchInterrupted, systemCaller } from './source/interruptions.ts';

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
  /** Registers as this frame has them; undefined when nothing of them is known. */
  readonly registers: FrameRegisters | undefined;
  /** Address that its variables are looked up by. */
  readonly lookup: bigint;
  /** What its side is seen through. */
  readonly image: Image;
  /** What debug information knows of its function. */
  readonly function: FunctionInstance | undefined;
  /** The canonical frame address of the function that it is in. */
  readonly cfa: () => bigint | undefined;
  /** A register, by DWARF number, as that function was called with it. */
  readonly entryRegister: (number: number) => bigint | undefined;
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

/** All frames, innermost first. `other` is what the side that does not run is seen through, when that is another image. */
export function stackFrames(machine: Machine, image: Image, other: Image = image): Frame[] {
  const side = machine.side();
  const running = sideFrames(machine, image, side);
  const behind = side === 'root' ? guestBehindExit(machine, other) : hostBehindEntry(machine, other);
  return [...running, ...behind];
}

/** The frames of one side; empty when the side's state is not known. */
export function sideFrames(machine: Machine, image: Image, side: Side): CodeFrame[] {
  const position = positionOf(machine, side);
  if (position === undefined) return [];
  const { linear, stack, framePointer } = position;
  const registers = sideRegisters(machine, side);
  return framesFrom(machine, image, position, { linear, lookup: linear, stack, framePointer, registers }, true);
}

/** The innermost frame of a side, without its callers. */
export function innermostFrame(machine: Machine, image: Image, side: Side): CodeFrame | undefined {
  const position = positionOf(machine, side);
  if (position === undefined) return undefined;
  const { linear, stack, framePointer } = position;
  const registers = sideRegisters(machine, side);
  return framesAt(machine, image, side, { linear, lookup: linear, stack, framePointer, registers }, true)[0];
}

/** An activation and its callers; `innermost`: it stands where the side stands. */
function framesFrom(
  machine: Machine,
  image: Image,
  position: Position,
  first: Activation,
  innermost: boolean,
): CodeFrame[] {
  const frames = framesAt(machine, image, position.side, first, innermost);
  let current = first;
  const seen = new Set<string>();
  for (let count = 1; count < MAX_FRAMES; count++) {
    const caller = callerOf(machine, image, position, current, innermost && count === 1);
    if (caller === undefined || isBelow(caller, current)) break;
    // A damaged stack leads back to where it came from.
    const key = `${caller.linear} ${caller.stack} ${caller.framePointer}`;
    if (seen.has(key)) break;
    seen.add(key);
    current = caller;
    frames.push(...framesAt(machine, image, position.side, current, false));
  }
  return frames;
}

/** A stack grows downward: a caller's is above. Where an interrupt or a system call came in the stack may have been switched. */
const isBelow = (caller: Activation, current: Activation): boolean =>
  caller.lookup !== caller.linear && caller.stack !== 0n && caller.stack < current.stack;

/** The frames of one activation: what was inlined into its function first. */
function framesAt(machine: Machine, image: Image, side: Side, activation: Activation, innermost: boolean): CodeFrame[] {
  const { linear, lookup, stack, registers } = activation;
  const all = image.program.debug?.functionsAt(lookup) ?? [];
  // Behind a VM exit the instruction that exited has begun, and what it is inlined in with it.
  const entered =
    innermost && side === machine.side() ? standingAt(machine, image, linear).functions.length : all.length;
  const functions = all.slice(0, entered);
  const cfa = (): bigint | undefined => cfaOf(machine, image, activation);
  const atEntry = (number: number): bigint | undefined => entryRegister(machine, image, activation, number);
  const known = { stack, registers, cfa, entryRegister: atEntry };
  const common = { kind: 'code', side, linear, lookup, innermost, image, ...known } as const;
  const symbol = symbolAt(image, lookup);
  const line = lineAt(image, lookup);
  if (functions.length === 0) {
    const name = symbol === undefined ? hex(linear) : frameName(symbol.symbol, linear);
    return [{ ...common, name, line, function: undefined }];
  }
  return functions
    .map((instance, level): CodeFrame => {
      const inner = all[level + 1];
      const called = inner === undefined ? line : (lineOfCall(image, inner) ?? line);
      // A label inside a function of assembly says more: where VM exits arrive behind a VMLAUNCH, for example.
      const label = all.length === 1 && symbol !== undefined && symbol.symbol.address > instance.start;
      return {
        ...common,
        name: label ? frameName(symbol.symbol, linear) : instance.name,
        line: called,
        function: instance,
      };
    })
    .reverse();
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
  if (machine.currentVmcs() !== exit.vmcs)
    return [label, ...framesAt(machine, image, 'non-root', bare(exit.guestRip, 'non-root', machine), true)];
  return [label, ...sideFrames(machine, image, 'non-root')];
}

/** An activation of which only its address is known. */
const bare = (linear: bigint, side: Side, machine: Machine): Activation => ({
  linear,
  lookup: linear,
  stack: 0n,
  framePointer: undefined,
  registers: { side, bits: machine.codeBits(side), places: new Map() },
});

/**
 * In non-root operation: the VMLAUNCH or VMRESUME that entered. The processor does not keep its stack; hypervisors enter with the stack
 * that HOST_RSP names, and where the call frame information of the instruction leads back to a call from there, its callers are shown.
 */
function hostBehindEntry(machine: Machine, image: Image): Frame[] {
  const entry = machine.lastEntry();
  if (entry === undefined) return [];
  const label: LabelFrame = { kind: 'label', side: 'root', name: `entered by ${entry.instruction}` };
  const position = positionOf(machine, 'root');
  const host = machine.codeBits('root');
  const base = host === 64 ? 0n : (machine.registers('root')?.values.get('cs.base') ?? 0n);
  const entered = bare(base + entry.hostRip, 'root', machine);
  if (position === undefined) return [label, ...framesAt(machine, image, 'root', entered, true)];
  const { stack, registers } = { stack: position.stack, registers: sideRegisters(machine, 'root') };
  const first: Activation = { ...entered, stack, registers };
  const step = callerByRules(machine, image, first);
  const believable =
    step.kind === 'caller' && callBefore(machine, image, position, step.activation.linear) !== undefined;
  if (!believable) return [label, ...framesAt(machine, image, 'root', entered, true)];
  return [label, ...framesFrom(machine, image, position, first, true)];
}

/** The caller of an activation; undefined when there is none or nothing leads to it. */
function callerOf(
  machine: Machine,
  image: Image,
  top: Position,
  frame: Activation,
  innermost: boolean,
): Activation | undefined {
  const { linear, registers } = frame;
  const handler = top.bits !== 16 && isInterruptHandler(machine, image, frame);
  const step = callerByRules(machine, image, frame);
  if (step.kind === 'outermost') return undefined;
  if (step.kind === 'caller') {
    const slot = step.activation.registers.places.get(registerNumber(top.bits, 'rip'));
    // Compilers describe an interrupt handler like a function: what lies above its return address tells that it is none.
    const interrupted =
      handler && slot?.kind === 'memory' ? interrupt(machine, image, step.activation, slot.address) : undefined;
    if (interrupted !== undefined) return interrupted;
    const { linear: returns } = step.activation;
    // Rules hold for every function, and nothing called the one that the program begins in.
    if (isEntryFunction(image, frame) && callBefore(machine, image, top, returns) === undefined) return undefined;
    return machine.peekLinear(top.side, returns, 1).length === 0 ? undefined : step.activation;
  }
  if (handler) {
    const interrupted = searchInterrupted(machine, image, frame);
    if (interrupted !== undefined) return interrupted;
  }
  const system = systemCaller(machine, image, frame);
  if (system !== undefined) return system;
  const found = frame.stack === 0n ? undefined : callerByCode(machine, image, top, frame, innermost);
  if (found === undefined) return frame.stack === 0n ? undefined : stubInterrupted(machine, image, top, frame, linear);
  const places = new Map<number, RegisterPlace>();
  for (const [number, place] of registers.places)
    if (found.keepsRegisters && isPreserved(top.bits, number)) places.set(number, place);
  const flat = top.bits === 64;
  places.set(registerNumber(top.bits, 'rsp'), { kind: 'value', value: found.stack });
  places.set(registerNumber(top.bits, 'rip'), { kind: 'value', value: found.linear });
  // Only where segments begin at 0 is a linear address what the register holds.
  if (found.savedFramePointer !== undefined && flat)
    places.set(registerNumber(top.bits, 'rbp'), { kind: 'memory', address: found.savedFramePointer });
  // The call lies just before the return address: that is the line to show.
  const { stack, framePointer } = found;
  return {
    linear: found.linear,
    lookup: found.linear - 1n,
    stack,
    framePointer,
    registers: { ...registers, places },
  };
}

/** True in the function where the program begins. */
function isEntryFunction(image: Image, { lookup }: Activation): boolean {
  const symbol = symbolAt(image, lookup)?.symbol;
  return symbol !== undefined && symbol === symbolAt(image, BigInt(image.program.entry.entry))?.symbol;
}

/** The interrupt frame of a handler whose return address is at `slot`, or behind an error code there. */
function interrupt(machine: Machine, image: Image, caller: Activation, slot: bigint): Activation | undefined {
  const width = BigInt(caller.registers.bits / 8);
  return interruptedAt(machine, image, caller, slot) ?? interruptedAt(machine, image, caller, slot + width);
}

/** Code outside any function (assembly) that nothing calls: perhaps the common part of interrupt handlers. */
function stubInterrupted(
  machine: Machine,
  image: Image,
  top: Position,
  frame: Activation,
  linear: bigint,
): Activation | undefined {
  const symbol = symbolAt(image, linear);
  if (top.bits === 16 || symbol === undefined || image.program.debug?.functionsAt(frame.lookup).length)
    return undefined;
  return gateTargets(machine, top.side).size === 0 ? undefined : searchInterrupted(machine, image, frame);
}

interface Found {
  readonly linear: bigint;
  readonly stack: bigint;
  readonly framePointer: bigint | undefined;
  /** Linear address where the caller's frame pointer is saved. */
  readonly savedFramePointer?: bigint;
  /** Nothing has run that could have changed registers. */
  readonly keepsRegisters: boolean;
}

function callerByCode(
  machine: Machine,
  image: Image,
  top: Position,
  frame: Activation,
  innermost: boolean,
): Found | undefined {
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
      return { linear, stack: slot + step, framePointer: top.framePointer, keepsRegisters: true };
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
      const saved = word(pointer);
      return {
        linear,
        stack: pointer + 2n * step,
        framePointer: saved,
        savedFramePointer: pointer,
        keepsRegisters: false,
      };
    }
  }
  const words = machine.peekLinear(top.side, frame.stack, SEARCH_WORDS * width);
  for (let at = 0; at + width <= words.length; at += width) {
    const slot = frame.stack + BigInt(at);
    const linear = toLinear(machine, top.side, top.bits, 'cs', littleEndian(words.subarray(at, at + width)));
    if (callsFunctionOf(machine, image, top, linear, frame.linear) === true) {
      return { linear, stack: slot + step, framePointer: frame.framePointer, keepsRegisters: false };
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
