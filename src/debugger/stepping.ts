// Stepping across both sides. A guest is to its hypervisor what a callee is to its caller: stepping over an instruction that
// exits runs the handler and stops at the guest's next instruction; stepping over VMRESUME runs the guest and stops at the
// exit handler. A plan is a generator: it yields what the machine must come back for, receives why it came back (never
// for an exhausted budget), and returns when the step is complete.

import type { Machine, Stop } from '../machine/types.ts';
import { type Image, type LineAt, lineAt, symbolAt } from '../program/image.ts';
import { afterPrologue } from './breakpoints.ts';
import { deliveredVectors, injectionIsPending, injects, injectsInterrupt } from './event-delivery.ts';
import type { DecodedInstruction } from './instructions.ts';
import { currentPosition, instructionHere, nextLinear, type Position, toLinear } from './position.ts';
import { sideFrames } from './stack.ts';

export type StepKind = 'in' | 'over' | 'out';
export type Granularity = 'statement' | 'instruction';

/** What the machine must come back for, beside the user's own breakpoints and filters. */
export interface Wanted {
  /** One instruction only. */
  readonly single?: boolean;
  /** Linear addresses. */
  readonly addresses?: readonly bigint[];
  readonly exits?: boolean;
  readonly entries?: boolean;
  /** Failed VM entries and VMfail, although no filter asks for them. */
  readonly failures?: boolean;
}

export type Plan = Generator<Wanted, void, Stop>;

const SINGLE: Wanted = { single: true };

/** The plan of a step from where the machine stands now. */
export function planStep(machine: Machine, image: Image, kind: StepKind, granularity: Granularity): Plan {
  if (kind === 'out') return stepOut(machine, image);
  const line = granularity === 'statement' ? lineAt(image, currentPosition(machine).linear) : undefined;
  return line === undefined ? stepInstruction(machine, kind) : stepStatement(machine, image, kind, line);
}

/** Instruction by instruction until the processor stands outside a range of linear addresses, or on the other side. */
export function* planStepRange(machine: Machine, start: bigint, end: bigint): Plan {
  const side = machine.side();
  for (;;) {
    yield* intoOne(machine);
    const { linear } = currentPosition(machine);
    if (machine.side() !== side || linear < start || linear >= end) return;
  }
}

/** Until an address is reached on one side and VMCS, with the stack at or above a level (so not in a deeper call). */
function* runTo(machine: Machine, address: bigint, from: Position, stack: bigint | undefined): Plan {
  const wanted: Wanted = { addresses: [address] };
  for (;;) {
    yield wanted;
    if (machine.side() !== from.side) continue;
    const here = currentPosition(machine);
    if (here.linear !== address || (from.side === 'non-root' && here.vmcs !== from.vmcs)) continue;
    if (stack === undefined || here.stack >= stack) return;
  }
}

/** One instruction: into whatever it leads to, or over it. */
function* stepInstruction(machine: Machine, kind: 'in' | 'over'): Plan {
  const start = currentPosition(machine);
  const instruction = instructionHere(machine, start);
  if (instruction === undefined || kind === 'in') return yield* intoOne(machine);
  if (instruction.flow === 'entry' && start.side === 'root') return yield* toNextExit();
  if (instruction.flow === 'call' || instruction.flow === 'interrupt') {
    return yield* runTo(machine, nextLinear(start, instruction), start, start.stack);
  }
  yield* overOne(machine, start, instruction);
}

/** One instruction and nothing skipped; an event that VM entry injects is delivered, so that its handler shows. */
function* intoOne(machine: Machine): Plan {
  const stop = yield SINGLE;
  if (stop.kind === 'vm-entry' && injectionIsPending(machine, stop.entry)) yield SINGLE;
}

/** VMLAUNCH or VMRESUME in root operation: the guest runs until its next VM exit; a failed entry falls through. */
function* toNextExit(): Plan {
  for (;;) {
    const stop = yield { exits: true, failures: true };
    if (stop.kind === 'vm-exit' || stop.kind === 'entry-failure' || stop.kind === 'vm-fail') return;
  }
}

