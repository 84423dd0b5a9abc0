// What assembling gives: the image, symbols, lines and diagnostics.
import { type Assembly, type LineRecord, originOf } from './assembly.ts';
import { buildImage } from './layout.ts';
import { listingText } from './listing.ts';
import type { AssembledLine, AssembledSymbol, AssemblyResult, Diagnostic } from './types.ts';

/** Each diagnostic once, although several passes found it. */
export function unique(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter((d) => {
    const key = `${d.file}:${d.line}:${d.column}:${d.code}:${d.message}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** In the order of the source; what stands at one place keeps its order. */
export function inOrder(diagnostics: readonly Diagnostic[], files: Assembly['files']): readonly Diagnostic[] {
  if (diagnostics.length < 2) return diagnostics;
  const index = new Map(files.map((file, i) => [file.path, i]));
  const fileOf = (d: Diagnostic): number => index.get(d.file) ?? -1;
  return [...diagnostics].sort((a, b) => fileOf(a) - fileOf(b) || a.line - b.line || a.column - b.column);
}

export function result(a: Assembly, found: readonly Diagnostic[]): AssemblyResult {
  const diagnostics = unique(found);
  const ok = !diagnostics.some((d) => d.severity === 'error');
  const origin = originOf(a);
  const bytes = ok ? buildImage(a) : new Uint8Array();
  const entrySymbol = a.symbols.get('_start') ?? a.symbols.get('start');
  const address = (section: number, offset: bigint): bigint =>
    section < 0 ? offset : offset + BigInt(a.sections[section]!.address);
  const records: LineRecord[] = a.lines;
  const lines: AssembledLine[] = records
    .map((r) => ({
      address: a.sections[r.section]!.address + r.offset,
      length: r.length,
      file: a.files[r.range.file]!.path,
      line: r.range.line,
      column: r.range.column,
      instruction: r.instruction,
    }))
    .sort((x, y) => x.address - y.address);
  const symbols: AssembledSymbol[] = [...a.symbols.values()].map((s) => ({
    name: s.name,
    address: address(s.section, s.constant),
    kind: s.section < 0 ? 'constant' : 'label',
    file: a.files[s.range.file]!.path,
    line: s.range.line,
    column: s.range.column,
  }));
  const entry = entrySymbol === undefined ? origin : Number(address(entrySymbol.section, entrySymbol.constant));
  return {
    bytes,
    origin,
    bits: entrySymbol?.bits ?? a.firstBits ?? a.bits,
    entry,
    sections: a.sections
      .filter((s) => s.position > 0)
      .map((s) => ({ name: s.name, address: s.address, offset: s.fileOffset, size: s.position, reserved: s.reserved })),
    symbols,
    lines,
    diagnostics,
    ok,
    listing: () => listingText(a, bytes),
  };
}
