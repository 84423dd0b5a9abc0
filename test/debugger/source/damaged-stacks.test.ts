// Stacks that were overwritten, and call frame information that was cut off: the frames that can be trusted, and an end.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CodeFrame, sideFrames } from '../../../src/debugger/stack.ts';
import { toLittleEndian } from '../../../src/debugger/format.ts';
import { addressOf, type Image, imageOf } from '../../../src/program/image.ts';
import { build } from '../../program/compile.ts';
import { lacking, load, run, temporaryFolder } from '../../program/toolchain.ts';
import { type FileMachine, fileMachine } from './file-machine.ts';

describe.skipIf(lacking('gcc', 'objcopy', 'objdump'))('a stack', () => {
  const folder = temporaryFolder();
  const whole = (): string =>
    build(folder, 'calls.c', { compiler: 'gcc', version: 5, optimization: '-O0', bits: 64, extra: ['-mno-sse'] });

  /** The same program without call frame information, or with so much of it in .eh_frame. */
  function withFrames(part: number): string {
    const [cut, section] = [join(folder, `cut-${part}.elf`), join(folder, 'section')];
    run('objcopy', ['--remove-section=.debug_frame', `--dump-section=.eh_frame=${section}`, whole(), cut]);
    const bytes = readFileSync(section);
    writeFileSync(section, bytes.subarray(0, Math.floor(bytes.length * part)));
    run('objcopy', part === 0 ? ['--remove-section=.eh_frame', cut] : [`--update-section=.eh_frame=${section}`, cut]);
    return cut;
  }

  /** Linear address behind the call of a function in another. */
  function behindCall(elf: string, caller: string, callee: string): bigint {
    const lines = run('objdump', ['-d', '--no-show-raw-insn', `--disassemble=${caller}`, elf]).split('\n');
    const call = lines.findIndex((line) => new RegExp(`call\\s.*<${callee}>`).test(line));
    return BigInt(`0x${/^\s*([0-9a-f]+):/.exec(lines[call + 1]!)![1]}`);
  }

  interface Stack {
    readonly elf: string;
    readonly machine: FileMachine;
    readonly image: Image;
    readonly top: bigint;
    put(offset: number, value: bigint): void;
    frames(): CodeFrame[];
  }

  /** Standing in `leaf` behind its prologue, RBP and RSP 100H bytes below `top`. */
  async function stackIn(elf: string): Promise<Stack> {
    const image = imageOf(await load(elf, { bits: 64 }));
    const machine = fileMachine(image, 64);
    const top = BigInt(machine.ramSize - 0x1000);
    machine.registersOfFile.set('rip', addressOf(image, 'leaf')! + 4n);
    machine.registersOfFile.set('rsp', top);
    machine.registersOfFile.set('rbp', top);
    return {
      ...{ elf, machine, image, top },
      put: (offset, value) => void machine.pokeLinear('root', top + BigInt(offset), toLittleEndian(value, 8)),
      frames: () => sideFrames(machine, image, 'root'),
    };
  }

  const names = (frames: readonly CodeFrame[]): string[] => frames.map(({ name }) => name);

  /** leaf, called by middle, called by _start. */
  function build3(stack: Stack): void {
    const { elf, put, top } = stack;
    put(0, top + 0x100n);
    put(8, behindCall(elf, 'middle', 'leaf'));
    put(0x100, top + 0x200n);
    put(0x108, behindCall(elf, '_start', 'middle'));
  }

  it.each([0, 0.4, 0.7, 1])('with %f of the call frame information leads to the same callers', async (part) => {
    const stack = await stackIn(withFrames(part));
    build3(stack);
    expect(names(stack.frames())).toEqual(['leaf', 'middle', '_start']);
  });

  describe.each([0, 1])('with %f of the call frame information', (part) => {
    it('whose frame pointers turn in a circle ends', async () => {
      const stack = await stackIn(withFrames(part));
      stack.put(0, stack.top);
      stack.put(8, behindCall(stack.elf, 'middle', 'leaf'));
      const found = names(stack.frames());
      expect(found.slice(0, 2)).toEqual(['leaf', 'middle']);
      expect(found.length).toBeLessThan(4);
    });

    it('whose frame pointer leads down again ends', async () => {
      const stack = await stackIn(withFrames(part));
      build3(stack);
      // The frame of `middle` says that its caller is below it.
      stack.put(0, stack.top - 0x200n);
      stack.put(-0x200, stack.top);
      stack.put(-0x1f8, behindCall(stack.elf, '_start', 'middle'));
      stack.put(0x108, 0n);
      expect(names(stack.frames())).toEqual(['leaf', 'middle']);
    });

    it.each([
      ['nowhere', 0xdeadbeefn],
      ['to data', 0n],
      ['beyond all addresses', 0xffffffffffffffffn],
    ])('whose return address leads %s ends with the function that is left', async (_where, address) => {
      const stack = await stackIn(withFrames(part));
      build3(stack);
      stack.put(0x108, address);
      expect(names(stack.frames())).toEqual(['leaf', 'middle']);
    });

    it('that is not mapped is that of the innermost function', async () => {
      const stack = await stackIn(withFrames(part));
      for (const name of ['rsp', 'rbp']) stack.machine.registersOfFile.set(name, 0xffff800000000000n);
      expect(names(stack.frames())).toEqual(['leaf']);
    });

    it('of random words ends', async () => {
      const stack = await stackIn(withFrames(part));
      let state = 12345n;
      for (let offset = -0x400; offset < 0xc00; offset += 8) {
        state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
        // Often an address of the stack or of code.
        const kind = Number(state >> 61n);
        const near = kind < 3 ? stack.top - 0x400n : 0x100000n;
        stack.put(offset, kind < 6 ? near + ((state >> 20n) & 0xfffn) : state);
      }
      const frames = stack.frames();
      expect(frames.length).toBeLessThan(65);
      expect(names(frames)[0]).toBe('leaf');
    });
  });
});
