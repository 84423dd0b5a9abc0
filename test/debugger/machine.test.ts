// The debugger on the real machine: what a toy cannot show (interrupts, injected events, C at source level).

import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { setFunctionBreakpoints } from '../../src/debugger/breakpoints.ts';
import { setFilters } from '../../src/debugger/exit-filters.ts';
import { createScheduler } from '../../src/debugger/scheduler.ts';
import { Session } from '../../src/debugger/session.ts';
import type { Cause } from '../../src/debugger/session/cause.ts';
import { type Frame, stackFrames } from '../../src/debugger/stack.ts';
import type { Granularity, StepKind } from '../../src/debugger/stepping.ts';
import { createMachine } from '../../src/machine/machine.ts';
import { imageOf, lineAt, symbolAt } from '../../src/program/image.ts';
import { loadProgram } from '../../src/program/load.ts';
import { ROOT, whyNoBundle } from '../cli/bundle.ts';

const skip = whyNoBundle();
if (skip !== undefined) console.log(`the debugger is not tested on the machine: ${skip}`);
const RAM = 16 * 1024 * 1024;
const HYPERVISOR = join(ROOT, 'test', 'dap', 'programs', 'hypervisor.asm');

interface Debugged {
  readonly session: Session;
  until(action: () => void): Promise<Cause | { readonly kind: 'ended' }>;
  runTo(name: string): Promise<void>;
  step(kind: StepKind, granularity: Granularity): Promise<void>;
  /** Symbol and offset where the machine stands, or the source line where there is one of C. */
  where(): string;
}

async function debug(file: string, defines: Record<string, string> = {}): Promise<Debugged> {
  const program = await loadProgram(
    file,
    { ramSize: RAM, defines },
    async (path) => new Uint8Array(await readFile(path)),
  );
  const image = imageOf(program);
  const machine = createMachine({
    coreWasm: new Uint8Array(readFileSync(join(ROOT, 'dist', 'core.wasm'))),
    ramSize: RAM,
    program,
  });
  let waiting: ((cause: Cause | { kind: 'ended' }) => void) | undefined;
  const session = new Session({
    machine,
    image,
    scheduler: createScheduler(),
    stopOnEntry: true,
    stopOnFirstVmExit: false,
    events: {
      continued: () => {},
      stopped: (cause) => waiting?.(cause),
      ended: () => waiting?.({ kind: 'ended' }),
      logged: () => {},
    },
  });
  setFilters(session.filters, []);
  const until = (action: () => void): Promise<Cause | { kind: 'ended' }> =>
    new Promise((resolve) => {
      waiting = resolve;
      action();
    });
  await until(() => session.start());
  return {
    session,
    until,
    runTo: async (name) => {
      setFunctionBreakpoints(session.breakpoints, image, [{ name }]);
      expect((await until(() => session.continue())).kind).toBe('breakpoint');
      setFunctionBreakpoints(session.breakpoints, image, []);
    },
    step: async (kind, granularity) => {
      expect((await until(() => session.step(kind, granularity))).kind).toBe('step');
    },
    where: () => {
      const rip = machine.readRegister('rip') ?? 0n;
      const line = lineAt(image, rip);
      if (line?.path.endsWith('.c')) return `${line.path.replace(/^.*\//, '')}:${line.line}`;
      const symbol = symbolAt(image, rip);
      return symbol === undefined ? rip.toString(16) : `${symbol.name}+${symbol.offset}`;
    },
  };
}

