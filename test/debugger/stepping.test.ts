import { describe, expect, test } from 'vitest';
import { setFilters } from '../../src/debugger/exit-filters.ts';
import { setLineBreakpoints } from '../../src/debugger/breakpoints.ts';
import type { Granularity, StepKind } from '../../src/debugger/stepping.ts';
import { lineOf, PATH, toyAt } from './toy-program.ts';

const FAILURE = {
  instruction: 'VMLAUNCH' as const,
  hostRip: 0x1006n,
  outcome: { kind: 'vm-fail-valid' as const, error: 7 },
  checks: [],
};

interface Row {
  readonly title: string;
  readonly at: number;
  readonly kind: StepKind;
  readonly to: number;
  readonly side: 'root' | 'non-root';
}

/** DESIGN's table, both directions; each at both granularities (every toy instruction is a line). */
const TABLE: readonly Row[] = [
  { title: 'in: a plain instruction', at: 0x1000, kind: 'in', to: 0x1001, side: 'root' },
  { title: 'in: a call', at: 0x1001, kind: 'in', to: 0x1020, side: 'root' },
  { title: 'over: a call', at: 0x1001, kind: 'over', to: 0x1006, side: 'root' },
  { title: 'out: to the caller', at: 0x1020, kind: 'out', to: 0x1006, side: 'root' },
  { title: 'in: VMLAUNCH', at: 0x1006, kind: 'in', to: 0x2000, side: 'non-root' },
  { title: 'over: VMLAUNCH', at: 0x1006, kind: 'over', to: 0x1100, side: 'root' },
  { title: 'in: an instruction that exits', at: 0x2001, kind: 'in', to: 0x1100, side: 'root' },
  { title: 'over: an instruction that exits', at: 0x2001, kind: 'over', to: 0x2003, side: 'non-root' },
  { title: 'over: a call whose function exits', at: 0x2006, kind: 'over', to: 0x200b, side: 'non-root' },
  { title: 'out: a guest function that exits', at: 0x2020, kind: 'out', to: 0x200b, side: 'non-root' },
  { title: 'out: the guest, outermost frame', at: 0x2003, kind: 'out', to: 0x1100, side: 'root' },
  { title: 'out: the exit handler, outermost frame', at: 0x1100, kind: 'out', to: 0x2003, side: 'non-root' },
  { title: 'out: a function of the exit handler', at: 0x1120, kind: 'out', to: 0x1106, side: 'root' },
  { title: 'in: VMRESUME', at: 0x1106, kind: 'in', to: 0x2003, side: 'non-root' },
  { title: 'over: VMRESUME', at: 0x1106, kind: 'over', to: 0x1100, side: 'root' },
  { title: 'over: a jump to itself', at: 0x100a, kind: 'over', to: 0x100a, side: 'root' },
];

describe.each(['instruction', 'statement'] satisfies Granularity[])('steps by %s', (granularity) => {
  test.each(TABLE)('$title', async ({ at, kind, to, side }) => {
    const toy = await toyAt(at, at === 0x100a ? { failures: [FAILURE] } : {});
    if (at === 0x100a) {
      // Behind the failed VMLAUNCH.
      setFilters(toy.session.filters, []);
      await toy.until(() => toy.session.step('over', 'instruction'));
    }
    expect(toy.rip()).toBe(at);
    const cause = await toy.until(() => toy.session.step(kind, granularity));
    expect(cause.kind).toBe('step');
    expect({ rip: toy.rip().toString(16), side: toy.toy.side() }).toEqual({ rip: to.toString(16), side });
  });
});

