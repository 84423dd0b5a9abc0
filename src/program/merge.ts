// Several programs seen as one: symbols and lines together, each question to the debug information passed to the program it is about.
import type { DebugInfo } from './debug-info.ts';
import type { Image } from './image.ts';
import { imageOf } from './image.ts';
import type { LineRow, Program, SourceStamp, Symbol as ProgramSymbol } from './types.ts';

/** Linear addresses that a program's symbols and lines speak of; `end` is not included. */
export interface Extent {
  readonly start: bigint;
  readonly end: bigint;
}

export function extentOf({ symbols, lines }: Program): Extent {
  let start: bigint | undefined;
  let end = 0n;
  const grow = (from: bigint, to: bigint): void => {
    if (start === undefined || from < start) start = from;
    if (to > end) end = to;
  };
  for (const { address, size } of symbols) grow(address, address + BigInt(Math.max(1, size)));
  for (const { address, end: closes } of lines.rows) grow(address, closes ? address : address + 1n);
  return { start: start ?? 0n, end };
}

/** The programs as one image. Where their addresses overlap, the earlier program counts. */
export function mergedImage(programs: readonly Program[]): Image {
  const [first, ...others] = programs;
  if (first === undefined) throw new Error('nothing to merge');
  if (others.length === 0) return imageOf(first);
  const symbols: ProgramSymbol[] = [];
  const files: string[] = [];
  const stamps: SourceStamp[] = [];
  const sequences: LineRow[][] = [];
  const taken: Extent[] = [];
  const parts: { readonly extent: Extent; readonly debug: DebugInfo }[] = [];
  for (const program of programs) {
    const free = (address: bigint): boolean => !taken.some(({ start, end }) => address >= start && address < end);
    symbols.push(...program.symbols.filter(({ address }) => free(address)));
    const base = files.length;
    files.push(...program.lines.files);
    for (const [index] of program.lines.files.entries()) stamps.push(program.lines.stamps?.[index] ?? {});
    for (const rows of sequencesOf(program.lines.rows)) {
      if (free(rows[0]!.address)) sequences.push(rows.map((row) => ({ ...row, file: row.file + base })));
    }
    const extent = extentOf(program);
    if (program.debug !== undefined) parts.push({ extent, debug: program.debug });
    taken.push(extent);
  }
  sequences.sort((a, b) => (a[0]!.address < b[0]!.address ? -1 : a[0]!.address > b[0]!.address ? 1 : 0));
  const lines = { files, stamps, rows: sequences.flat() };
  return imageOf({ ...programs.at(-1)!, symbols, lines, debug: mergedDebug(parts) });
}

/** Rows up to each end row. */
function sequencesOf(rows: readonly LineRow[]): LineRow[][] {
  const sequences: LineRow[][] = [];
  let current: LineRow[] = [];
  for (const row of rows) {
    current.push(row);
    if (!row.end) continue;
    sequences.push(current);
    current = [];
  }
  if (current.length > 0) sequences.push(current);
  return sequences;
}

function mergedDebug(parts: readonly { readonly extent: Extent; readonly debug: DebugInfo }[]): DebugInfo | undefined {
  if (parts.length === 0) return undefined;
  const at = (address: bigint): DebugInfo | undefined =>
    parts.find(({ extent }) => address >= extent.start && address < extent.end)?.debug;
  /** The part that is meant first, then the others. */
  const first = <T>(near: bigint | undefined, ask: (debug: DebugInfo) => T | undefined): T | undefined => {
    const nearest = near === undefined ? undefined : at(near);
    const found = nearest === undefined ? undefined : ask(nearest);
    if (found !== undefined) return found;
    for (const { debug } of parts) {
      const other = ask(debug);
      if (other !== undefined) return other;
    }
    return undefined;
  };
  return {
    functionsAt: (address) => at(address)?.functionsAt(address) ?? [],
    globalsAt: (address) => at(address)?.globalsAt(address) ?? [],
    globalNamed: (name, near) => first(near, (debug) => debug.globalNamed(name, near)),
    typeNamed: (name, near) => first(near, (debug) => debug.typeNamed(name, near)),
    enumeratorNamed: (name, near) => first(near, (debug) => debug.enumeratorNamed(name, near)),
    functionsNamed: (name) => parts.flatMap(({ debug }) => debug.functionsNamed(name)),
    globalNames: () => parts.flatMap(({ debug }) => debug.globalNames()),
    entryRegister: (number, callee, returns, caller) => {
      const debug = at(callee);
      return debug === at(returns - 1n) ? debug?.entryRegister(number, callee, returns, caller) : undefined;
    },
    callFrameAt: (address) => at(address)?.callFrameAt(address),
  };
}