/** Any other instruction: alone, and what comes between it and the next (an exit's handler, an interrupt's) is run through. */
function* overOne(machine: Machine, start: Position, instruction: DecodedInstruction): Plan {
  for (;;) {
    const stop = yield SINGLE;
    if (stop.kind === 'vm-exit') {
      yield* backToGuest(machine, start);
      // The handler may have let the guest try the same instruction again (an EPT violation that it mended).
      if (isAt(machine, start)) continue;
      return;
    }
    const here = currentPosition(machine);
    if (here.side !== start.side) return;
    if (here.linear === start.linear) {
      if (instruction.repeats) continue;
      return;
    }
    if (!wentElsewhere(here, start, instruction)) return;
    const vectors = deliveredVectors(machine);
    // An exception's handler is shown, an interrupt's is run through.
    if (vectors.length === 0 || vectors.some((vector) => vector < 32)) return;
    yield* runTo(machine, start.linear, start, start.stack);
  }
}

function isAt(machine: Machine, start: Position): boolean {
  const here = currentPosition(machine);
  return here.side === start.side && here.linear === start.linear;
}

function wentElsewhere(here: Position, start: Position, instruction: DecodedInstruction): boolean {
  if (instruction.flow === 'return' || (instruction.flow === 'jump' && instruction.target === undefined)) return false;
  if (here.linear === nextLinear(start, instruction)) return false;
  const target = instruction.target;
  return target === undefined || here.rip !== target;
}

/** After a VM exit: until the guest continues. An interrupt that the hypervisor injects is run through, a fault is shown. */
function* backToGuest(machine: Machine, start: Position): Plan {
  let stop = yield { entries: true };
  while (stop.kind !== 'vm-entry' || (start.vmcs !== undefined && stop.entry.vmcs !== start.vmcs))
    stop = yield { entries: true };
  const { entry } = stop;
  if (!injects(entry)) return;
  if (injectsInterrupt(entry)) {
    const here = currentPosition(machine);
    const back = toLinear(machine, 'non-root', here.bits, 'cs', entry.guestRip);
    // While the event is still pending the guest stands at that address already; the first step delivers it.
    if (injectionIsPending(machine, entry)) yield SINGLE;
    if (currentPosition(machine).linear !== back) yield* runTo(machine, back, start, start.stack);
  } else if (injectionIsPending(machine, entry)) {
    yield SINGLE;
  }
}

/** To the caller; from the outermost frame of the hypervisor to the guest, from that of the guest to the hypervisor. */
function* stepOut(machine: Machine, image: Image): Plan {
  const start = currentPosition(machine);
  if (yield* outOfInlined(machine, image)) return;
  const caller = sideFrames(machine, image, start.side).find((frame) => !frame.innermost);
  if (caller !== undefined) return yield* runTo(machine, caller.linear, start, start.stack + 1n);
  if (yield* walkOut(machine, start)) return;
  for (;;) {
    const stop = yield start.side === 'root' ? { entries: true } : { exits: true };
    if (yield* crossed(machine, stop)) return;
  }
}

/** How many instructions are looked at one by one for the one that returns. */
const WALK_LIMIT = 20_000;

/**
 * Out of code whose caller is not known (assembly, interrupt handlers): instruction by instruction, over calls, until one
 * returns with the stack where it was, or the other side is reached. False when neither came in time.
 */
function* walkOut(machine: Machine, start: Position): Generator<Wanted, boolean, Stop> {
  const boundary: Wanted = start.side === 'root' ? { entries: true } : { exits: true };
  for (let count = 0; count < WALK_LIMIT; count++) {
    const before = currentPosition(machine);
    const instruction = instructionHere(machine, before);
    const isCall = instruction?.flow === 'call' || instruction?.flow === 'interrupt';
    if (instruction !== undefined && isCall) {
      const next = nextLinear(before, instruction);
      for (;;) {
        const stop = yield { ...boundary, addresses: [next] };
        if (yield* crossed(machine, stop)) return true;
        const here = currentPosition(machine);
        if (here.side === start.side && here.linear === next && here.stack >= before.stack) break;
      }
      continue;
    }
    const stop = yield SINGLE;
    if (yield* crossed(machine, stop)) return true;
    if (instruction?.flow === 'return' && before.stack >= start.stack) return true;
    const here = currentPosition(machine);
    const interrupted =
      instruction !== undefined && here.linear !== before.linear && wentElsewhere(here, before, instruction);
    if (interrupted && deliveredVectors(machine).some((vector) => vector >= 32)) {
      yield* runTo(machine, before.linear, before, before.stack);
    }
  }
  return false;
}

