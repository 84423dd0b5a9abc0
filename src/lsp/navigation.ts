// From a name to its definition, to all its uses, and to a new name everywhere.
import type { DocumentHighlight, Location, Position, Range, TextEdit, WorkspaceEdit } from 'vscode-languageserver';
import { isKeyword } from '../asm/parser.ts';
import { REGISTERS } from '../asm/registers.ts';
import type { SourceRange } from '../asm/tokens.ts';
import { linesOfFile } from './comments.ts';
import { type Entity, placeKey } from './entities.ts';
import { columnOf, lineOf, locationOf, rangeOfPlace } from './place.ts';
import { type Program, entitiesOf, tokenAt } from './program.ts';

export function entityAt(
  program: Program,
  file: number,
  position: Position,
): { readonly entity: Entity; readonly range: Range } | undefined {
  const token = tokenAt(program, file, lineOf(position), columnOf(position));
  if (token === undefined) return undefined;
  const entity = entitiesOf(program).byPlace.get(placeKey(file, token.line, token.column));
  return entity === undefined ? undefined : { entity, range: rangeOfPlace(token) };
}

/** Where the name is defined; of an include line, the file's begin. */
export function definition(program: Program, file: number, position: Position): Location[] {
  const include = program.trace.includes.find(
    (i) =>
      i.range.file === file &&
      i.range.line === lineOf(position) &&
      i.range.column <= columnOf(position) &&
      columnOf(position) <= i.range.end,
  );
  if (include?.file !== undefined) return [locationOf(program, { file: include.file, line: 1, column: 1, end: 1 })];
  const found = entityAt(program, file, position);
  return found === undefined ? [] : found.entity.definitions.map((place) => locationOf(program, place));
}

export function references(program: Program, file: number, position: Position, declaration: boolean): Location[] {
  const entity = entityAt(program, file, position)?.entity;
  if (entity === undefined) return [];
  const places = declaration ? [...entity.definitions, ...entity.references] : entity.references;
  return inOrder(places).map((place) => locationOf(program, place));
}

const inOrder = (places: readonly SourceRange[]): SourceRange[] =>
  [...places].sort((a, b) => a.file - b.file || a.line - b.line || a.column - b.column);

export function highlights(program: Program, file: number, position: Position): DocumentHighlight[] {
  const entity = entityAt(program, file, position)?.entity;
  if (entity === undefined) return [];
  const here = (place: SourceRange): boolean => place.file === file;
  return [
    ...entity.definitions.filter(here).map((place): DocumentHighlight => ({ range: rangeOfPlace(place), kind: 3 })),
    ...entity.references.filter(here).map((place): DocumentHighlight => ({ range: rangeOfPlace(place), kind: 2 })),
  ];
}

/** The part of a name that a rename replaces: of a local label what follows the dot, of a macro's own label what follows %%. */
function renamedPart(program: Program, place: SourceRange): { readonly range: Range; readonly text: string } {
  const text = (linesOfFile(program, place.file)[place.line - 1] ?? '').slice(place.column - 1, place.end - 1);
  const own = text.startsWith('%') || text.startsWith('$') || text.startsWith('.');
  const from = own
    ? Math.max(text.lastIndexOf('.'), text.lastIndexOf('%'), text.lastIndexOf('$')) + 1
    : text.lastIndexOf('.') + 1;
  const range = rangeOfPlace(place);
  return {
    range: { start: { line: range.start.line, character: range.start.character + from }, end: range.end },
    text: text.slice(from),
  };
}

export function prepareRename(
  program: Program,
  file: number,
  position: Position,
): { readonly range: Range; readonly placeholder: string } | undefined {
  const token = tokenAt(program, file, lineOf(position), columnOf(position));
  const found = entityAt(program, file, position);
  if (token === undefined || found === undefined || found.entity.definitions.length === 0) return undefined;
  const part = renamedPart(program, token);
  return { range: part.range, placeholder: part.text };
}

/** Why a name cannot be the new one. */
export function renameProblem(program: Program, entity: Entity, name: string): string | undefined {
  if (!/^[A-Za-z_?@][\w$#@~?]*$/.test(name))
    return `"${name}" is no name: letters, digits, _ $ # @ ~ ? only, no digit first`;
  const lower = name.toLowerCase();
  if (REGISTERS.has(lower) || isKeyword(lower)) return `"${name}" is a word of the assembler`;
  const dot = entity.kind === 'label' ? entity.name.lastIndexOf('.') : -1;
  const full = dot > 0 ? entity.name.slice(0, dot + 1) + name : name;
  const index = entitiesOf(program);
  const other = index.byName.get(full) ?? index.macros.get(full);
  return other !== undefined && other !== entity && other.definitions.length > 0
    ? `"${full}" is already defined`
    : undefined;
}

/** The edits of all files, or why there are none. */
export function rename(program: Program, file: number, position: Position, name: string): WorkspaceEdit | string {
  const entity = entityAt(program, file, position)?.entity;
  if (entity === undefined || entity.definitions.length === 0) return 'there is no name of this program here';
  const problem = renameProblem(program, entity, name);
  if (problem !== undefined) return problem;
  const changes: Record<string, TextEdit[]> = {};
  const add = (place: SourceRange, edit: TextEdit): void => {
    const { uri } = locationOf(program, place);
    changes[uri] = [...(changes[uri] ?? []), edit];
  };
  for (const place of inOrder([...entity.definitions, ...entity.references])) {
    const { range, text } = renamedPart(program, place);
    // `name_size` goes with its structure, and `parent.local` is written out with its parent.
    const suffix = entity.kind === 'structure' && text.endsWith('_size') && text !== entity.name ? '_size' : '';
    add(place, { range, newText: name + suffix });
  }
  for (const { place, edit } of partsOfOthers(program, entity, name)) add(place, edit);
  return { changes };
}

/** Uses of local labels and fields that have the renamed name in front: `name.local`. */
function partsOfOthers(
  program: Program,
  entity: Entity,
  name: string,
): { readonly place: SourceRange; readonly edit: TextEdit }[] {
  const prefix = `${entity.name}.`;
  const edits: { place: SourceRange; edit: TextEdit }[] = [];
  for (const other of entitiesOf(program).entities) {
    if (!other.name.startsWith(prefix)) continue;
    for (const place of [...other.definitions, ...other.references]) {
      const text = (linesOfFile(program, place.file)[place.line - 1] ?? '').slice(place.column - 1, place.end - 1);
      if (!text.startsWith(prefix)) continue;
      const { start } = rangeOfPlace(place);
      const end = { line: start.line, character: start.character + entity.name.length };
      edits.push({ place, edit: { range: { start, end }, newText: name } });
    }
  }
  return edits;
}
