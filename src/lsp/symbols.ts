// The outline of a file, and names over the whole workspace.
import type { DocumentSymbol, SymbolInformation, SymbolKind } from 'vscode-languageserver';
import type { SourceRange } from '../asm/tokens.ts';
import { linesOfFile } from './comments.ts';
import type { Entity, EntityKind } from './entities.ts';
import { locationOf, rangeOfPlace } from './place.ts';
import { type Program, entitiesOf } from './program.ts';

const KINDS: Readonly<Record<EntityKind, SymbolKind>> = {
  label: 12,
  constant: 14,
  structure: 23,
  field: 8,
  define: 14,
  macro: 6,
};

interface Node {
  readonly entity: Entity;
  readonly place: SourceRange;
  readonly symbol: DocumentSymbol;
}

const isInner = (entity: Entity): boolean =>
  (entity.kind === 'label' || entity.kind === 'field') &&
  entity.name.lastIndexOf('.') > 0 &&
  !entity.name.startsWith('..');

export function documentSymbols(program: Program, file: number): DocumentSymbol[] {
  const nodes: Node[] = [];
  for (const entity of entitiesOf(program).entities) {
    if (entity.name.startsWith('..@')) continue;
    for (const place of entity.definitions) {
      if (place.file !== file) continue;
      const range = rangeOfPlace(place);
      const name = isInner(entity) ? entity.name.slice(entity.name.lastIndexOf('.')) : entity.name;
      nodes.push({
        entity,
        place,
        symbol: { name, kind: KINDS[entity.kind], range, selectionRange: range, children: [] },
      });
      // Of a macro that is defined many times (%assign), the first place tells enough.
      if (entity.kind === 'define') break;
    }
  }
  nodes.sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  const lines = linesOfFile(program, file);
  const top: DocumentSymbol[] = [];
  let parent: DocumentSymbol | undefined;
  let parentName = '';
  for (const { entity, symbol } of nodes) {
    if (parent !== undefined && isInner(entity) && entity.name.startsWith(`${parentName}.`)) {
      parent.children!.push(symbol);
      continue;
    }
    top.push(symbol);
    if (entity.kind === 'label' || entity.kind === 'structure') {
      parent = symbol;
      parentName = entity.name;
    }
  }
  extend(
    top.filter((s) => s.kind === KINDS.label || s.kind === KINDS.structure),
    lines.length,
    lines,
  );
  return top;
}

/** A label's range goes on to the next one. */
function extend(symbols: readonly DocumentSymbol[], lineCount: number, lines: readonly string[]): void {
  symbols.forEach((symbol, i) => {
    const next = symbols[i + 1]?.range.start.line ?? lineCount;
    let last = Math.max(next - 1, symbol.range.end.line);
    while (last > symbol.range.end.line && /^\s*(;.*)?$/.test(lines[last] ?? '')) last--;
    if (last > symbol.range.end.line)
      symbol.range = { start: symbol.range.start, end: { line: last, character: lines[last]?.length ?? 0 } };
  });
}

/** Letters of the query in their order. */
function matches(name: string, query: string): boolean {
  const lower = name.toLowerCase();
  let at = 0;
  for (const letter of query.toLowerCase()) {
    at = lower.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

export function workspaceSymbols(programs: readonly Program[], query: string): SymbolInformation[] {
  const found = new Map<string, SymbolInformation>();
  for (const program of programs) {
    for (const entity of entitiesOf(program).entities) {
      const place = entity.definitions[0];
      if (place === undefined || entity.name.startsWith('..@') || !matches(entity.name, query)) continue;
      const location = locationOf(program, place);
      const key = `${location.uri}:${place.line}:${place.column}`;
      if (!found.has(key)) found.set(key, { name: entity.name, kind: KINDS[entity.kind], location });
      if (found.size >= 1000) return [...found.values()];
    }
  }
  return [...found.values()];
}
