// Whether a source is the one that a program was built from: what line tables keep of it, and what disagrees with the file as it is now.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { baseName } from '../../src/program/paths.ts';
import { disagreement, type SourceNow } from '../../src/program/source-stamps.ts';
import type { SourceStamp } from '../../src/program/types.ts';
import { build, FIXTURES } from './compile.ts';
import { lacking, load, run, temporaryFolder } from './toolchain.ts';

const TEXT = new TextEncoder().encode('int main(void) { return 0; }');
const SUM = createHash('md5').update(TEXT).digest('hex');
/** 2023-11-14 22:13:20 UTC. */
const THEN = 1_700_000_000;
const HOUR = 3600;

describe('a source and the stamp of a program', () => {
  const now = { bytes: TEXT, modified: THEN, programModified: THEN + HOUR };
  it.each<[title: string, stamp: SourceStamp, now: SourceNow, said: RegExp | undefined]>([
    ['equal sums', { md5: SUM }, now, undefined],
    ['equal sums settle it, whatever the times say', { md5: SUM }, { ...now, modified: THEN + 9 * HOUR }, undefined],
    ['another sum', { md5: SUM.replace(/^./, SUM.startsWith('0') ? '1' : '0') }, now, /MD5 sum/],
    ['the time and size that were kept', { modified: THEN, size: 28 }, now, undefined],
    ['parts of a second are not kept', { modified: THEN }, { ...now, modified: THEN + 0.75 }, undefined],
    ['another size', { modified: THEN, size: 27 }, now, /27 bytes and has 28/],
    ['another time', { modified: THEN - HOUR }, now, /2023-11-14 21:13:20 UTC then, and at 2023-11-14 22:13:20 UTC/],
    ['nothing kept, older than the program', {}, now, undefined],
    [
      'nothing kept, newer than the program',
      {},
      { ...now, programModified: THEN - HOUR },
      /22:13:20 UTC, after .* 21:13/,
    ],
    ['nothing kept, copied with the program', {}, { ...now, programModified: THEN - 2 }, undefined],
    ['nothing kept, files without times', {}, { ...now, modified: undefined }, undefined],
    ['nothing kept, a program without a time', {}, { ...now, programModified: undefined }, undefined],
  ])('%s', (_title, stamp, current, said) => {
    const told = disagreement(stamp, current);
    if (said === undefined) expect(told).toBeUndefined();
    else expect(told).toMatch(said);
  });
});

describe.skipIf(lacking('gcc', 'clang'))('stamps of line tables', () => {
  const folder = temporaryFolder();
  const stampsOf = async (elf: string): Promise<Record<string, SourceStamp | undefined>> => {
    const { files, stamps } = (await load(elf, { bits: 64 })).lines;
    return Object.fromEntries(files.map((file, index) => [baseName(file), stamps?.[index]]));
  };

  it('MD5 sums of DWARF 5', async () => {
    const elf = build(folder, 'calls.c', { compiler: 'clang', version: 5, optimization: '-O0', bits: 64 });
    const md5 = createHash('md5')
      .update(readFileSync(join(FIXTURES, 'calls.c')))
      .digest('hex');
    expect((await stampsOf(elf))['calls.c']).toEqual({ md5 });
  });

  it('times and sizes of DWARF 4; 0 is none', async () => {
    const elf = join(folder, 'times.elf');
    run('gcc', ['-nostdlib', '-static', '-Wl,--build-id=none', '-o', elf, join(FIXTURES, 'times.S')]);
    expect(await stampsOf(elf)).toEqual({ 'old.c': { modified: THEN, size: 28 } });
    const none = build(folder, 'calls.c', { compiler: 'gcc', version: 4, optimization: '-O0', bits: 64 });
    expect((await stampsOf(none))['calls.c']).toEqual({});
  });
});