/** True when a stop is the crossing to the other side; an event that VM entry injects is delivered first. */
function* crossed(machine: Machine, stop: Stop): Generator<Wanted, boolean, Stop> {
  if (stop.kind === 'vm-exit') return true;
  if (stop.kind !== 'vm-entry') return false;
  if (injectionIsPending(machine, stop.entry)) yield SINGLE;
  return true;
}

/** Instruction steps until another source line begins. */
function* stepStatement(machine: Machine, image: Image, kind: 'in' | 'over', startLine: LineAt): Plan {
  const side = machine.side();
  const inlined = kind === 'over' ? inlinedInto(image, currentPosition(machine).linear) : undefined;
  for (;;) {
    const before = currentPosition(machine);
    const instruction = instructionHere(machine, before);
    yield* stepInstruction(machine, kind);
    let here = currentPosition(machine);
    if (here.side !== side) return;
    if (kind === 'in' && instruction?.flow === 'call' && here.linear !== nextLinear(before, instruction)) {
      if (lineAt(image, here.linear) !== undefined) return yield* pastPrologue(machine, image, here);
      // A function without source lines: as if stepped over.
      yield* runTo(machine, nextLinear(before, instruction), before, before.stack);
      here = currentPosition(machine);
    }
    if (inlined?.(here.linear) === true) continue;
    if (isNewStatement(image, here, startLine)) return;
  }
}

/** Tells addresses whose code was inlined into the function (or inlined copy) at `start`: to step over them is to stay where one is. */
function inlinedInto(image: Image, start: bigint): ((address: bigint) => boolean) | undefined {
  const { debug } = image.program;
  const from = debug?.functionsAt(start);
  if (debug === undefined || from === undefined || from.length === 0) return undefined;
  return (address) => {
    const chain = debug.functionsAt(address);
    return chain.length > from.length && from.every((instance, level) => chain[level] === instance);
  };
}

/** Out of an inlined copy: until its code ends, calls in it run through. False when the machine does not stand in one. */
function* outOfInlined(machine: Machine, image: Image): Generator<Wanted, boolean, Stop> {
  const start = currentPosition(machine);
  const { debug } = image.program;
  const copy = debug?.functionsAt(start.linear).at(-1);
  if (debug === undefined || copy?.inlined !== true) return false;
  for (;;) {
    yield* stepInstruction(machine, 'over');
    const here = currentPosition(machine);
    if (here.side !== start.side || !debug.functionsAt(here.linear).includes(copy)) return true;
  }
}

function isNewStatement(image: Image, here: Position, startLine: LineAt): boolean {
  const line = lineAt(image, here.linear);
  if (line === undefined) return true;
  if (!beginsStatement(image, here.linear, line)) return false;
  // The same line again counts only where it began: each turn of a loop on one line is a step.
  return line.line !== startLine.line || line.file !== startLine.file || here.linear === startLine.start;
}

function* pastPrologue(machine: Machine, image: Image, here: Position): Plan {
  const atStart = symbolAt(image, here.linear)?.offset === 0n;
  const begin = atStart ? afterPrologue(image, here.linear) : here.linear;
  if (begin !== here.linear) yield* runTo(machine, begin, here, undefined);
}

/** True when a row of the line table that is a statement begins at this address. */
function beginsStatement(image: Image, address: bigint, line: LineAt): boolean {
  if (line.start !== address) return false;
  const rows = image.rowsOfFile.get(line.file) ?? [];
  return rows.some((index) => image.rowAddresses[index] === address);
}
