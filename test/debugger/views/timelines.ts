// Timelines for tests, recorded as the machine records them, over a memory that holds nothing else.
import {
  COUNT_EXITS,
  ENTRY_TIME,
  EXIT_GUEST_PHYSICAL,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_RIP,
  EXIT_TIME,
  LAST_ENTRY,
  LAST_EXIT,
  MACHINE,
  MACHINE_SIZE,
} from '../../../src/core/layout.ts';
import { type Core, writeCount } from '../../../src/vmx/processor.ts';
import { addEntry, addExit, createTimeline, cutTimeline, type Timeline } from '../../../src/vmx/timeline.ts';

/** Where processor state and what processors share end. */
const STATE_AND_MACHINE = MACHINE + MACHINE_SIZE;

export interface TimelineWriter {
  readonly timeline: Timeline;
  exit(time: number, reason: number, rip?: number, entered?: number): void;
  entry(time: number): void;
  /** What came after exit `count` becomes another future. */
  cut(count: number, time: number): void;
}

export function timelineWriter(): TimelineWriter {
  const words = new Uint32Array(STATE_AND_MACHINE >>> 2);
  const core = { words, signed: new Int32Array(words.buffer) } as unknown as Core;
  const timeline = createTimeline();
  return {
    timeline,
    exit(time, reason, rip = 0x1000, entered) {
      const number = (words[COUNT_EXITS >>> 2] as number) + 1;
      words[COUNT_EXITS >>> 2] = number;
      words[LAST_EXIT >>> 2] = number;
      words[EXIT_REASON >>> 2] = reason;
      words[EXIT_QUALIFICATION >>> 2] = reason === 48 ? 2 : 0;
      words[EXIT_GUEST_PHYSICAL >>> 2] = 0x400128;
      words[EXIT_RIP >>> 2] = rip;
      words[LAST_ENTRY >>> 2] = entered === undefined ? 0 : 1;
      writeCount(core, ENTRY_TIME, entered ?? 0);
      writeCount(core, EXIT_TIME, time);
      addExit(timeline, core);
    },
    entry(time) {
      writeCount(core, ENTRY_TIME, time);
      addEntry(timeline, core);
    },
    cut(count, time) {
      words[COUNT_EXITS >>> 2] = count;
      words[LAST_EXIT >>> 2] = count;
      cutTimeline(timeline, count, time);
    },
  };
}
