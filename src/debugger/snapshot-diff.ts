// How two moments differ: registers, VMCS fields and memory, as values for views and as text.

import type { Side } from '../machine/types.ts';
import { describeBits } from '../spec/bits.ts';
import { layoutOfField, layoutOfRegister } from './facts.ts';
import { hex, plural } from './format.ts';
import type { NamedSnapshot } from './snapshots.ts';

/** A register or VMCS field; undefined where it did not exist. */
export interface ChangedValue {
  readonly name: string;
  readonly was: string | undefined;
  readonly is: string | undefined;
  /** Fields and flags of it that changed: `PG clear -> set`. */
  readonly bits: readonly string[];
}

export interface ChangedRange {
  /** `hpa:0x1000`, a memory reference. */
  readonly reference: string;
  readonly size: number;
  /** Bytes in hexadecimal, the first few of a long range. */
  readonly was: string;
  readonly is: string;
}

export interface SnapshotDiff {
  readonly from: { readonly name: string; readonly time: number; readonly side: Side };
  readonly to: { readonly name: string; readonly time: number; readonly side: Side };
  readonly registers: readonly ChangedValue[];
  readonly vmcs: readonly ChangedValue[];
  /** The first ranges; `count` are there in all, on `pages` pages. */
  readonly memory: { readonly count: number; readonly pages: number; readonly ranges: readonly ChangedRange[] };
}

const MOST_RANGES = 64;
const SHOWN_BYTES = 8;
/** Changed bytes this close to each other are one range. */
const JOINED = 4;

/** What differs from `a` to `b`. */
export function diffSnapshots(a: NamedSnapshot, b: NamedSnapshot): SnapshotDiff {
  const end = ({ name, picture: { time, side } }: NamedSnapshot) => ({ name, time, side });
  return {
    from: end(a),
    to: end(b),
    registers: values(a.picture.registers, b.picture.registers, layoutOfRegister),
    vmcs: values(a.picture.vmcs, b.picture.vmcs, layoutOfField),
    memory: memory(a.machine.pages, b.machine.pages),
  };
}

export function diffText({ from, to, registers, vmcs, memory: { count, pages, ranges } }: SnapshotDiff): string {
  const lines = [
    `From "${from.name}" (time ${from.time}) to "${to.name}" (time ${to.time}): ${to.time - from.time} instructions.`,
  ];
  if (from.side !== to.side) lines.push(`Side: VMX ${from.side} -> VMX ${to.side}`);
  lines.push(...section('Registers', registers.map(valueText)));
  lines.push(...section('VMCS fields', vmcs.map(valueText)));
  if (count > 0) {
    const more = count - ranges.length;
    lines.push(
      ...section('Memory', [
        `${plural(count, 'range')} on ${plural(pages, 'page')}`,
        ...ranges.map(({ reference, size, was, is }) => `${reference} ${plural(size, 'byte')}: ${was} -> ${is}`),
        ...(more > 0 ? [`and ${more} more`] : []),
      ]),
    );
  }
  return lines.length === 1 ? `${lines[0]}\nNothing differs.` : lines.join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

function valueText({ name, was, is, bits }: ChangedValue): string {
  return `${name}: ${was ?? 'none'} -> ${is ?? 'none'}${bits.length === 0 ? '' : ` (${bits.join(', ')})`}`;
}

function values(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
  layoutOf: typeof layoutOfField,
): ChangedValue[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.flatMap((name) => {
    const [was, is] = [a[name], b[name]];
    return was === is ? [] : [{ name, was, is, bits: changedBits(name, was, is, layoutOf) }];
  });
}

function changedBits(
  name: string,
  was: string | undefined,
  is: string | undefined,
  layoutOf: typeof layoutOfField,
): string[] {
  const layout = layoutOf(name);
  if (layout === undefined || was === undefined || is === undefined) return [];
  const old = describeBits(layout, BigInt(was)).fields;
  return describeBits(layout, BigInt(is))
    .fields.filter((field, i) => field.value !== old[i]?.value)
    .map((field) => `${field.name} ${old.find(({ name: same }) => same === field.name)?.text ?? '?'} -> ${field.text}`);
}

function memory(a: ReadonlyMap<number, Uint8Array>, b: ReadonlyMap<number, Uint8Array>): SnapshotDiff['memory'] {
  const zero = new Uint8Array(4096);
  const ranges: ChangedRange[] = [];
  let count = 0;
  let pages = 0;
  for (const page of [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y)) {
    const was = a.get(page) ?? zero;
    const is = b.get(page) ?? zero;
    const before = count;
    for (let i = 0; i < 4096; i++) {
      if (was[i] === is[i]) continue;
      let end = i + 1;
      for (let j = end; j < Math.min(4096, end + JOINED); j++) if (was[j] !== is[j]) end = j + 1;
      if (count < MOST_RANGES) ranges.push(range(page * 4096 + i, was.subarray(i, end), is.subarray(i, end)));
      count++;
      i = end - 1;
    }
    if (count > before) pages++;
  }
  return { count, pages, ranges };
}

function range(address: number, was: Uint8Array, is: Uint8Array): ChangedRange {
  return { reference: `hpa:${hex(address)}`, size: is.length, was: bytesText(was), is: bytesText(is) };
}

function bytesText(part: Uint8Array): string {
  const shown = Array.from(part.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return part.length > SHOWN_BYTES ? `${shown} …` : shown;
}
