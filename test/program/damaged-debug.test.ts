// Debug information in which random bytes were changed: whatever is asked of it, the answer is a value, and it comes.

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { frameKey, typedRows } from '../../src/debugger/source/rows.ts';
import { sideFrames } from '../../src/debugger/stack.ts';
import { sourceScope } from '../../src/debugger/source/scope.ts';
import { evaluateText } from '../../src/debugger/expressions/evaluator.ts';
import type { DebugVariable, FrameAccess } from '../../src/program/debug-info.ts';
import { type DebugType, plainType, sizeOfType, typeName } from '../../src/program/debug-types.ts';
import { ProgramError } from '../../src/program/errors.ts';
import { addressesOfLine, type Image, imageOf, lineAt } from '../../src/program/image.ts';
import type { Program } from '../../src/program/types.ts';
import { loadProgram } from '../../src/program/load.ts';
import { fileMachine } from '../debugger/source/file-machine.ts';
import { build, FIXTURES } from './compile.ts';
import { fileReader, lacking, MEMORY, randomNumbers, run, temporaryFolder } from './toolchain.ts';

const ROUNDS = 150;
const SEED = Number(process.env.RINGSIDE_SEED ?? 20250707);

/** A frame of which everything can be had. */
const frame: FrameAccess = {
  register: (number) => BigInt(number) * 0x1000n,
  memory: (address, size) => BigInt.asUintN(size * 8, address * 0x9e3779b97f4a7c15n),
  cfa: () => 0x200000n,
  entryRegister: (number) => BigInt(number),
};

let asked = 0;

function askType(type: DebugType, depth: number): void {
  asked++;
  expect(typeof typeName(type)).toBe('string');
  sizeOfType(type);
  const plain = plainType(type);
  if (depth === 0) return;
  if (plain.kind === 'record') for (const { type: member } of plain.members().slice(0, 12)) askType(member, depth - 1);
  if (plain.kind === 'pointer') askType(plain.target(), depth - 1);
  if (plain.kind === 'array') askType(plain.element, depth - 1);
  if (plain.kind === 'enum') plain.enumerators();
}

function askVariable(variable: DebugVariable, address: bigint): void {
  askType(variable.type, 3);
  variable.locate(address, frame);
}

function askAll(program: Program, image: Image, below: (bound: number) => number): void {
  const { debug } = program;
  const functions = image.symbols.filter(({ kind }) => kind === 'function');
  for (const { address, size } of functions.slice(0, 12)) {
    const at = address + BigInt(below(Math.max(1, size)));
    lineAt(image, at);
    for (const instance of debug?.functionsAt(at) ?? [])
      for (const variable of instance.variables(at)) askVariable(variable, at);
    debug?.callFrameAt(at);
    debug?.entryRegister(5, at, at + 7n, frame);
  }
  const [first] = functions;
  for (const variable of (first && debug?.globalsAt(first.address)) ?? []) askVariable(variable, 0n);
  for (const name of ['struct node', 'union number', 'work', 'box', 'total', 'fixture::REPORT', 'uint32_t', 'BLUE']) {
    const type = debug?.typeNamed(name);
    if (type !== undefined) askType(type, 4);
    debug?.globalNamed(name, undefined);
    debug?.functionsNamed(name);
    debug?.enumeratorNamed(name);
  }
  debug?.globalNames();
  for (const path of program.lines.files.slice(0, 4)) addressesOfLine(image, path, 1 + below(60));
  const machine = fileMachine(image, 64);
  const start = functions[below(functions.length)]?.address ?? 0x100000n;
  for (const name of ['rsp', 'rbp', 'rbx', 'rdi']) machine.registersOfFile.set(name, BigInt(below(machine.ramSize)));
  machine.registersOfFile.set('rip', start + BigInt(below(16)));
  const frames = sideFrames(machine, image, 'root');
  expect(frames.length).toBeGreaterThan(0);
  // 64 activations, each with what was inlined into it.
  expect(frames.length).toBeLessThan(64 * 64);
  const [top] = frames;
  const scope = sourceScope(machine, image, 'root', top);
  const context = { machine, image, side: 'root', addressOf: () => undefined, source: scope } as const;
  const subject = { machine, image, frames, context: () => context, format: undefined };
  for (const kind of ['locals', 'arguments', 'globals'])
    for (const { name } of typedRows(subject, `${kind}/${frameKey(frames, top!)}`) ?? [])
      evaluateText(`${name} + 1`, context);
}

describe.skipIf(lacking('gcc', 'clang', 'g++', 'objcopy'))('damaged debug information', () => {
  const folder = temporaryFolder();
  const common = { bits: 64, extra: ['-mno-sse'] } as const;
  const FILES: readonly (readonly [title: string, elf: () => string])[] = [
    ['GCC, DWARF 5', () => build(folder, 'types.c', { compiler: 'gcc', version: 5, optimization: '-O2', ...common })],
    [
      'Clang, DWARF 5',
      () => build(folder, 'entry.c', { compiler: 'clang', version: 5, optimization: '-O2', ...common }),
    ],
    ['GCC, DWARF 4', () => build(folder, 'calls.c', { compiler: 'gcc', version: 4, optimization: '-O2', ...common })],
    ['C++', () => build(folder, 'shapes.cpp', { compiler: 'clang', version: 4, optimization: '-O1', ...common })],
    ['Rust', () => join(FIXTURES, 'rust', 'fixture-v0.elf')],
  ];

  it.each(FILES)('%s', async (_title, elf) => {
    const path = elf();
    const original = await fileReader(path);
    const sections = run('readelf', ['-SW', path])
      .split('\n')
      .flatMap((line) => {
        const found = /\.(debug_\w+|eh_frame)\s+PROGBITS\s+[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)/.exec(line);
        return found === null ? [] : [{ offset: Number.parseInt(found[2]!, 16), size: Number.parseInt(found[3]!, 16) }];
      });
    expect(sections.length).toBeGreaterThan(4);
    const below = randomNumbers(SEED);
    const before = asked;
    let loaded = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = original.slice();
      for (let changes = 1 + below(8); changes > 0; changes--) {
        const { offset, size } = sections[below(sections.length)]!;
        bytes[offset + below(size)] = below(3) === 0 ? 0xff : below(256);
      }
      let read = false;
      try {
        const program = await loadProgram(path, { ramSize: MEMORY, bits: 64 }, async () => bytes);
        read = true;
        loaded++;
        askAll(program, imageOf(program), below);
      } catch (error) {
        // What loads answers every question.
        if (!(error instanceof ProgramError) || read)
          throw new Error(`seed ${SEED}, round ${round}: ${(error as Error).stack}`);
      }
    }
    expect(loaded).toBeGreaterThan(ROUNDS / 2);
    expect(asked - before).toBeGreaterThan(ROUNDS);
  });
});
