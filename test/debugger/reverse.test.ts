// Going back: what forward steps visited is visited again, the last first; calls, handlers and guests are skipped as forward.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { setFunctionBreakpoints } from '../../src/debugger/breakpoints.ts';
import { setFilters } from '../../src/debugger/exit-filters.ts';
import { previousExit, reverseContinue, toBefore, toMoment } from '../../src/debugger/reverse/journeys.ts';
import { lastWrite } from '../../src/debugger/reverse/last-write.ts';
import { backToCall, stepBack } from '../../src/debugger/reverse/steps.ts';
import type { Journey } from '../../src/debugger/reverse/traveller.ts';
import { createScheduler } from '../../src/debugger/scheduler.ts';
import { Session } from '../../src/debugger/session.ts';
import type { Cause } from '../../src/debugger/session/cause.ts';
import { writtenSubject } from '../../src/debugger/subjects.ts';
import type { Granularity, StepKind } from '../../src/debugger/stepping.ts';
import { createMachine } from '../../src/machine/machine.ts';
import { imageOf, lineAt, symbolAt } from '../../src/program/image.ts';
import { loadProgram } from '../../src/program/load.ts';
import { coreModule } from '../vmx/hypervisors.ts';

const ROOT = join(import.meta.dirname, '../..');
const RAM = 16 * 1024 * 1024;
const HYPERVISOR = join(ROOT, 'test', 'dap', 'programs', 'hypervisor.asm');
const TIMER = join(ROOT, 'test', 'dap', 'programs', 'timer.asm');
const TINY = join(ROOT, 'samples', 'tiny-hypervisor', 'tiny-hypervisor.elf');

async function debug(file: string, ramSize = RAM, text?: string) {
  const program = await loadProgram(file, { ramSize }, async (path) =>
    text === undefined ? new Uint8Array(await readFile(path)) : new TextEncoder().encode(text),
  );
  const image = imageOf(program);
  const machine = createMachine({ coreWasm: coreModule(), ramSize, program });
  machine.history.record(64 << 20);
  let waiting: ((cause: Cause | { kind: 'ended' }) => void) | undefined;
  const logged: string[] = [];
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
      logged: (text) => logged.push(text),
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
    machine,
    image,
    until,
    logged,
    async runTo(name: string): Promise<void> {
      setFunctionBreakpoints(session.breakpoints, image, [{ name }]);
      expect((await until(() => session.continue())).kind).toBe('breakpoint');
      setFunctionBreakpoints(session.breakpoints, image, []);
    },
    async step(kind: StepKind, granularity: Granularity = 'instruction'): Promise<void> {
      expect((await until(() => session.step(kind, granularity))).kind).toBe('step');
    },
    travel: (journey: Journey) => until(() => session.travel(journey)),
    where(): string {
      const rip = machine.readRegister('rip') ?? 0n;
      const line = lineAt(image, rip);
      if (line?.path.endsWith('.c')) return `${line.path.replace(/^.*\//, '')}:${line.line}`;
      const symbol = symbolAt(image, rip);
      return symbol === undefined ? rip.toString(16) : `${symbol.name}+${symbol.offset}`;
    },
  };
}

