// The stack through frames that no call made, in assembly whose stack is known by hand (fixtures/frames.S).

import { describe, expect, it } from 'vitest';
import { type CodeFrame, stackFrames } from '../../../src/debugger/stack.ts';
import { createMachine } from '../../../src/machine/machine.ts';
import { addressOf, imageOf } from '../../../src/program/image.ts';
import { build, type Variant } from '../../program/compile.ts';
import { lacking, load, MEMORY, run, temporaryFolder } from '../../program/toolchain.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

const VARIANT: Variant = { compiler: 'gcc', version: 5, optimization: '-O0', bits: 64 };

describe.skipIf(lacking('gcc', 'readelf'))('frames that no call made', () => {
  const folder = temporaryFolder();

  /** Runs to a function; the frames there, each with what its RSP and its address are above the first instruction of its function. */
  async function standing(name: string) {
    const program = await load(build(folder, 'frames.S', VARIANT), { bits: 64 });
    const image = imageOf(program);
    const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program });
    machine.setBreakpoints([addressOf(image, name)!]);
    expect(machine.run({ limit: 10_000 }).kind).toBe('breakpoint');
    const frames = stackFrames(machine, image).filter((frame): frame is CodeFrame => frame.kind === 'code');
    return { frames, names: frames.map((frame) => frame.name), image, machine };
  }

  it('SYSCALL: at the first instruction of the handler the caller has its stack', async () => {
    const { names, frames, machine } = await standing('system_entry');
    expect(names).toEqual(['system_entry', 'asks', '_start']);
    // SYSCALL puts the address of the next instruction into RCX and leaves RSP alone.
    expect(frames[1]!.linear).toBe(machine.readRegister('rcx'));
    expect(frames[1]!.stack).toBe(machine.readRegister('rsp'));
  });

  it('SYSCALL: deeper, the caller is known by what the handler pushed', async () => {
    const { names, frames, image } = await standing('serves');
    expect(names.slice(0, 3)).toEqual(['serves', 'system_entry', 'asks']);
    // PUSH RBX is one byte, SYSCALL two.
    expect(frames[2]!.linear).toBe(addressOf(image, 'asks')! + 3n);
  });

  it('.cfi_signal_frame: the frame above stands before its instruction, not behind a call', async () => {
    const frames = run('readelf', ['--debug-dump=frames', build(folder, 'frames.S', VARIANT)]);
    expect(frames).toMatch(/Augmentation:\s+"zRS"/);
    const { names, frames: shown, image } = await standing('comes_in');
    expect(names).toEqual(['comes_in', 'interrupted', '_start']);
    expect(shown[1]).toMatchObject({
      linear: addressOf(image, 'interrupted'),
      lookup: addressOf(image, 'interrupted'),
    });
    expect(shown[2]!.linear).toBe(addressOf(image, 'continues'));
  });
});
