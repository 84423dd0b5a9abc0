// Who may import whom, and what must run in a browser worker: the arrows of docs/ARCHITECTURE.md as one constant.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The files of core/ that both languages compile (docs/adr/0004-shared-memory-layout.md). */
const SHARED_CORE = ['src/core/layout.ts', 'src/core/slow-ids.ts', 'src/core/generated/vmcs-offsets.ts'];

interface Arrows {
  /** Folders of src/ whose files may be imported. */
  readonly from: readonly string[];
  /** Files that may be imported beside these. */
  readonly files?: readonly string[];
  /** Folders of which only types may be imported. */
  readonly types?: readonly string[];
}

const ARROWS: Readonly<Record<string, Arrows>> = {
  spec: { from: [] },
  core: { from: [] },
  jit: { from: ['spec'], files: SHARED_CORE },
  vmx: { from: ['spec'], files: SHARED_CORE },
  svm: { from: ['spec'], files: SHARED_CORE },
  machine: { from: ['spec', 'vmx', 'svm', 'jit'], files: SHARED_CORE, types: ['program'] },
  asm: { from: ['spec'] },
  program: { from: ['spec', 'asm'] },
  debugger: { from: ['spec', 'vmx', 'svm', 'machine', 'asm', 'program'] },
  lsp: { from: ['spec', 'asm'], files: ['src/vmx/capabilities.ts', 'src/vmx/choose-profile.ts'] },
  dap: { from: ['spec', 'vmx', 'svm', 'machine', 'asm', 'program', 'debugger'] },
  gdb: { from: ['spec', 'machine', 'program', 'debugger'] },
  cli: { from: ['spec', 'vmx', 'svm', 'machine', 'asm', 'program', 'debugger', 'lsp', 'dap', 'gdb'] },
  web: { from: ['spec', 'vmx', 'svm', 'machine', 'asm', 'program', 'debugger', 'dap'] },
  // The page of a saved run reads its file itself: there is no adapter to ask.
  extension: {
    from: ['spec'],
    files: ['src/debugger/views/saved-run.ts'],
    types: ['debugger', 'dap', 'lsp', 'machine', 'program', 'web'],
  },
};

/** Packages that one folder alone knows. */
const OWNED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  vscode: ['extension'],
  '@vscode/debugadapter': ['dap'],
  '@vscode/debugprotocol': ['dap'],
  'vscode-languageserver': ['lsp', 'cli'],
  'vscode-languageclient': ['extension'],
};

/** What may use Node.js: everything else also runs in a browser worker. */
const NODE_ALLOWED = [/^src\/cli\//, /^src\/extension\/(?:main|adapter|language-client|command-line)\.ts$/];

const NODE_GLOBALS =
  /\b(?:Buffer\.(?:from|alloc|concat)|process\.(?:env|cwd|argv|nextTick|std(?:out|err|in)|exit|platform|hrtime)|__dirname|require\()/;

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      return sources(path);
    }
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}

/** The import and re-export declarations of a file, and its dynamic imports. */
function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  for (const match of code.matchAll(/^\s*(?:import|export)\s([^;'"]*?)from\s*['"]([^'"]+)['"]/gm)) {
    const clause = match[1] ?? '';
    const names = clause.replace(/^type\s/, '').match(/\{([^}]*)\}/)?.[1];
    const parts =
      names
        ?.split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '') ?? [];
    const typeOnly =
      /^type\s/.test(clause) ||
      (parts.length > 0 && /^\{/.test(clause.trim()) && parts.every((name) => name.startsWith('type ')));
    found.push({ specifier: match[2] ?? '', typeOnly });
  }
  for (const match of code.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)) {
    found.push({ specifier: match[1] ?? '', typeOnly: false });
  }
  for (const match of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push({ specifier: match[1] ?? '', typeOnly: false });
  }
  return found;
}

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Why an import is not allowed, or undefined. */
function violation(file: string, { specifier, typeOnly }: Import): string | undefined {
  const folder = folderOf(file);
  if (!specifier.startsWith('.')) {
    const owners = Object.entries(OWNED_PACKAGES).find(
      ([name]) => specifier === name || specifier.startsWith(`${name}/`),
    );
    return owners !== undefined && !owners[1].includes(folder)
      ? `${file}: only ${owners[1].join()} knows ${specifier}`
      : undefined;
  }
  const target = relative(ROOT, resolve(join(ROOT, dirname(file)), specifier)).replaceAll('\\', '/');
  if (!target.startsWith('src/') || folderOf(target) === folder) {
    return undefined;
  }
  const arrows = ARROWS[folder];
  if (arrows === undefined) {
    return `${file}: folder src/${folder} has no row in the table of arrows`;
  }
  const allowed =
    arrows.from.includes(folderOf(target)) ||
    arrows.files?.includes(target) === true ||
    (typeOnly && arrows.types?.includes(folderOf(target)) === true);
  return allowed ? undefined : `${file} imports ${target}${typeOnly ? ' (types)' : ''}`;
}

const FILES = sources('src').map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

describe('architecture', () => {
  test('reads imports', () => {
    expect(
      importsOf(`
        import { a, type B } from './a.ts'; // import './no.ts'
        import type { C } from './c.ts';
        import { type D, type E } from './d.ts';
        export * from './e.ts';
        const f = await import('./f.ts');
        import './g.ts';
        import {
          h,
        } from './h.ts';
      `),
    ).toEqual([
      { specifier: './a.ts', typeOnly: false },
      { specifier: './c.ts', typeOnly: true },
      { specifier: './d.ts', typeOnly: true },
      { specifier: './e.ts', typeOnly: false },
      { specifier: './h.ts', typeOnly: false },
      { specifier: './g.ts', typeOnly: false },
      { specifier: './f.ts', typeOnly: false },
    ]);
  });

  test('forbids what the table does not allow', () => {
    expect(violation('src/spec/a.ts', { specifier: '../vmx/b.ts', typeOnly: false })).toBeDefined();
    expect(violation('src/vmx/a.ts', { specifier: '../core/memory.ts', typeOnly: false })).toBeDefined();
    expect(violation('src/vmx/a.ts', { specifier: '../core/layout.ts', typeOnly: false })).toBeUndefined();
    expect(violation('src/machine/a.ts', { specifier: '../program/image.ts', typeOnly: false })).toBeDefined();
    expect(violation('src/debugger/a.ts', { specifier: '@vscode/debugadapter', typeOnly: true })).toBeDefined();
  });

  test('imports follow the arrows', () => {
    const wrong = FILES.flatMap(({ path, text }) => importsOf(text).map((found) => violation(path, found)));
    expect(wrong.filter((reason) => reason !== undefined)).toEqual([]);
  });

  test('everything but the command line and the desktop entry runs in a browser worker', () => {
    const wrong = FILES.filter(({ path }) => !NODE_ALLOWED.some((allowed) => allowed.test(path))).flatMap(
      ({ path, text }) => {
        const modules = importsOf(text)
          .filter(
            ({ specifier, typeOnly }) =>
              !typeOnly && /^(?:node:|(?:fs|path|os|child_process|net|util|url)$)/.test(specifier),
          )
          .map(({ specifier }) => `${path} imports ${specifier}`);
        const global = withoutComments(text).match(NODE_GLOBALS)?.[0];
        return global === undefined ? modules : [...modules, `${path} uses ${global}`];
      },
    );
    expect(wrong).toEqual([]);
  });

  test('nothing is exported by default', () => {
    expect(FILES.filter(({ text }) => /^export default\b/m.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
