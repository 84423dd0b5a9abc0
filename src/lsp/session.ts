// What a running debug session adds: last values of registers, and VM exits at source lines.
import type { InlayHint, Position } from 'vscode-languageserver';
import { linesOfFile } from './comments.ts';
import type { RegisterValues } from './hover.ts';
import { insideUri, resolvePath } from './place.ts';
import type { Program } from './program.ts';
import type { ExitCount, SessionState } from './protocol.ts';

export interface SessionView {
  readonly registers: RegisterValues;
  /** By the path of the source. */
  readonly exits: ReadonlyMap<string, readonly ExitCount[]>;
}

/** Lines that were put into a text or taken out of it: what stood behind `from` up to `to` gave way to `added` lines. */
interface Shift {
  readonly from: number;
  readonly to: number;
  readonly added: number;
}

/** How the lines of each source have moved since the session began, whose lines are those of then. */
export type Shifts = Map<string, Shift[]>;

/** Notes an edit; places count from 0. `prefix`: what stands before it in its first line. */
export function noteEdit(
  shifts: Shifts,
  uri: string,
  from: Position,
  to: Position,
  text: string,
  prefix: string,
): void {
  const added = text.split('\n').length - 1;
  if (added === 0 && from.line === to.line) return;
  const key = sourceKey(uri);
  const list = shifts.get(key) ?? [];
  // A line in front of which lines are put, or after which lines go, stays whole.
  const before =
    from.line === to.line
      ? prefix.trim() === '' && /^\r?\n|\n$/.test(text)
      : from.character === 0 && to.character === 0;
  list.push({ from: before ? from.line : from.line + 1, to: before ? to.line : to.line + 1, added });
  shifts.set(key, list);
}

/** Where a line of then is now, from 1; undefined: it is gone. */
export function lineNow(shifts: Shifts | undefined, key: string, line: number): number | undefined {
  let at = line - 1;
  for (const { from, to, added } of shifts?.get(key) ?? []) {
    if (at < from) continue;
    if (at < to) return undefined;
    at += added - (to - from);
  }
  return at + 1;
}

/** URIs and paths of one file to one name. */
export const sourceKey = (source: string): string =>
  insideUri(source)
    .replace(/^[A-Za-z][\w+.-]+:\/\/[^/]*/, '')
    .replaceAll('\\', '/')
    // Drives are written as C:, as c: and as /c:.
    .replace(/^\/?([A-Za-z]):/, (_, drive: string) => `/${drive.toLowerCase()}:`);

export function createSessionView(state: SessionState): SessionView {
  const registers = new Map<string, bigint>();
  for (const [name, value] of Object.entries(state.registers)) {
    if (/^0x[0-9a-f]+$/i.test(value)) registers.set(name.toLowerCase(), BigInt(value));
  }
  const exits = new Map<string, ExitCount[]>();
  for (const exit of state.exits) {
    const key = sourceKey(exit.source);
    const list = exits.get(key);
    if (list === undefined) exits.set(key, [exit]);
    else list.push(exit);
  }
  return { registers, exits };
}

/** "1,024 VM exits (CPUID)" at the end of each line that caused some. */
export function exitHints(
  view: SessionView | undefined,
  program: Program,
  file: number,
  from: number,
  to: number,
  shifts?: Shifts,
): InlayHint[] {
  const path = program.assembly.files[file]?.path;
  if (view === undefined || path === undefined) return [];
  const lines = linesOfFile(program, file);
  const key = sourceKey(resolvePath(program.root, path));
  return (view.exits.get(key) ?? []).flatMap((exit) => {
    const line = lineNow(shifts, key, exit.line);
    if (line === undefined || line < from || line > to) return [];
    return {
      position: { line: line - 1, character: lines[line - 1]?.length ?? 0 },
      label: `${exit.count.toLocaleString('en-US')} VM ${exit.count === 1 ? 'exit' : 'exits'}${exit.reason === undefined ? '' : ` (${exit.reason})`}`,
      paddingLeft: true,
      tooltip: 'VM exits that the instruction at this line caused so far in the debug session',
    };
  });
}
