// A hash of the whole machine: registers, devices, RAM. Two machines with the same hash have the same future. What only says how the
// machine was executed (budgets, caches, scratch cells, lazy flags) is left out or brought into one form.
import {
  ATTENTION,
  CODE_SPACE_KEY,
  CPUID_EAX,
  EA,
  GENERATION,
  LAST_PHYSICAL,
  LF_KIND,
  MSR_VALUE,
  PDPTE0,
  RAM,
  REPEATING,
  RETIRED,
  RUN_FLAGS,
  SEEN_SPACES,
  SI_NEXT,
  STATE,
  STATE_SIZE,
  STOP,
  TURN,
  TURN_END,
  VMX_ON,
  WATCH_HIT,
} from '../../core/layout.ts';
import type { Core } from '../../vmx/processor.ts';
import type { Hardware } from '../hardware.ts';
import { everyProcessor, runningProcessor } from '../processors.ts';
import { presentMoment } from './moments.ts';

/** Cells of a state block that are no state of the processor: from, up to. */
const LEFT_OUT: readonly (readonly [number, number])[] = [
  [EA, LF_KIND], // EA and RIP
  [LF_KIND, GENERATION + 4],
  [STOP, ATTENTION + 4],
  [RETIRED, RETIRED + 12],
  [RUN_FLAGS, RUN_FLAGS + 4],
  [MSR_VALUE, PDPTE0],
  [CPUID_EAX, VMX_ON],
  [SI_NEXT, LAST_PHYSICAL + 16],
  [0x17a0, 0x17a8], // UNSUPPORTED
  [WATCH_HIT, WATCH_HIT + 32],
  [SEEN_SPACES, SEEN_SPACES + 4],
  [CODE_SPACE_KEY, REPEATING],
];

/** 16 hexadecimal digits. */
export function stateHash(hardware: Hardware): string {
  const { core, board } = hardware;
  const hash = createHash();
  const moment = presentMoment(core);
  hash.text(`${moment.time} ${moment.events} `);
  const shown = runningProcessor(core);
  for (const processor of everyProcessor(core)) {
    core.exports.switchProcessor(processor);
    hash.text(`${core.exports.getRip()} ${core.exports.getFlags()} `);
    hash.words(normalized(core, STATE));
  }
  core.exports.switchProcessor(shown);
  hash.words(core.words.slice(TURN >>> 2, (TURN_END + 8) >>> 2));
  board.select(0);
  hash.text(JSON.stringify(board.save(), (_key, value: unknown) => (value instanceof Uint8Array ? [...value] : value)));
  board.select(shown);
  const pages = core.ramSize / 4096;
  for (let page = 0; page < pages; page++) {
    if (core.exports.isZeroPage(page) !== 0) continue;
    hash.number(page);
    hash.words(core.words.subarray((RAM + page * 4096) >>> 2, (RAM + page * 4096 + 4096) >>> 2));
  }
  return hash.value();
}

/** A state block without what is left out. */
function normalized(core: Core, block: number): Uint32Array {
  const words = core.words.slice(block >>> 2, (block + STATE_SIZE) >>> 2);
  for (const [from, to] of LEFT_OUT) words.fill(0, (from - STATE) >>> 2, (to - STATE) >>> 2);
  return words;
}

/** Two sums of 32 bits each, mixed by different multipliers. */
function createHash() {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  const number = (value: number): void => {
    a = Math.imul(a ^ value, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b ^ value, 0x5bd1e995);
    b ^= b >>> 13;
  };
  return {
    number,
    words(words: Uint32Array): void {
      for (let i = 0; i < words.length; i++) number(words[i] as number);
    },
    text(text: string): void {
      for (let i = 0; i < text.length; i++) number(text.charCodeAt(i));
    },
    value: (): string => (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0'),
  };
}
