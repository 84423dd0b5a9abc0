// Steps backwards, the mirror of stepping.ts: a guest is to its hypervisor what a callee is to its caller. Back over a guest's
// instruction that exited skips the handler; back over the VM exit, from the handler, skips the guest.

import type { Stop } from '../../machine/types.ts';
import { lineAt } from '../../program/image.ts';
import { decodeAll } from '../instructions.ts';
import type { Cause } from '../session/cause.ts';
import { peek } from '../memory.ts';
import { currentPosition } from '../position.ts';
import { sideFrames } from '../stack.ts';
import type { Granularity, StepKind } from '../stepping.ts';
import { createPast, goToPlace, type Past, type Place, placeHere } from './past.ts';
import { searchBack } from './search.ts';
import { goTo, type Journey, type Traveller } from './traveller.ts';

const STEP: Cause = { kind: 'step' };
const START: Cause = { kind: 'history-start' };
const EVERY_REASON = new Uint8Array(256).fill(1);
const QUIET = { entryFailures: false, vmFails: false, tripleFaults: false } as const;

/** One step back. */
export function stepBack(kind: StepKind, granularity: Granularity): Journey {
  return async (traveller) => {
    const past = createPast(traveller);
    const line =
      granularity === 'statement' ? lineAt(traveller.image, currentPosition(traveller.machine).linear) : undefined;
    if (kind === 'out') return arrive(traveller, await backOut(traveller, past, placeHere(traveller)));
    const back = kind === 'in' ? backIn : backOver;
    if (line === undefined) return arrive(traveller, await back(traveller, past, placeHere(traveller)));
    return arrive(traveller, await backStatement(traveller, past, back));
  };
}

/** Out of `frames` functions: to the call of each. */
export function backToCall(frames: number): Journey {
  return async (traveller) => {
    const past = createPast(traveller);
    let place: Place | undefined = placeHere(traveller);
    for (let i = 0; i < frames && place !== undefined; i++) place = await backOut(traveller, past, place);
    return arrive(traveller, place);
  };
}

async function arrive(traveller: Traveller, place: Place | undefined): Promise<Cause> {
  if (place !== undefined) {
    await goToPlace(traveller, place);
    return STEP;
  }
  await goTo(traveller, traveller.machine.history.first());
  return START;
}

type Back = (traveller: Traveller, past: Past, here: Place) => Promise<Place | undefined>;

/** The place before: the guest's instruction that exited, the VMRESUME that entered, the RET of a call. */
function backIn(_traveller: Traveller, past: Past, here: Place): Promise<Place | undefined> {
  return past.before(here.moment);
}

async function backOver(traveller: Traveller, past: Past, here: Place): Promise<Place | undefined> {
  const previous = await past.before(here.moment);
  if (previous === undefined) return undefined;
  const { position } = here;
  if (previous.position.side !== position.side) {
    // Entered from the hypervisor, or left for it: to where this side stood before it gave way.
    const exits = position.side === 'non-root';
    return (await beforeTransition(traveller, past, here, exits)) ?? previous;
  }
  const returned = previous.instruction?.flow === 'return' && position.stack > previous.position.stack;
  if (!returned) return previous;
  const call = await callBefore(traveller, here, previous);
  if (call !== undefined) return call;
  // An interrupt's or exception's handler came back to the instruction that it interrupted.
  const interrupted = await visitBefore(traveller, here, [position.linear], position.stack);
  return interrupted === undefined ? previous : backOver(traveller, past, interrupted);
}

/** The guest's instruction before its last VM exit, or the VMLAUNCH or VMRESUME before the last VM entry. */
async function beforeTransition(
  traveller: Traveller,
  past: Past,
  here: Place,
  exits: boolean,
): Promise<Place | undefined> {
  await goToPlace(traveller, here);
  traveller.setBreakpoints([], false);
  const { vmcs } = here.position;
  const processor = traveller.machine.processor();
  const found = await searchBack(traveller, {
    options: exits ? { ...QUIET, exitReasons: EVERY_REASON } : { ...QUIET, entries: true },
    accept: (stop: Stop) => {
      if (traveller.machine.processor() !== processor) return undefined;
      if (exits) return stop.kind === 'vm-exit' && stop.exit.vmcs === vmcs ? true : undefined;
      return stop.kind === 'vm-entry' ? true : undefined;
    },
  });
  return found === undefined ? undefined : past.before(found.moment);
}