describe('steps back', () => {
  test.each(['in', 'over'] as const)('step back %s visits what steps forward visited', async (kind) => {
    const { runTo, step, travel, where, machine } = await debug(HYPERVISOR);
    await runTo('guest');
    const visited: string[] = [];
    const here = () => `${where()} ${machine.time()} ${machine.exitCount()}`;
    for (let i = 0; i < (kind === 'in' ? 70 : 7); i++) {
      if (where() === 'guest+24') break;
      visited.push(here());
      await step(kind);
    }
    for (const place of visited.reverse()) {
      expect((await travel(stepBack(kind, 'instruction'))).kind).toBe('step');
      expect(here()).toBe(place);
    }
  });

  test('between the two sides as DESIGN says, mirrored', async () => {
    const { runTo, step, travel, where, machine } = await debug(HYPERVISOR);
    await runTo('guest');
    await step('in'); // at CPUID
    expect(where()).toBe('guest+5');
    await step('in');
    expect(where()).toBe('exit_handler+0');
    // Back in: the guest's instruction that exited. Back over: the VM entry that the guest came by.
    await travel(stepBack('in', 'instruction'));
    expect([machine.side(), where()]).toEqual(['non-root', 'guest+5']);
    await step('in');
    await travel(stepBack('over', 'instruction'));
    expect(machine.side()).toBe('root');
    expect(where()).toMatch(/^launch\+/);
    // Back out of the handler: the guest's instruction.
    await runTo('on_cpuid');
    await travel(stepBack('out', 'instruction'));
    expect(where()).toBe('guest+5');
    // Out of a function: the call.
    await runTo('guest_function');
    await step('in');
    await travel(stepBack('out', 'instruction'));
    expect(where()).toBe('guest+19');
    // The frame of the outermost guest function: the VM entry.
    await travel(stepBack('out', 'instruction'));
    expect(machine.side()).toBe('root');
  });

  test('an interrupt’s handler is passed over', async () => {
    const { runTo, step, travel, where, machine } = await debug(TIMER);
    await runTo('tick');
    await travel(stepBack('out', 'instruction'));
    expect(where()).toMatch(/^count\+/);
    for (let i = 0; i < 40 && where() !== 'count+0'; i++) await step('over');
    const ticks = machine.readRegister('r15') ?? 0n;
    await runTo('tick');
    for (let i = 0; i < 30 && !where().startsWith('count'); i++) await step('in');
    const seen = new Set<string>();
    for (let i = 0; i < 10; i++) {
      await travel(stepBack('over', 'instruction'));
      seen.add(where());
    }
    expect([...seen].sort()).toEqual(['count+0', 'count+3', 'count+7']);
    expect(machine.readRegister('r15') ?? 0n).toBeLessThanOrEqual(ticks + 1n);
  });

  test('reverse continue: breakpoints, filters, the start', async () => {
    const { runTo, travel, where, machine, session, image, until } = await debug(HYPERVISOR);
    await runTo('guest');
    const atGuest = machine.history.now();
    setFilters(session.filters, [{ id: 'by-reason', condition: 'VMCALL' }]);
    expect((await until(() => session.continue())).kind).toBe('vm-exit');
    setFilters(session.filters, []);
    const atVmcall = machine.history.now();
    setFunctionBreakpoints(session.breakpoints, image, [{ name: 'on_cpuid' }]);
    expect(await travel(reverseContinue)).toMatchObject({ kind: 'breakpoint' });
    expect(where()).toBe('on_cpuid+0');
    const second = machine.time();
    expect(await travel(reverseContinue)).toMatchObject({ kind: 'breakpoint' });
    expect(machine.time()).toBeLessThan(second);
    expect((await travel(reverseContinue)).kind).toBe('history-start');
    expect(machine.time()).toBe(0);
    expect((await travel(stepBack('in', 'instruction'))).kind).toBe('history-start');
    expect((await travel(toMoment(atVmcall))).kind).toBe('jump');
    expect(await travel(previousExit)).toMatchObject({ kind: 'vm-exit', exit: { reason: 10 } });
    expect(where()).toBe('exit_handler+0');
    await travel(toMoment(atGuest));
    expect(where()).toBe('guest+0');
    expect((await travel(previousExit)).kind).toBe('history-start');
  });
});

