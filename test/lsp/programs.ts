// Programs for the tests of the language server: texts in memory, places marked in them.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Position } from 'vscode-languageserver';
import { type Program, analyseProgram } from '../../src/lsp/program.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../src/lsp/settings.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const MAIN = 'file:///work/main.asm';

export function program(
  text: string,
  others: Readonly<Record<string, string>> = {},
  settings: Partial<Settings> = {},
): Program {
  const texts: Record<string, string> = { [MAIN]: text };
  for (const [name, other] of Object.entries(others)) texts[`file:///work/${name}`] = other;
  return analyseProgram(MAIN, (uri) => texts[uri], { ...DEFAULT_SETTINGS, ...settings });
}

/** Takes the mark `¦` out of a text: the place where a person points. */
export function marked(text: string): { readonly text: string; readonly position: Position } {
  const at = text.indexOf('¦');
  const before = text.slice(0, at).split('\n');
  return {
    text: text.slice(0, at) + text.slice(at + 1),
    position: { line: before.length - 1, character: before.at(-1)!.length },
  };
}

/** A program of the repository with everything that it includes; `folder`: where include files are that are not beside it. */
export function sample(path: string, folder = ''): Program {
  const root = `file:///${path}`;
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(join(ROOT, file), 'utf8');
    } catch {
      return undefined;
    }
  };
  return analyseProgram(
    root,
    (uri) =>
      read(uri.replace('file:///', '')) ?? (folder === '' ? undefined : read(`${folder}/${uri.split('/').pop()}`)),
    DEFAULT_SETTINGS,
  );
}

export const SAMPLES = readdirSync(join(ROOT, 'samples'))
  .map((name) => `samples/${name}/${name}.asm`)
  .filter((path) => {
    try {
      readFileSync(join(ROOT, path));
      return true;
    } catch {
      return false;
    }
  });

export function corpus(): { readonly name: string; readonly text: string }[] {
  const folder = join(ROOT, 'test/asm/corpus');
  return readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}
