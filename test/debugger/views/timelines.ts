// Timelines for tests, recorded as the machine records them, over a memory that holds nothing else.
import { F_GUEST_RIP } from '../../../src/core/generated/vmcs-offsets.ts';
import {
  COUNT_EXITS,
  EXIT_GUEST_PHYSICAL,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  LAST_EXIT,
  VMCS_ADDRESS,
} from '../../../src/core/layout.ts';
import type { Core } from '../../../src/vmx/processor.ts';
import { addEntry, addExit, createTimeline, cutTimeline, type Timeline } from '../../../src/vmx/timeline.ts';

const REGION = 0x10_0000;

export interface TimelineWriter {
  readonly timeline: Timeline;
  exit(time: number, reason: number, rip?: number, entered?: number): void;
  entry(time: number): void;
  /** What came after exit `count` becomes another future. */
  cut(count: number, time: number): void;
}

export function timelineWriter(): TimelineWriter {
  const buffer = new ArrayBuffer(REGION + 0x1000);
  const words = new Uint32Array(buffer);
  const core = { words, quads: new BigUint64Array(buffer), bytes: new Uint8Array(buffer) } as unknown as Core;
  const timeline = createTimeline();
  words[VMCS_ADDRESS >>> 2] = REGION;
  return {
    timeline,
    exit(time, reason, rip = 0x1000, entered) {
      const number = (words[COUNT_EXITS >>> 2] as number) + 1;
      words[COUNT_EXITS >>> 2] = number;
      words[LAST_EXIT >>> 2] = number;
      words[EXIT_REASON >>> 2] = reason;
      words[EXIT_QUALIFICATION >>> 2] = reason === 48 ? 2 : 0;
      words[EXIT_GUEST_PHYSICAL >>> 2] = 0x400128;
      words[(REGION + F_GUEST_RIP) >>> 2] = rip;
      addExit(timeline, core, time, entered);
    },
    entry: (time) => addEntry(timeline, core, time),
    cut(count, time) {
      words[COUNT_EXITS >>> 2] = count;
      words[LAST_EXIT >>> 2] = count;
      cutTimeline(timeline, count, time);
    },
  };
}