describe('who wrote this?', () => {
  test.each([
    // What, asked where; the place of the write, the text.
    ['rax', 'guest+5', 'guest+0', /last that wrote rax\..*0x1\./i],
    ['qword[rsp]', 'guest_function+0', 'guest+19', /last that wrote qword\[rsp\] \(8 bytes at gva:0x[0-9a-f]+\)\./],
    ['GUEST_RIP', 'exit_handler+0', 'guest+5', /last that wrote GUEST_RIP/],
    ['GUEST_RIP', 'guest+7', 'next_instruction+20', /last that wrote GUEST_RIP/],
    ['r14', 'guest+5', 'guest+5', /r14 was not written since the recorded past begins/i],
  ])('%s at %s', async (expression, asked, expected, told) => {
    const { runTo, step, travel, where, session, machine } = await debug(HYPERVISOR);
    await runTo('guest');
    for (let i = 0; i < 200 && where() !== asked; i++) await step('in');
    expect(where()).toBe(asked);
    const origin = machine.history.now();
    const subject = writtenSubject(expression, session.context());
    if ('problem' in subject) throw new Error(subject.problem);
    const cause = await travel(lastWrite(subject));
    expect(cause).toMatchObject({ kind: 'jump', text: expect.stringMatching(told) });
    expect(where().replace(/^next_instruction\+\d+$/, 'next_instruction+20')).toBe(expected);
    expect(machine.watches()).toEqual([]);
    expect(machine.history.last()).toEqual(origin);
  });

  test('variables of C: a member is watched where it lies', async () => {
    const { runTo, travel, where, session, machine } = await debug(TINY, 64 << 20);
    await runTo('handle_cpuid');
    const subject = writtenSubject('vm->registers.rax', session.context());
    if ('problem' in subject) throw new Error(subject.problem);
    const cause = await travel(lastWrite(subject));
    expect(cause).toMatchObject({
      text: expect.stringMatching(
        /^The next step is the last that wrote vm->registers\.rax \(8 bytes at hva:0x\w+\)\. It was 0x\w+ and becomes 0x0+1\.$/,
      ),
    });
    // MOV [RDI+RAX], RAX behind the XCHG that the exit handler begins with.
    expect(where()).toBe('vcpu_exited+4');
    expect(machine.readRegister('rax')).toBe(1n);
  });
});

describe('hit counts belong to moments', () => {
  const LOOP = `bits 64
        mov ecx, 10
again:  dec ecx
        jnz again
done:   jmp done
`;
  async function loop(hitCondition?: string, condition?: string) {
    const debugged = await debug('/loop.asm', RAM, LOOP);
    const { session, image, machine } = debugged;
    const set = (...more: { name: string }[]) =>
      setFunctionBreakpoints(session.breakpoints, image, [{ name: 'again', hitCondition, condition }, ...more])[0]!;
    // ECX is 10 at the first meeting, 9 at the second, …
    const meeting = (): number => 11 - Number(machine.readRegister('rcx'));
    return { ...debugged, set, meeting };
  }

  test('they go down when the machine goes back, and up again', async () => {
    const { session, until, travel, set, meeting, machine } = await loop();
    const breakpoint = set();
    for (const expected of [1, 2, 3, 4]) {
      await until(() => session.continue());
      expect([breakpoint.hits, meeting()]).toEqual([expected, expected]);
    }
    await travel(reverseContinue);
    expect([breakpoint.hits, meeting()]).toEqual([3, 3]);
    await travel(toMoment(machine.history.first()));
    expect(breakpoint.hits).toBe(0);
    await travel(toMoment(machine.history.last()));
    expect([breakpoint.hits, meeting()]).toEqual([4, 4]);
    await travel(toMoment(machine.history.first()));
    await until(() => session.continue());
    expect([breakpoint.hits, meeting()]).toEqual([1, 1]);
  });

  test('a change of the past takes away what came after it', async () => {
    const { session, until, travel, set, machine } = await loop();
    const breakpoint = set();
    for (let i = 0; i < 4; i++) await until(() => session.continue());
    await travel(reverseContinue);
    await travel(reverseContinue);
    machine.writeRegister('rcx', 100n);
    await until(() => session.continue());
    expect([breakpoint.hits, machine.readRegister('rcx')]).toEqual([3, 99n]);
  });

  test.each([
    ['3', undefined, [3, 4], [3]],
    ['== 2', undefined, [2], []],
    ['% 2', undefined, [2, 4, 6], [4, 2]],
    [undefined, 'hits > 2', [3, 4], [3]],
  ])('hit count %s, condition %s', async (hitCondition, condition, forward, backward) => {
    const { session, until, travel, set, meeting } = await loop(hitCondition, condition);
    set();
    for (const expected of forward) {
      expect((await until(() => session.continue())).kind).toBe('breakpoint');
      expect(meeting()).toBe(expected);
    }
    for (const expected of backward) {
      expect((await travel(reverseContinue)).kind).toBe('breakpoint');
      expect(meeting()).toBe(expected);
    }
    expect((await travel(reverseContinue)).kind).toBe('history-start');
  });

  test.each([
    ['== 5', 5],
    ['% 4', 8],
    ['<= 2', 2],
  ])(
    'of a breakpoint that was not there yet, from where the recorded past begins: %s',
    async (hitCondition, expected) => {
      const { runTo, travel, set, meeting } = await loop(hitCondition);
      await runTo('done');
      const breakpoint = set();
      expect((await travel(reverseContinue)).kind).toBe('breakpoint');
      expect([meeting(), breakpoint.hits]).toEqual([expected, expected]);
    },
  );

  test('a breakpoint that is sent again as it was keeps its count', async () => {
    const { session, until, set } = await loop();
    set();
    for (let i = 0; i < 3; i++) await until(() => session.continue());
    expect(set({ name: 'done' }).hits).toBe(3);
    await until(() => session.continue());
    expect(session.breakpoints.functions.map(({ hits }) => hits)).toEqual([4, 0]);
  });

  test('VM-exit filters', async () => {
    const { session, until, travel } = await debug(HYPERVISOR);
    setFilters(session.filters, [{ id: 'any-exit', condition: 'hits == 2' }]);
    expect(await until(() => session.continue())).toMatchObject({ kind: 'vm-exit', exit: { number: 2 } });
    await travel(toMoment(session.machine.history.first()));
    expect(await until(() => session.continue())).toMatchObject({ kind: 'vm-exit', exit: { number: 2 } });
    setFilters(session.filters, []);
    await until(() => session.step('in', 'instruction'));
    setFilters(session.filters, [{ id: 'any-exit', condition: 'hits == 1' }]);
    expect(await travel(reverseContinue)).toMatchObject({ kind: 'vm-exit', exit: { number: 1 } });
  });
});