/** The CALL or INT that `previous`, a return, came back behind. */
function callBefore(traveller: Traveller, here: Place, previous: Place): Promise<Place | undefined> {
  const { position } = here;
  const calls = callsEndingAt(traveller, here);
  return calls.length === 0
    ? Promise.resolve(undefined)
    : visitBefore(traveller, here, calls, previous.position.stack + 1n, position.stack);
}

/** Linear addresses of calls that end where this place begins. */
function callsEndingAt({ machine }: Traveller, here: Place, linear = here.position.linear): bigint[] {
  const { side, bits } = here.position;
  const found: bigint[] = [];
  for (let length = 1n; length <= 8n; length++) {
    const address = BigInt.asUintN(64, linear - length);
    const bytes = peek(machine, { space: { kind: 'linear', side }, address }, Number(length));
    const [instruction] = decodeAll(bytes, address, bits, 1);
    const calls = instruction?.flow === 'call' || instruction?.flow === 'interrupt';
    if (calls && instruction.bytes.length === Number(length)) found.push(address);
  }
  return found;
}

/** The last time that this side stood at one of the addresses, with the stack in a range. */
async function visitBefore(
  traveller: Traveller,
  here: Place,
  addresses: readonly bigint[],
  lowest: bigint,
  highest = lowest,
): Promise<Place | undefined> {
  await goToPlace(traveller, here);
  traveller.setBreakpoints(addresses, false);
  const { side, vmcs } = here.position;
  const processor = traveller.machine.processor();
  const found = await searchBack(traveller, {
    options: QUIET,
    accept: () => {
      if (traveller.machine.processor() !== processor) return undefined;
      const position = currentPosition(traveller.machine);
      if (position.side !== side || (side === 'non-root' && position.vmcs !== vmcs)) return undefined;
      if (!addresses.includes(position.linear) || position.stack < lowest || position.stack > highest) return undefined;
      return placeHere(traveller);
    },
  });
  traveller.setBreakpoints([], false);
  return found?.what;
}

const WALK_LIMIT = 200_000;

/** To the call of the function; from the outermost frame to where the other side gave way. */
async function backOut(traveller: Traveller, past: Past, here: Place): Promise<Place | undefined> {
  await goToPlace(traveller, here);
  const caller = sideFrames(traveller.machine, traveller.image, here.position.side)[1];
  if (caller !== undefined) {
    const calls = callsEndingAt(traveller, here, caller.linear);
    if (calls.length > 0) {
      const call = await visitBefore(traveller, here, calls, here.position.stack + 1n, caller.stack);
      if (call !== undefined) return call;
    }
  }
  return walkOut(past, here);
}

/** Instruction by instruction, where the caller is not known. */
async function walkOut(past: Past, here: Place): Promise<Place | undefined> {
  let inner = here;
  let highest = here.position.stack;
  for (let count = 0; count < WALK_LIMIT; count++) {
    const place = await past.before(inner.moment);
    if (place === undefined || place.position.side !== here.position.side) return place;
    if (inner.position.stack >= highest) {
      highest = inner.position.stack;
      const pushed = place.position.stack > inner.position.stack;
      if (pushed && (place.instruction?.flow === 'call' || place.instruction?.flow === 'interrupt')) return place;
      if (pushed && inner.moment.events > place.moment.events) return place; // an event was delivered
    }
    inner = place;
  }
  return inner;
}

const STATEMENT_LIMIT = 100_000;

/** Back until a statement of the source begins. */
async function backStatement(traveller: Traveller, past: Past, back: Back): Promise<Place | undefined> {
  const { image, machine } = traveller;
  let here = placeHere(traveller);
  const side = machine.side();
  for (let count = 0; count < STATEMENT_LIMIT; count++) {
    const place = await back(traveller, past, here);
    if (place === undefined) return undefined;
    here = place;
    const line = lineAt(image, place.position.linear);
    if (line === undefined) {
      if (place.position.side !== side) return place;
      continue;
    }
    if (line.start !== place.position.linear) continue;
    const rows = image.rowsOfFile.get(line.file) ?? [];
    if (rows.some((index) => image.rowAddresses[index] === place.position.linear)) return place;
  }
  return here;
}
