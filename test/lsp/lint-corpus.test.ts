// The lint over every assembly program of the repository: what it finds is listed in lint-findings.txt, and each line there
// was judged by hand: the samples have none but the mistakes they are about; test programs do on purpose what is listed.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lintFindings } from '../../src/lsp/lint.ts';
import { ROOT, sample } from './programs.ts';

/** Not a program. */
const PARTS = /^test\/syntaxes\//;

const PROGRAMS = ['samples', 'media/templates', 'src', 'test'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.asm'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => !PARTS.test(name)),
);

/** `rule, file: text of the line`, each once. */
function findingsOf(path: string): string[] {
  const program = sample(path, path.startsWith('test') ? 'test/vmx/programs' : 'samples/include');
  return lintFindings(program).map(({ rule, range, statement }) => {
    let outer = statement.expansion;
    while (outer?.parent !== undefined) outer = outer.parent;
    const place = outer?.call ?? range;
    const file = program.assembly.files[place.file]!;
    const text = file.text.split('\n')[place.line - 1]!.replace(/;.*/, '').trim().replaceAll(/\s+/g, ' ');
    const name = file.path.endsWith('.asm') ? file.path.replace('file:///', '') : file.path.split('/').at(-1)!;
    return `${rule}, ${name}: ${text}`;
  });
}

/**
 * Accesses to fields that exist cannot fail in a program whose VMCS is current: they are hints, and many. Programs of tests
 * expect failures in other ways than by CF and ZF, and know their processor.
 */
const matters = (path: string, line: string): boolean =>
  !line.startsWith('unchecked-access') &&
  !(path.startsWith('test/') && /^un(checked-result|adjusted-controls),/.test(line));

describe('VMX lint over all programs', () => {
  it('finds what is listed and nothing else', () => {
    const found = new Set(PROGRAMS.flatMap((path) => findingsOf(path).filter((line) => matters(path, line))));
    const listed = readFileSync(join(ROOT, 'test/lsp/lint-findings.txt'), 'utf8').trim().split('\n');
    expect([...found].sort()).toEqual(listed);
  });
});
