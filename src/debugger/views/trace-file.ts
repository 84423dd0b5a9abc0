// The VM exits of a run as a `.vmtrace` file: gzip (made and undone by whoever has the file) around what is written here, all
// little-endian: the eight bytes VMTRACE and a newline, a word with the version, a text (length in bytes and JSON, padded with
// blanks to whole words) with `TraceHeader`, then blocks: a text with `BlockHeader` and the exits' words, transposed (first every
// exit's first word) and each as the difference from the word before.

import {
  appendExit,
  createTimeline,
  exitWords,
  firstExit,
  ROW,
  type Timeline,
  timelineExit,
} from '../../vmx/timeline.ts';
import { hex } from '../format.ts';
import type { SymbolOf } from './exits.ts';

export const TRACE_VERSION = 1;
const MAGIC = new TextEncoder().encode('VMTRACE\n');

export interface TraceHeader {
  /** Name of the program. */
  readonly program: string;
  /** Instructions of the run. */
  readonly time: number;
}

interface BlockHeader {
  /** Number of the first exit. */
  readonly first: number;
  readonly count: number;
  /** Names of places, by guest RIP. */
  readonly symbols: Readonly<Record<string, string>>;
}

export interface Trace extends TraceHeader {
  readonly timeline: Timeline;
  readonly symbolOf: SymbolOf;
}

function textOf(value: object): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const padded = new Uint8Array(4 + Math.ceil(bytes.length / 4) * 4).fill(0x20);
  new DataView(padded.buffer).setUint32(0, padded.length - 4, true);
  padded.set(bytes, 4);
  return padded;
}

export function traceHeader(header: TraceHeader): Uint8Array {
  const text = textOf(header);
  const bytes = new Uint8Array(MAGIC.length + 4 + text.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(MAGIC.length, TRACE_VERSION, true);
  bytes.set(text, MAGIC.length + 4);
  return bytes;
}

/** The exits from `from` to `to`, both included; they are held. */
export function traceBlock(timeline: Timeline, symbolOf: SymbolOf, from: number, to: number): Uint8Array {
  const count = to - from + 1;
  const symbols: Record<string, string> = {};
  const words = new Uint32Array(count * ROW);
  for (let i = 0; i < count; i++) {
    const rip = timelineExit(timeline, from + i)?.rip ?? 0n;
    const key = hex(rip);
    symbols[key] ??= symbolOf(rip);
    const exit = exitWords(timeline, from + i);
    for (let word = 0; word < ROW; word++) words[word * count + i] = exit?.[word] ?? 0;
  }
  const text = textOf({ first: from, count, symbols } satisfies BlockHeader);
  const bytes = new Uint8Array(text.length + words.length * 4);
  bytes.set(text);
  const view = new DataView(bytes.buffer, text.length);
  words.forEach((word, i) => {
    const before = i % count === 0 ? 0 : (words[i - 1] as number);
    view.setUint32(i * 4, (word - before) >>> 0, true);
  });
  return bytes;
}

/** Reads what was written, unpacked; `error` says why it cannot be read. */
export function readTrace(bytes: Uint8Array): Trace | { readonly error: string } {
  if (bytes.length < 16 || MAGIC.some((byte, i) => bytes[i] !== byte))
    return { error: 'This file is no saved run: it does not begin as a .vmtrace file does.' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== TRACE_VERSION)
    return { error: `The file has version ${version} of the format; this Ringside reads version ${TRACE_VERSION}.` };
  try {
    return readBlocks(view, MAGIC.length + 4);
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError)
      return { error: 'The file is damaged: it ends too early, or its text cannot be read. Save the run again.' };
    throw error;
  }
}

function readBlocks(view: DataView, start: number): Trace {
  const [header, after] = readText<TraceHeader>(view, start);
  const timeline = createTimeline();
  const names = new Map<string, string>();
  for (let at = after; at < view.byteLength; ) {
    const [block, data] = readText<BlockHeader>(view, at);
    if (timeline.count === 0) {
      timeline.count = block.first - 1;
      timeline.dropped = timeline.count;
    }
    const words = new Uint32Array(block.count * ROW);
    for (let i = 0; i < words.length; i++) {
      const before = i % block.count === 0 ? 0 : (words[i - 1] as number);
      words[i] = before + view.getUint32(data + i * 4, true);
    }
    const exit = new Uint32Array(ROW);
    for (let i = 0; i < block.count; i++) {
      for (let word = 0; word < ROW; word++) exit[word] = words[word * block.count + i] as number;
      appendExit(timeline, exit);
    }
    for (const [rip, name] of Object.entries(block.symbols)) names.set(rip, name);
    at = data + words.length * 4;
  }
  if (firstExit(timeline) > timeline.count + 1) throw new RangeError('no exits');
  return { ...header, timeline, symbolOf: (rip) => names.get(hex(rip)) ?? '' };
}

function readText<T>(view: DataView, at: number): [T, number] {
  const length = view.getUint32(at, true);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 4, length);
  return [JSON.parse(new TextDecoder().decode(bytes)) as T, at + 4 + length];
}
