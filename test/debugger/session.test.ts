import { describe, expect, test } from 'vitest';
import {
  setFunctionBreakpoints,
  setInstructionBreakpoints,
  setLineBreakpoints,
} from '../../src/debugger/breakpoints.ts';
import { setFilters } from '../../src/debugger/exit-filters.ts';
import { lineOf, PATH, toyAt, toySession } from './toy-program.ts';

describe('breakpoints', () => {
  test('a line without code moves to the next that has', () => {
    const toy = toySession();
    const [first, beyond] = setLineBreakpoints(toy.session.breakpoints, toy.image, PATH, [
      { line: lineOf(0x2000) },
      { line: 999 },
    ]);
    expect(first).toMatchObject({ verified: true, line: lineOf(0x2000), addresses: [0x2000n] });
    expect(beyond).toMatchObject({ verified: false, message: 'No code comes from this line or from one after it.' });
  });

  test('a file that is not of the program says so', () => {
    const toy = toySession();
    const [row] = setLineBreakpoints(toy.session.breakpoints, toy.image, '/elsewhere/other.c', [{ line: 1 }]);
    expect(row?.verified).toBe(false);
    expect(row?.message).toContain('no code from this file');
  });

  test('labels, addresses and unknown names', () => {
    const toy = toySession();
    const rows = setFunctionBreakpoints(toy.session.breakpoints, toy.image, [
      { name: 'handler' },
      { name: '0x2003' },
      { name: 'nobody' },
    ]);
    expect(rows.map((row) => [row.verified, row.addresses])).toEqual([
      [true, [0x1100n]],
      [true, [0x2003n]],
      [false, []],
    ]);
  });

  test.each([
    { hitCondition: '>= 3', exits: 3 },
    { hitCondition: '3', exits: 3 },
    { hitCondition: '% 2', exits: 2 },
    { hitCondition: '== 4', exits: 4 },
  ])('hit count $hitCondition', async ({ hitCondition, exits }) => {
    const toy = toySession();
    await toy.until(() => toy.session.start());
    setLineBreakpoints(toy.session.breakpoints, toy.image, PATH, [{ line: lineOf(0x1100), hitCondition }]);
    const cause = await toy.until(() => toy.session.continue());
    expect(cause.kind).toBe('breakpoint');
    expect(toy.toy.exitCount()).toBe(exits);
  });

  test('a condition chooses one of several arrivals', async () => {
    const toy = toySession();
    await toy.until(() => toy.session.start());
    setInstructionBreakpoints(toy.session.breakpoints, toy.image, [
      { address: 0x1100n, text: '', condition: 'exit.reason == VMCALL && GUEST_RIP == 0x200b' },
    ]);
    await toy.until(() => toy.session.continue());
    expect(toy.rip()).toBe(0x1100);
    expect(toy.toy.lastExit()?.guestRip).toBe(0x200bn);
  });

  test('a logpoint prints and runs on', async () => {
    const toy = toySession();
    await toy.until(() => toy.session.start());
    setFunctionBreakpoints(toy.session.breakpoints, toy.image, [
      { name: 'handler', logMessage: 'exit {exit.number}: {exit.reason} at {exit.rip}, {{braces}}, {nonsense}' },
    ]);
    setInstructionBreakpoints(toy.session.breakpoints, toy.image, [
      { address: 0x1100n, text: '', hitCondition: '== 2' },
    ]);
    await toy.until(() => toy.session.continue());
    expect(toy.logs).toHaveLength(2);
    expect(toy.logs[0]).toBe(
      'exit 0x1: 0xa (CPUID) at 0x2001, {braces}, {nonsense: `nonsense` is not a register, VMCS field, MSR, exit reason or symbol of the program. (at column 1)}',
    );
  });

  test('a condition that cannot be evaluated stops and says why', async () => {
    const toy = toySession();
    await toy.until(() => toy.session.start());
    setFunctionBreakpoints(toy.session.breakpoints, toy.image, [
      { name: 'guest', condition: 'dword[0x99999999] == 1' },
    ]);
    const cause = await toy.until(() => toy.session.continue());
    expect(cause).toMatchObject({ kind: 'breakpoint', errors: [expect.stringContaining('not present')] });
  });

  test('a wrong condition is not verified', () => {
    const toy = toySession();
    const rows = setFunctionBreakpoints(toy.session.breakpoints, toy.image, [
      { name: 'guest', condition: 'rax ==' },
      { name: 'guest', hitCondition: 'often' },
      { name: 'guest', logMessage: 'open {rax' },
    ]);
    expect(rows.map((row) => row.verified)).toEqual([false, false, false]);
    expect(rows[0]?.message).toBe('Condition: The expression ends where a value should follow. (at column 7)');
  });

  test('running on from a breakpoint does not stop there again at once', async () => {
    const toy = await toyAt(0x1100);
    setFunctionBreakpoints(toy.session.breakpoints, toy.image, [{ name: 'handler' }]);
    const before = toy.toy.exitCount();
    await toy.until(() => toy.session.continue());
    expect(toy.toy.exitCount()).toBe(before + 1);
  });
});

