// Brings a machine to the beginning of a test that is to be debugged.

import type { Machine, Stop } from '../../machine/types.ts';
import { addressOf, type Image } from '../../program/image.ts';
import { place } from '../place.ts';
import { currentPosition } from '../position.ts';
import { placeCall } from './calls.ts';
import { BEFORE_TESTS, READY_FOR_TESTS, testsOf } from './discover.ts';

/** Where a called test returns to, in any mode: `mov al, 0`, `out 0xF4, al` (success), `hlt`, `jmp` to the HLT. */
const ENDING = Uint8Array.of(0xb0, 0x00, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd);
/** Bytes of stack that it gets: as many as keep the stack aligned. */
const ENDING_ROOM = 16n;
/** What a program may take up to `ready_for_tests`. */
const LIMIT = 100_000_000;
const SLICE = 5_000_000;

export type Standing = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/**
 * The machine, before its program's first instruction, is brought to the test's first: from there it runs as in `ringside test`, and where the
 * test returns to, the machine ends with success. A test that is the whole program begins where the program does.
 */
export async function standAtTest(
  machine: Machine,
  image: Image,
  name: string,
  breathe?: () => Promise<void>,
): Promise<Standing> {
  const tests = testsOf(image);
  const test = tests.find((one) => one.name === name);
  if (test === undefined) {
    const names = tests.map((one) => `"${one.name}"`).join(', ');
    return { ok: false, problem: `${image.program.name} has no test "${name}"; it has ${names}` };
  }
  if (test.address === undefined) return { ok: true };
  const problem =
    (await reachReady(machine, image, breathe)) ??
    placeCall(machine, test.address, pushEnding(machine)) ??
    before(machine, image);
  return problem === undefined ? { ok: true } : { ok: false, problem };
}

/** `before_tests` is called first, and returns to the test. */
function before(machine: Machine, image: Image): string | undefined {
  const address = addressOf(image, BEFORE_TESTS);
  return address === undefined ? undefined : placeCall(machine, address, currentPosition(machine).linear);
}

/** Answers the linear address of the ending. */
function pushEnding(machine: Machine): bigint {
  const { stack } = currentPosition(machine);
  const at = stack - ENDING_ROOM;
  machine.pokeLinear(machine.side(), at, ENDING);
  machine.writeRegister('rsp', (machine.readRegister('rsp') ?? 0n) - ENDING_ROOM);
  return at;
}

async function reachReady(
  machine: Machine,
  image: Image,
  breathe: (() => Promise<void>) | undefined,
): Promise<string | undefined> {
  const ready = addressOf(image, READY_FOR_TESTS);
  if (ready === undefined) return undefined;
  machine.setBreakpoints([ready]);
  try {
    const end = machine.time() + LIMIT;
    while (machine.time() < end) {
      const stop: Stop = machine.run({ limit: Math.min(end - machine.time(), SLICE), skipBreakpoint: false });
      if (stop.kind === 'breakpoint' && machine.side() === 'root') return undefined;
      if (stop.kind !== 'budget') break;
      await breathe?.();
    }
  } finally {
    machine.setBreakpoints([]);
  }
  return `The program did not reach ${READY_FOR_TESTS} and stands at ${place(image, currentPosition(machine).linear)}`;
}