describe.skipIf(skip !== undefined)('on the machine', () => {
  test('step over never lands in a timer’s handler, and the timer goes on', async () => {
    const { session, runTo, step, where } = await debug(join(ROOT, 'test', 'dap', 'programs', 'timer.asm'));
    await runTo('count');
    const ticks = session.machine.readRegister('r15') ?? 0n;
    const seen = new Set<string>();
    for (let i = 0; i < 6000; i++) {
      await step('over', 'instruction');
      seen.add(where());
    }
    expect([...seen].sort()).toEqual(['count+0', 'count+3', 'count+7']);
    expect(session.machine.readRegister('r15') ?? 0n).toBeGreaterThan(ticks);
  }, 60_000);

  test('step in does land there', async () => {
    const { runTo, step, where } = await debug(join(ROOT, 'test', 'dap', 'programs', 'timer.asm'));
    await runTo('count');
    for (let i = 0; i < 6000 && where() !== 'tick+0'; i++) await step('in', 'instruction');
    expect(where()).toBe('tick+0');
    await step('in', 'instruction');
    await step('out', 'instruction');
    expect(where()).toMatch(/^count\+[037]$/);
  }, 60_000);

  describe.each([
    // External interrupt, vector 30H; #GP as a hardware exception with an error code.
    { injected: '0x80000030', over: 'guest+7', into: 'guest_interrupt+0' },
    { injected: '0x80000B0D', over: 'guest_interrupt+0', into: 'guest_interrupt+0' },
  ])('with $injected injected at the next VM entry', ({ injected, over, into }) => {
    test('over the instruction that exits', async () => {
      const { runTo, step, where } = await debug(HYPERVISOR, { INJECT: injected });
      await runTo('guest');
      await step('in', 'instruction');
      await step('over', 'instruction');
      expect(where()).toBe(over);
    });

    test('into VMRESUME', async () => {
      const { runTo, step, where, session } = await debug(HYPERVISOR, { INJECT: injected });
      await runTo('next_instruction');
      for (let i = 0; i < 50 && session.machine.side() === 'root'; i++) await step('in', 'instruction');
      expect(where()).toBe(into);
    });
  });

  test('the frames of both sides at an exit and in the guest', async () => {
    const { session, runTo, step } = await debug(HYPERVISOR);
    const names = (): string[] => stackFrames(session.machine, session.image).map((frame) => frame.name);
    await runTo('guest_function');
    expect(names()).toEqual(['guest_function', 'guest+0x18', 'entered by VMRESUME', 'next_instruction+0x1d']);
    await step('in', 'instruction');
    await step('in', 'instruction');
    expect(names()).toEqual(['exit_handler', 'VM exit 3: VMCALL', 'guest_function+0x5', 'guest+0x18']);
    await runTo('print');
    expect(names().slice(0, 3)).toEqual(['print', 'on_vmcall+0x7', 'VM exit 3: VMCALL']);
  });
});

const TINY = join(ROOT, 'samples', 'tiny-hypervisor', 'tiny-hypervisor.elf');
if (!existsSync(TINY)) console.log('C is not stepped: samples/tiny-hypervisor/tiny-hypervisor.elf is not built');

describe.skipIf(skip !== undefined || !existsSync(TINY))('C on both sides', () => {
  const source = (file: string): string[] =>
    readFileSync(join(ROOT, 'samples', 'tiny-hypervisor', file), 'utf8').split('\n');
  const lineOf = (file: string, text: string): string => {
    const index = source(file).findIndex((line) => line.includes(text));
    expect(index, `${text} in ${file}`).toBeGreaterThanOrEqual(0);
    return `${file}:${index + 1}`;
  };

  test('line by line over calls that run whole guests', async () => {
    const { runTo, step, where, session } = await debug(TINY);
    await runTo('main');
    expect(where()).toBe(lineOf('main.c', 'console_initialize();'));
    await step('over', 'statement');
    expect(where()).toBe(lineOf('main.c', 'print("tiny-hypervisor: loaded by'));
    await step('over', 'statement');
    expect(where()).toBe(lineOf('main.c', 'vmx_enable();'));
    const all = lineOf('main.c', 'vm_run_all(vms, count);');
    for (let i = 0; i < 40 && where() !== all; i++) await step('over', 'statement');
    expect(session.machine.exitCount()).toBe(0);
    await step('over', 'statement');
    expect(where()).toBe(lineOf('main.c', 'for (unsigned index = 0; index < count; index++)'));
    expect(session.machine.exitCount()).toBeGreaterThan(10);
  });

  const lineOfFrame = (frame: Frame | undefined): number => (frame?.kind === 'code' ? (frame.line?.line ?? 0) : 0);

  test('into a function, out of it, and across to the guest’s C', async () => {
    const { runTo, step, session } = await debug(TINY);
    await runTo('main');
    await step('in', 'statement');
    // Inlined into each other, all three begin at one address: one step in for each.
    const frames = () => stackFrames(session.machine, session.image);
    const outline = () => frames().map((frame) => frame.name);
    expect(outline().slice(0, 2)).toEqual(['console_initialize', 'main']);
    const [call] = frames();
    await step('in', 'statement');
    expect(outline().slice(0, 3)).toEqual(['out8', 'console_initialize', 'main']);
    // Out of one inlined copy, to the call of the next: there is no code between them.
    await step('out', 'statement');
    expect(outline().slice(0, 2)).toEqual(['console_initialize', 'main']);
    expect(lineOfFrame(frames()[0])).toBeGreaterThan(lineOfFrame(call));
    await runTo('handle_vmcall');
    const names = stackFrames(session.machine, session.image).map((frame) => frame.name);
    expect(names.slice(0, 5)).toEqual(['handle_vmcall', 'handle_exit', 'run_turn', 'vm_run_all', 'main']);
    expect(names).toContain('VM exit 1: VMCALL');
    expect(names.slice(-1)).toEqual(['guest64_main']);
    for (const caller of ['handle_exit', 'run_turn', 'vm_run_all', 'main']) {
      await step('out', 'statement');
      expect(stackFrames(session.machine, session.image)[0]?.name).toBe(caller);
    }
  });
});