describe('exit filters', () => {
  test.each([
    { id: 'any-exit', condition: undefined, rip: 0x2001, exits: 1 },
    { id: 'exit-hypercalls', condition: undefined, rip: 0x200b, exits: 3 },
    { id: 'exit-idle', condition: undefined, rip: 0x200e, exits: 4 },
    { id: 'by-reason', condition: 'HLT, VMCALL', rip: 0x200b, exits: 3 },
    { id: 'by-reason', condition: 'hlt vmcall', rip: 0x200b, exits: 3 },
    { id: 'by-reason', condition: 'rbx == 0', rip: 0x2001, exits: 1 },
    { id: 'by-reason', condition: 'CPUID if hits >= 2', rip: 0x2020, exits: 2 },
    { id: 'by-reason', condition: 'exit.reason == CPUID && exit.rip == 0x2020', rip: 0x2020, exits: 2 },
    { id: 'exit-cpuid', condition: 'rax == 4', rip: 0x2020, exits: 10 },
  ])('$id, $condition', async ({ id, condition, rip, exits }) => {
    const toy = toySession();
    await toy.until(() => toy.session.start());
    expect(setFilters(toy.session.filters, [{ id, condition }])).toEqual([{ verified: true }]);
    const cause = await toy.until(() => toy.session.continue());
    expect(cause.kind).toBe('vm-exit');
    expect(toy.rip()).toBe(0x1100);
    expect(toy.toy.lastExit()?.guestRip).toBe(BigInt(rip));
    expect(toy.toy.exitCount()).toBe(exits);
  });

  test.each([
    { id: 'by-reason', condition: '', message: 'Name the exit reasons' },
    { id: 'by-reason', condition: 'EPT', message: 'Did you mean EPT_VIOLATION' },
    { id: 'by-reason', condition: 'CPUID, EPT', message: '"EPT" is not an exit reason' },
    { id: 'by-reason', condition: 'CPUID if rax ==', message: 'Condition after "if"' },
    { id: 'any-exit', condition: 'rax = = 1', message: 'Condition:' },
    { id: 'no-such-filter', condition: undefined, message: 'There is no filter' },
  ])('refuses $id with "$condition"', ({ id, condition, message }) => {
    const toy = toySession();
    const [answer] = setFilters(toy.session.filters, [{ id, condition }]);
    expect(answer?.verified).toBe(false);
    expect(answer?.message).toContain(message);
  });

  test('a condition that names reasons lets the machine pass over all others', async () => {
    const toy = toySession();
    setFilters(toy.session.filters, [
      { id: 'by-reason', condition: 'exit.reason == HLT || (exit.reason == VMCALL && rbx == 1)' },
    ]);
    const table = toy.session.filters.exitReasons;
    expect(table === undefined ? [] : [...table].flatMap((on, reason) => (on ? [reason] : []))).toEqual([12, 18]);
  });

  test('the first VM exit stops once', async () => {
    const toy = toySession({ stopOnEntry: false, stopOnFirstVmExit: true });
    const first = await toy.until(() => toy.session.start());
    expect(first).toMatchObject({ kind: 'vm-exit', exit: { number: 1 } });
    setFilters(toy.session.filters, [{ id: 'exit-idle' }]);
    const second = await toy.until(() => toy.session.continue());
    expect(second).toMatchObject({ kind: 'vm-exit', exit: { number: 4 } });
  });

  test('VM entries', async () => {
    const toy = toySession();
    await toy.until(() => toy.session.start());
    setFilters(toy.session.filters, [{ id: 'any-entry', condition: 'hits == 2' }]);
    const cause = await toy.until(() => toy.session.continue());
    expect(cause).toMatchObject({ kind: 'vm-entry', entry: { number: 2 } });
    expect(toy.rip()).toBe(0x2003);
  });
});

describe('running', () => {
  test('pause stops an endless loop within 100 ms', async () => {
    const toy = await toyAt(0x1000);
    toy.toy.registersOfToy.set('rip', 0x100an);
    const stopping = toy.until(() => toy.session.continue());
    await new Promise((resolve) => setTimeout(resolve, 50));
    const asked = performance.now();
    toy.session.pause();
    expect((await stopping).kind).toBe('pause');
    expect(performance.now() - asked).toBeLessThan(100);
  });

  test('requests out of turn are refused', async () => {
    const toy = toySession();
    expect(toy.session.continue()).toBe(false);
    expect(toy.session.step('in', 'instruction')).toBe(false);
    await toy.until(() => toy.session.start());
    expect(toy.session.state).toBe('stopped');
  });

  test('an exception of the machine ends in a stop, not in a dead session', async () => {
    const toy = await toyAt(0x1000);
    const { step } = toy.toy;
    toy.toy.step = () => {
      throw new Error('broken');
    };
    const cause = await toy.until(() => toy.session.step('in', 'instruction'));
    expect(cause).toMatchObject({ kind: 'internal-error', explanation: expect.stringContaining('broken') });
    toy.toy.step = step;
    expect((await toy.until(() => toy.session.step('in', 'instruction'))).kind).toBe('step');
  });
});
