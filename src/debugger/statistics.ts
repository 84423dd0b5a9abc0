// Exit statistics for people and tools: by reason, and by place in the guest with its symbol. Text, CSV and JSON.

import type { ExitStatistics, ExitStatisticsRow, Machine } from '../machine/types.ts';
import { type Image, symbolAt } from '../program/image.ts';
import { exitReason } from '../spec/exit-reasons.ts';
import { exitReasonTitle } from './facts.ts';
import { hex, plural, symbolText } from './format.ts';

/** Counts of one reason, or of one place. Instructions are those from the VM exit to the next VM entry. */
export interface StatisticsRow {
  /** Basic exit reason, with its identifier (`CPUID`) and the SDM's name. */
  readonly reason: number;
  readonly identifier: string;
  readonly title: string;
  readonly count: number;
  /** Of all VM exits, 0 to 1. */
  readonly share: number;
  /** Exits that a VM entry followed; the others are not in the next four. */
  readonly handled: number;
  readonly least: number;
  readonly mean: number;
  readonly most: number;
  readonly total: number;
}

export interface PlaceRow extends StatisticsRow {
  /** Guest RIP and its linear address; undefined for places beyond the table. */
  readonly rip: bigint | undefined;
  readonly linear: bigint | undefined;
  readonly symbol: string | undefined;
  readonly vmcs: bigint;
}

export interface StatisticsReport {
  readonly exits: number;
  readonly entries: number;
  /** Instructions in all, and of those in exit handlers. */
  readonly instructions: number;
  readonly handlers: number;
  readonly reasons: readonly StatisticsRow[];
  readonly places: readonly PlaceRow[];
}

export function statisticsReport(machine: Machine, image: Image): StatisticsReport {
  const { places } = machine.exitStatistics();
  const exits = places.reduce((sum, place) => sum + place.count, 0);
  const byReason = new Map<number, ExitStatisticsRow[]>();
  for (const place of places) byReason.set(place.reason, [...(byReason.get(place.reason) ?? []), place]);
  return {
    exits,
    entries: machine.entryCount(),
    instructions: machine.time(),
    handlers: places.reduce((sum, place) => sum + place.total, 0),
    reasons: [...byReason]
      .map(([reason, rows]) => summary(reason, rows, exits))
      .sort((a, b) => b.count - a.count || a.reason - b.reason),
    places: placeRows(places, exits, image),
  };
}

function placeRows(places: ExitStatistics['places'], exits: number, image: Image): PlaceRow[] {
  return places.map((place) => {
    const symbol = place.linear === undefined ? undefined : symbolAt(image, place.linear);
    return {
      ...summary(place.reason, [place], exits),
      rip: place.rip,
      linear: place.linear,
      symbol: symbol === undefined ? undefined : symbolText(symbol),
      vmcs: place.vmcs,
    };
  });
}

function summary(reason: number, rows: readonly ExitStatisticsRow[], exits: number): StatisticsRow {
  const sum = (of: (row: ExitStatisticsRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const handled = sum((row) => row.handled);
  const total = sum((row) => row.total);
  const timed = rows.filter((row) => row.handled > 0);
  const count = sum((row) => row.count);
  return {
    reason,
    identifier: exitReason(reason)?.identifier ?? String(reason),
    title: exitReasonTitle(reason),
    count,
    share: exits === 0 ? 0 : count / exits,
    handled,
    least: timed.length === 0 ? 0 : Math.min(...timed.map((row) => row.least)),
    mean: handled === 0 ? 0 : total / handled,
    most: timed.length === 0 ? 0 : Math.max(...timed.map((row) => row.most)),
    total,
  };
}

const COLUMNS = ['count', 'share', 'min', 'mean', 'max'] as const;

function cells(row: StatisticsRow): string[] {
  const times = row.handled === 0 ? ['', '', ''] : [String(row.least), row.mean.toFixed(1), String(row.most)];
  return [String(row.count), `${(row.share * 100).toFixed(1)} %`, ...times];
}

function table(head: string, rows: readonly { readonly row: StatisticsRow; readonly name: string }[]): string {
  const lines = [
    { name: head, cells: [...COLUMNS] as string[] },
    ...rows.map(({ row, name }) => ({ name, cells: cells(row) })),
  ];
  const width = Math.max(...lines.map(({ name }) => name.length));
  const widths = COLUMNS.map((_, i) => Math.max(...lines.map((line) => line.cells[i]?.length ?? 0)));
  return lines
    .map(({ name, cells: texts }) =>
      `${name.padEnd(width)}  ${texts.map((text, i) => text.padStart(widths[i] ?? 0)).join('  ')}`.trimEnd(),
    )
    .join('\n');
}

/** `guest+0x4` or the address. */
function placeName(row: PlaceRow): string {
  if (row.rip === undefined) return '(elsewhere)';
  const linear = row.linear === undefined || row.linear === row.rip ? '' : ` (linear ${hex(row.linear)})`;
  return `${hex(row.rip)}${linear}${row.symbol === undefined ? '' : ` <${row.symbol}>`}`;
}

/** By reason, then by place; at most `limit` places. */
export function statisticsText(report: StatisticsReport, limit = 20): string {
  if (report.exits === 0) return 'There was no VM exit yet.';
  const shown = report.places.slice(0, limit);
  const more = report.places.length - shown.length;
  const share = report.instructions === 0 ? 0 : (report.handlers / report.instructions) * 100;
  return [
    `${plural(report.exits, 'VM exit')}, ${report.entries} VM ${report.entries === 1 ? 'entry' : 'entries'}; ${report.handlers} of ${plural(report.instructions, 'instruction')} in exit handlers (${share.toFixed(1)} %).`,
    'Instructions from the VM exit to the next VM entry: min, mean, max.',
    '',
    table(
      'By reason',
      report.reasons.map((row) => ({ row, name: `${row.title} (${row.reason})` })),
    ),
    '',
    table(
      'By guest RIP',
      shown.map((row) => ({ row, name: `${placeName(row)}  ${row.identifier}` })),
    ),
    ...(more > 0 ? [`… and ${plural(more, 'place')} more.`] : []),
  ].join('\n');
}

/** One row a reason (scope `reason`) and a place (scope `place`), with a header; RFC 4180. */
export function statisticsCsv(report: StatisticsReport): string {
  const head = 'scope,reason,name,rip,linear,symbol,vmcs,count,share,handled,min,mean,max,total';
  const numbers = (row: StatisticsRow): string =>
    [row.count, row.share.toFixed(6), row.handled, row.least, row.mean.toFixed(3), row.most, row.total].join(',');
  const rows = [
    ...report.reasons.map((row) => `reason,${row.reason},${row.identifier},,,,,${numbers(row)}`),
    ...report.places.map(
      (row) =>
        `place,${row.reason},${row.identifier},${optionalHex(row.rip)},${optionalHex(row.linear)},${quoted(row.symbol ?? '')},${hex(row.vmcs)},${numbers(row)}`,
    ),
  ];
  return [head, ...rows, ''].join('\r\n');
}

function optionalHex(value: bigint | undefined): string {
  return value === undefined ? '' : hex(value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The report with addresses as `0x` strings. */
export function statisticsJson(report: StatisticsReport): string {
  return JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? hex(value) : value), 2);
}
