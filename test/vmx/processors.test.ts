// What the machine records of several processors in VMX operation; programs.test.ts runs the programs of test/vmx/processors.
import { describe, expect, it } from 'vitest';
import type { VmEntry, VmExit } from '../../src/machine/types.ts';
import { assembleSeveral, hasNasm, startProgram } from './hypervisors.ts';

const LIMIT = { limit: 20_000_000, entryFailures: false, vmFails: false };

describe.skipIf(!hasNasm())('hypervisors on several processors', () => {
  it('VM exits and entries are numbered over all processors and say which it was', () => {
    const { machine } = startProgram(assembleSeveral('guests.asm'), 32, undefined, 4);
    const exits: VmExit[] = [];
    const entries: VmEntry[] = [];
    machine.onTransition = (event) => void ('exit' in event ? exits.push(event.exit) : entries.push(event.entry));
    machine.run(LIMIT);
    expect(exits.map(({ number }) => number)).toEqual(exits.map((_, i) => i + 1));
    expect(entries.map(({ number }) => number)).toEqual(entries.map((_, i) => i + 1));
    // 200 CPUIDs and a VMCALL each; INIT and SIPI on 1; NMI and interrupt on 3.
    const counts = [0, 1, 2, 3].map((cpu) => exits.filter(({ processor }) => processor === cpu).length);
    expect(counts).toEqual([201, 203, 201, 203]);
    expect(exits.filter(({ reason }) => reason === 3 || reason === 4).map(({ processor }) => processor)).toEqual([
      1, 1,
    ]);
    machine.select(3);
    expect(machine.lastExit()).toMatchObject({ processor: 3, reason: 1 });
    expect(machine.exitCount()).toBe(exits.length);
  });
});
