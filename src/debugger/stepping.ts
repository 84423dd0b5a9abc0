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
import { enterInlined, type Standing, standingAt } from './source/inlined.ts';
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
  if (granularity === 'instruction') return stepInstruction(machine, kind);
  const standing = standingAt(machine, image, currentPosition(machine).linear);
  if (standing.line === undefined) return stepInstruction(machine, kind);
  return stepStatement(machine, image, kind, standing, standing.line);
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
function* stepStatement(machine: Machine, image: Image, kind: 'in' | 'over', start: Standing, startLine: LineAt): Plan {
  const side = machine.side();
  // Into an inlined copy: the processor stands in it already.
  if (kind === 'in' && start.called !== undefined)
    return enterInlined(machine, currentPosition(machine).linear, start.entered + 1);
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
    const now = standingAt(machine, image, here.linear);
    if (now.called !== undefined && isSameFrame(now, start)) {
      const sameLine = now.line?.line === startLine.line && now.line.file === startLine.file;
      // Another call of the same line is entered, as a call is.
      if (sameLine && kind === 'in') return enterInlined(machine, here.linear, 1);
      if (!sameLine || here.linear === startLine.start) return;
      continue;
    }
    // To step over inlined code is to stay where one is.
    if (kind === 'over' && isInside(now, start)) continue;
    if (now.called === undefined ? isNewStatement(image, here, startLine) : now.line?.line !== startLine.line) return;
  }
}

const isSameFrame = ({ functions }: Standing, start: Standing): boolean =>
  functions.length === start.functions.length &&
  functions.every((instance, level) => start.functions[level] === instance);

/** In a copy that was inlined into the function, or copy, where the step began. */
const isInside = ({ functions }: Standing, start: Standing): boolean =>
  start.functions.length > 0 &&
  functions.length > start.functions.length &&
  start.functions.every((instance, level) => functions[level] === instance);

/** Out of an inlined copy: until its code ends, calls in it run through. False when the machine does not stand in one. */
function* outOfInlined(machine: Machine, image: Image): Generator<Wanted, boolean, Stop> {
  const start = currentPosition(machine);
  const copy = standingAt(machine, image, start.linear).functions.at(-1);
  if (copy?.inlined !== true) return false;
  for (;;) {
    yield* stepInstruction(machine, 'over');
    const here = currentPosition(machine);
    if (here.side !== start.side) return true;
    if (image.program.debug?.functionsAt(here.linear).includes(copy) === true) continue;
    // What is left of a line of the copy shows the caller in a line that is not its own.
    const line = lineAt(image, here.linear);
    const foreign = line !== undefined && (line.line !== copy.call?.line || line.path !== copy.call.path);
    if (!foreign || line.start === here.linear) return true;
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
