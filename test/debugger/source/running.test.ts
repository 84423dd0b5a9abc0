// The stack and the variables of a program that runs, at many stops: as gdb has them, which drives the machine by the remote stub and reads
// the program's debug information itself.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { frameKey, type RowSubject, typedRows } from '../../../src/debugger/source/rows.ts';
import { type CodeFrame, stackFrames } from '../../../src/debugger/stack.ts';
import type { Machine } from '../../../src/machine/types.ts';
import type { Image } from '../../../src/program/image.ts';
import { build, FIXTURES, titleOf, type Variant } from '../../program/compile.ts';
import { lacking, temporaryFolder } from '../../program/toolchain.ts';
import { gdbOutput } from './gdb.ts';

/** A number as text, a list, an object, or null for what is not there (any more). */
type Tree = string | null | readonly Tree[] | { readonly [name: string]: Tree };

interface SeenFrame {
  readonly name: string;
  readonly line: number | undefined;
  readonly inlined: boolean;
  readonly variables: { readonly [name: string]: Tree };
}

interface Seen {
  readonly pc: number;
  readonly frames: readonly SeenFrame[];
}

/** It was in a register that callees may change: gdb shows what the register holds now, right or wrong. */
const LOST = 'lost';

/** What is missing as a whole and what is missing part by part are the same. */
function folded(tree: Tree): Tree {
  if (tree === null || typeof tree === 'string') return tree;
  const parts = Object.entries(tree).map(([name, part]) => [name, folded(part)] as const);
  if (parts.every(([, part]) => part === null)) return null;
  return Array.isArray(tree) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

function treeBelow(subject: RowSubject, path: string): Tree {
  const rows = (typedRows(subject, path) ?? []).map(({ name, value }): readonly [string, Tree] => {
    if (value.includes('which was overwritten since')) return [name, LOST];
    if (value.startsWith('<')) return [name, null];
    const number = /^-?(?:0x[0-9a-f]+|\d+)/.exec(value)?.[0];
    return [
      name,
      number === undefined ? treeBelow(subject, `${path}/${encodeURIComponent(name)}`) : `${BigInt(number)}`,
    ];
  });
  return rows[0]?.[0] === '[0]' ? rows.map(([, tree]) => tree) : Object.fromEntries(rows);
}

/** The stack as the views show it. */
function ownFrames(machine: Machine, image: Image): SeenFrame[] {
  const frames = stackFrames(machine, image).filter((frame): frame is CodeFrame => frame.kind === 'code');
  const subject: RowSubject = {
    machine,
    image,
    frames,
    context: () => {
      throw new Error('variables need no expressions');
    },
    format: undefined,
  };
  return frames.map((frame): SeenFrame => {
    const below = (scope: string): object => treeBelow(subject, `${scope}/${frameKey(frames, frame)}`) as object;
    const { name, line } = frame;
    const variables = { ...below('locals'), ...below('arguments') };
    return { name, line: line?.line, inlined: frame.function?.inlined ?? false, variables };
  });
}

/** Runs a program under gdb from stop to stop; what gdb saw at each, and what we saw whenever the machine stood. */
async function watched(elf: string, lines: readonly number[]): Promise<{ gdb: Seen[]; own: Seen[] }> {
  const own: Seen[] = [];
  const output = await gdbOutput(
    elf,
    [...lines.map((line) => `break ${line}`), `set $end = ${lines.at(-1)}`, `source ${join(FIXTURES, 'frames.py')}`],
    ({ machine, image }) => own.push({ pc: Number(machine.readRegister('rip')), frames: ownFrames(machine, image) }),
  );
  const gdb = output
    .split('\n')
    .flatMap((text) => (text.startsWith('STOP ') ? (JSON.parse(text.slice(5)) as Seen) : []));
  if (gdb.at(-1)?.frames[0]?.line !== lines.at(-1)) throw new Error(output);
  return { gdb, own };
}

/** Lines of a fixture that say so. */
const stopsIn = (source: string): number[] =>
  readFileSync(join(FIXTURES, source), 'utf8')
    .split('\n')
    .flatMap((text, index) => (text.includes('// stop') ? [index + 1] : []));

const RUNS: readonly (readonly [source: string, variant: Variant])[] = (['gcc', 'clang'] as const).flatMap(
  (compiler) => {
    const common = { compiler, bits: 64, extra: ['-mno-sse', '-mno-red-zone'] } as const;
    return [
      ['calls.c', { ...common, version: 5, optimization: '-O0' }],
      ['calls.c', { ...common, version: 5, optimization: '-O2' }],
      ['entry.c', { ...common, version: 4, optimization: '-O1' }],
      ['entry.c', { ...common, version: 5, optimization: '-O2' }],
    ] as const;
  },
);

describe.skipIf(lacking('gcc', 'clang', 'gdb'))('a program that runs', () => {
  const folder = temporaryFolder();

  it.each(RUNS.map(([source, variant]) => [`${source}, ${titleOf(variant)}`, source, variant] as const))(
    '%s: frames, lines, arguments and locals as gdb has them',
    async (_title, source, variant) => {
      const { gdb, own } = await watched(build(folder, source, variant), stopsIn(source));
      const text = readFileSync(join(FIXTURES, source), 'utf8').split('\n');
      const counts = { equal: 0, gone: 0, lost: 0 };
      let from = 0;
      for (const [number, expected] of gdb.entries()) {
        // gdb also stands behind each breakpoint that it goes on from.
        const at = own.findIndex(({ pc }, index) => index >= from && pc === expected.pc);
        expect(at, `stop ${number} at 0x${expected.pc.toString(16)}`).toBeGreaterThanOrEqual(0);
        from = at + 1;
        const place = `stop ${number} at 0x${expected.pc.toString(16)}`;
        const seen = own[at]!.frames;
        const outline = (frames: readonly SeenFrame[]) =>
          frames.map(({ name, line, inlined }) => ({ name, line, inlined }));
        expect(outline(seen), place).toEqual(outline(expected.frames));
        const line = (level: number): string => text[(expected.frames[level]?.line ?? 0) - 1] ?? '';
        for (const [level, { name, variables }] of expected.frames.entries()) {
          const where = `${place}, frame ${level}, ${name}`;
          const shown = seen[level]!.variables;
          expect(Object.keys(shown).sort(), where).toEqual(Object.keys(variables).sort());
          for (const [variable, tree] of Object.entries(variables)) {
            const value = folded(shown[variable]!);
            counts[value === LOST ? 'lost' : value === null ? 'gone' : 'equal']++;
            if (value === LOST) expect(level, where).toBeGreaterThan(0);
            // gdb goes by what the register holds now.
            else if (value === null && line(level + 1).includes('through a register')) continue;
            // gdb does not follow the jumps that Clang describes for DWARF 4.
            else if (tree === null && value !== null)
              expect(value, where).toBe(/hands on a (\d+)/.exec(line(level + 1))?.[1]);
            else expect(value, `${where}: ${variable}`).toEqual(folded(tree));
          }
        }
      }
      expect(counts.equal).toBeGreaterThan(source === 'calls.c' ? 80 : 30);
      const frames = gdb.map((seen) => seen.frames);
      expect(Math.max(...frames.map(({ length }) => length))).toBeGreaterThan(3);
      if (source === 'calls.c') expect(frames.filter((stack) => stack[0]!.inlined).length).toBeGreaterThan(1);
    },
    60_000,
  );
});
