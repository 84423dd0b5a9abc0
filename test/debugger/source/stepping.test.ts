// Steps into, over and out of inlined functions, as gdb takes them on the same machine.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { setFunctionBreakpoints, setLineBreakpoints } from '../../../src/debugger/breakpoints.ts';
import type { StepKind } from '../../../src/debugger/stepping.ts';
import { stackFrames } from '../../../src/debugger/stack.ts';
import { build, FIXTURES, titleOf, type Variant } from '../../program/compile.ts';
import { lacking, temporaryFolder } from '../../program/toolchain.ts';
import { gdbOutput, openSession, type Standing } from './gdb.ts';

interface Seen {
  readonly pc: number;
  readonly frames: readonly string[];
}

function seen({ machine, image }: Standing): Seen {
  const frames = stackFrames(machine, image).flatMap((frame) =>
    frame.kind === 'code' ? [`${frame.name}:${frame.line?.line}`] : [],
  );
  return { pc: Number(machine.readRegister('rip')), frames };
}

const LINES = readFileSync(join(FIXTURES, 'inlined.c'), 'utf8').split('\n');
const lineOf = (text: string): number => LINES.indexOf(text) + 1;
const END = lineOf('  sink = 105;');
const CALL = lineOf('  put(value); // the call');
const LOOP = lineOf('    put(turn);');
const PUT = lineOf('  sink = value;');
const WORK = lineOf('  work(7);');

const COMMANDS: Readonly<Record<string, StepKind>> = { step: 'in', next: 'over', finish: 'out' };

async function ownSteps(elf: string, commands: readonly string[]): Promise<Seen[]> {
  let arrived: () => void = () => {};
  const standing = await openSession(elf, () => arrived());
  const { session, image } = standing;
  const until = (act: () => void): Promise<void> =>
    new Promise((resolve) => {
      arrived = resolve;
      act();
    });
  setFunctionBreakpoints(session.breakpoints, image, [{ name: 'work' }]);
  await until(() => session.continue());
  const all = [seen(standing)];
  for (let count = 0; count < 200 && !all.at(-1)!.frames[0]!.endsWith(`:${END}`); count++) {
    await until(() => session.step(COMMANDS[commands[count % commands.length]!]!, 'statement'));
    all.push(seen(standing));
  }
  session.dispose();
  return all;
}

async function gdbSteps(elf: string, commands: readonly string[]): Promise<Seen[]> {
  const output = await gdbOutput(elf, [
    'break work',
    'continue',
    `set $end = ${END}`,
    `set $steps = "${commands.join(',')}"`,
    `source ${join(FIXTURES, 'steps.py')}`,
  ]);
  return output.split('\n').flatMap((line) => (line.startsWith('AT ') ? (JSON.parse(line.slice(3)) as Seen) : []));
}

const VARIANTS = (
  [
    ['gcc', '-O1'],
    ['gcc', '-O2'],
    ['clang', '-O0'],
    ['clang', '-O2'],
  ] as const
).map(
  ([compiler, optimization]): Variant => ({
    ...{ compiler, version: 5, optimization, bits: 64 },
    extra: ['-mno-sse', '-mno-red-zone'],
  }),
);

const WALKS = {
  'step in': ['step'],
  'step over': ['next'],
  'step in, over and out': ['step', 'next', 'step', 'step', 'step', 'finish'],
};

describe.skipIf(lacking('gcc', 'clang', 'gdb'))('inlined functions', () => {
  const folder = temporaryFolder();
  describe.each(VARIANTS.map((variant) => [titleOf(variant), variant] as const))('%s', (_title, variant) => {
    it.each(Object.entries(WALKS))('%s: stops and stacks as gdb has them', async (_walk, commands) => {
      const elf = build(folder, 'inlined.c', variant);
      const text = (all: readonly Seen[]): string[] =>
        all.map(({ pc, frames }) => `${pc.toString(16)} ${frames.join(' < ')}`);
      expect(text(await ownSteps(elf, commands))).toEqual(text(await gdbSteps(elf, commands)));
    });
  });

  // Both lines begin at one address: where `put` is called, and the first line of its copy there.
  it.each<[title: string, set: (standing: Standing) => void, frames: readonly string[]]>([
    [
      'the line of the call stands at the call',
      ({ session, image }) => setLineBreakpoints(session.breakpoints, image, 'inlined.c', [{ line: CALL }]),
      [`work:${CALL}`, `_start:${WORK}`],
    ],
    [
      'a line of the function stands in it',
      ({ session, image }) => setLineBreakpoints(session.breakpoints, image, 'inlined.c', [{ line: PUT }]),
      [`put:${PUT}`, `work:${CALL}`, `_start:${WORK}`],
    ],
    [
      'the name of the function stands in it',
      ({ session, image }) => setFunctionBreakpoints(session.breakpoints, image, [{ name: 'put' }]),
      [`put:${PUT}`, `work:${CALL}`, `_start:${WORK}`],
    ],
    [
      'the line of a call knows its variables in a condition',
      ({ session, image }) =>
        setLineBreakpoints(session.breakpoints, image, 'inlined.c', [{ line: LOOP, condition: 'turn == 0' }]),
      [`work:${LOOP}`, `_start:${WORK}`],
    ],
    [
      'a line of the function knows its variables in a condition',
      ({ session, image }) =>
        setLineBreakpoints(session.breakpoints, image, 'inlined.c', [
          { line: LOOP, condition: 'turn == 7' },
          { line: PUT, condition: 'value == 2' },
        ]),
      [`put:${PUT}`, `work:${LOOP}`, `_start:${WORK}`],
    ],
  ])('a breakpoint on %s', async (_title, set, frames) => {
    const elf = build(folder, 'inlined.c', VARIANTS[1]!);
    let arrived: () => void = () => {};
    const standing = await openSession(elf, () => arrived());
    set(standing);
    await new Promise<void>((resolve) => {
      arrived = resolve;
      standing.session.continue();
    });
    expect(seen(standing).frames).toEqual(frames);
    standing.session.dispose();
  });
});