describe('the timeline', () => {
  test('knows every exit, and how to go there', async () => {
    const { until, session, travel, where, machine, image } = await debug(HYPERVISOR);
    setFunctionBreakpoints(session.breakpoints, image, [{ name: 'on_hlt' }]);
    await until(() => session.continue());
    const { history } = machine;
    expect(history.exits()).toEqual({ first: 1, last: 4 });
    const exits = [1, 2, 3, 4].map((number) => history.exit(number));
    // CPUID, CPUID, VMCALL, HLT; between them the guest's instructions up to the one that exits, which does not retire.
    expect(exits.map((exit) => exit?.reason)).toEqual([10, 10, 18, 12]);
    expect(exits.map((exit) => exit?.guest)).toEqual([1, 2, 2, 1]);
    expect(exits[3]?.handler).toBeUndefined();
    expect(exits[0]?.handler).toBe((exits[1]?.time ?? 0) - (exits[1]?.guest ?? 0) - (exits[0]?.time ?? 0));
    for (const number of [3, 1, 4, 2]) {
      const exit = exits[number - 1];
      if (exit === undefined) throw new Error('no exit');
      await travel(toMoment(exit));
      expect([where(), machine.exitCount()]).toEqual(['exit_handler+0', number]);
      await travel(toBefore(exit));
      expect([machine.side(), machine.readRegister('rip')]).toEqual(['non-root', exit.rip]);
    }
    expect([1, 2, 3, 4].map((number) => history.exit(number))).toEqual(exits);
    const buckets = history.buckets(0, history.last().time + 1, 10);
    expect(buckets.reduce((sum, { exits: count }) => sum + count, 0)).toBe(4);
    expect(buckets.reduce((sum, { guest }) => sum + guest, 0)).toBe(6);
  });
});

describe.skipIf(!existsSync(TINY))('in C', () => {
  test('statements back are statements forward; back to the call of a frame', async () => {
    const { runTo, step, travel, where, machine } = await debug(TINY, 64 << 20);
    await runTo('handle_exit');
    const visited: string[] = [];
    for (let i = 0; i < 6; i++) {
      visited.push(`${where()} ${machine.time()}`);
      await step('over', 'statement');
      if (machine.side() !== 'root' || !where().startsWith(visited[0]?.split(':')[0] ?? '')) break;
    }
    for (const place of visited.slice(1).reverse()) {
      await travel(stepBack('over', 'statement'));
      expect(`${where()} ${machine.time()}`).toBe(place);
    }
    await travel(backToCall(1));
    expect(where()).not.toBe(visited[0]);
  });
});
