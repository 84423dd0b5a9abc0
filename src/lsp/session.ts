// What a running debug session adds: last values of registers, and VM exits at source lines.
import type { InlayHint } from 'vscode-languageserver';
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

/** URIs and paths of one file to one name. */
export const sourceKey = (source: string): string =>
  insideUri(source)
    .replace(/^[A-Za-z][\w+.-]+:\/\/[^/]*/, '')
    .replaceAll('\\', '/');

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
): InlayHint[] {
  const path = program.assembly.files[file]?.path;
  if (view === undefined || path === undefined) return [];
  const lines = linesOfFile(program, file);
  return (view.exits.get(sourceKey(resolvePath(program.root, path))) ?? [])
    .filter((exit) => exit.line >= from && exit.line <= to)
    .map((exit) => ({
      position: { line: exit.line - 1, character: lines[exit.line - 1]?.length ?? 0 },
      label: `${exit.count.toLocaleString('en-US')} VM ${exit.count === 1 ? 'exit' : 'exits'}${exit.reason === undefined ? '' : ` (${exit.reason})`}`,
      paddingLeft: true,
      tooltip: 'VM exits that the instruction at this line caused so far in the debug session',
    }));
}
