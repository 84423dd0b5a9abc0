// Programs that use the language broadly: the same bytes as nasm.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';
import { difference, hasNasm, nasm } from './nasm.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const CORPUS = join(HERE, 'corpus');
const SAMPLES = join(HERE, '../../samples');

const programs = [
  ...readdirSync(CORPUS)
    .filter((name) => name.endsWith('.asm'))
    .map((name) => join(CORPUS, name)),
  join(SAMPLES, 'hello-vmx/hello-vmx.asm'),
  join(SAMPLES, 'broken-entry/broken-entry.asm'),
  join(SAMPLES, 'ept/ept.asm'),
  join(SAMPLES, 'bench/exits.asm'),
];

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

describe.skipIf(!hasNasm())('corpus', () => {
  it.each(programs)('%s', (path) => {
    const source = readFileSync(path, 'utf8');
    const oracle = nasm(source, dirname(path));
    expect(oracle.bytes, [...oracle.errors].join('\n')).toBeDefined();
    const ours = assemble(path, source, { origin: 0, readInclude: read });
    expect(ours.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(difference(ours.bytes, oracle.bytes!)).toBeUndefined();
  });
});