describe('step over', () => {
  test('a repeated string instruction runs to its end', async () => {
    const toy = await toyAt(0x1023);
    toy.toy.registersOfToy.set('rcx', 5000n);
    await toy.until(() => toy.session.step('over', 'instruction'));
    expect(toy.rip()).toBe(0x1025);
    expect(toy.toy.readRegister('rcx')).toBe(0n);
  });

  test('an interrupt before the instruction is run through', async () => {
    const toy = await toyAt(0x2003);
    installGate(toy.toy.memory, 0x20, 0x2040);
    toy.toy.interrupt = { vector: 0x20, handler: 0x2040n };
    await toy.until(() => toy.session.step('over', 'instruction'));
    expect(toy.rip()).toBe(0x2006);
  });

  test('an exception handler is shown', async () => {
    const toy = await toyAt(0x2003);
    installGate(toy.toy.memory, 14, 0x2040);
    toy.toy.interrupt = { vector: 14, handler: 0x2040n };
    await toy.until(() => toy.session.step('over', 'instruction'));
    expect(toy.rip()).toBe(0x2040);
  });

  test('an interrupt that the hypervisor injects on the way back is run through', async () => {
    const toy = await toyAt(0x2001);
    installGate(toy.toy.memory, 0x20, 0x2040);
    toy.toy.writeVmcs(0x4016, 0x80000020n);
    await toy.until(() => toy.session.step('over', 'instruction'));
    expect(toy.rip()).toBe(0x2003);
  });

  test('an exception that the hypervisor injects is shown', async () => {
    const toy = await toyAt(0x2001);
    installGate(toy.toy.memory, 13, 0x2040);
    toy.toy.writeVmcs(0x4016, 0x8000030dn);
    await toy.until(() => toy.session.step('over', 'instruction'));
    expect(toy.rip()).toBe(0x2040);
  });

  test('a breakpoint in the handler is honoured meanwhile', async () => {
    const toy = await toyAt(0x2001);
    setLineBreakpoints(toy.session.breakpoints, toy.image, PATH, [{ line: lineOf(0x1120) }]);
    const cause = await toy.until(() => toy.session.step('over', 'instruction'));
    expect(cause.kind).toBe('breakpoint');
    expect(toy.rip()).toBe(0x1120);
  });

  test('an exit filter is honoured meanwhile', async () => {
    const toy = await toyAt(0x2001);
    setFilters(toy.session.filters, [{ id: 'exit-cpuid' }]);
    const cause = await toy.until(() => toy.session.step('over', 'instruction'));
    expect(cause.kind).toBe('vm-exit');
    expect(toy.rip()).toBe(0x1100);
  });
});

describe('a VM entry that fails', () => {
  test.each(['in', 'over'] satisfies StepKind[])(
    'step %s stops with the explanation at the next instruction',
    async (kind) => {
      const toy = await toyAt(0x1006, { failures: [FAILURE] });
      const cause = await toy.until(() => toy.session.step(kind, 'statement'));
      expect(cause).toMatchObject({ kind: 'entry-failure', failure: FAILURE });
      expect(toy.rip()).toBe(0x1009);
    },
  );

  test('with the filter off, a step over ends at the next instruction', async () => {
    const toy = await toyAt(0x1006, { failures: [FAILURE] });
    setFilters(toy.session.filters, []);
    const cause = await toy.until(() => toy.session.step('over', 'statement'));
    expect(cause.kind).toBe('step');
    expect(toy.rip()).toBe(0x1009);
  });
});

test('step in at VMRESUME with an injected event stops in its handler', async () => {
  const toy = await toyAt(0x1106);
  installGate(toy.toy.memory, 0x20, 0x2040);
  toy.toy.writeVmcs(0x4016, 0x80000020n);
  await toy.until(() => toy.session.step('in', 'instruction'));
  expect(toy.rip()).toBe(0x2040);
});

/** A 64-bit interrupt gate (SDM "64-Bit Mode IDT") in the toy's IDT at 6000H. */
function installGate(memory: Uint8Array, vector: number, handler: number): void {
  const at = 0x6000 + vector * 16;
  memory.set([handler & 0xff, handler >> 8, 8, 0, 0, 0x8e, 0, 0], at);
}
