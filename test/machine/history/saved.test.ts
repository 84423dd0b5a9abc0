// Snapshots as files: into the same machine, into another, and what does not fit.
import { describe, expect, it } from 'vitest';
import { packSnapshot, type Plain, unpackSnapshot } from '../../../src/machine/history/file.ts';
import type { SavedMachine } from '../../../src/machine/history/saved.ts';
import { assembleProgram, assembleText, hasNasm, startProgram } from '../../vmx/hypervisors.ts';

const PASS = { vmFails: false, entryFailures: false } as const;
const RAM = 8;

async function throughFile(saved: SavedMachine): Promise<SavedMachine> {
  return (await unpackSnapshot(await packSnapshot(saved as unknown as Plain))) as unknown as SavedMachine;
}

describe.skipIf(!hasNasm())('a saved machine', () => {
  it.each(['cpuid.asm', 'interrupts.asm', 'ept.asm', 'modes.asm'])(
    '%s: has the same future in another machine',
    async (name) => {
      const { machine } = startProgram(assembleProgram(name), RAM);
      machine.run({ ...PASS, limit: 2500 });
      const hash = machine.history.hash();
      const file = await throughFile(machine.history.save());
      expect(machine.history.hash()).toBe(hash);
      machine.run({ ...PASS, limit: 3000 });
      const later = machine.history.hash();
      // A machine that ran something else.
      const { machine: other } = startProgram(assembleText('turn: inc rax\nadd [0x600000], rax\njmp turn'), RAM);
      other.history.record(64 << 20);
      other.run({ limit: 5000 });
      expect(other.history.load(file)).toBeUndefined();
      expect(other.history.hash()).toBe(hash);
      other.run({ ...PASS, limit: 3000 });
      expect(other.history.hash()).toBe(later);
      // Its past begins at the loaded moment.
      other.history.goTo(other.history.first());
      expect(other.history.hash()).toBe(hash);
    },
  );

  it('goes back in its own machine', async () => {
    const { machine } = startProgram(assembleProgram('cpuid.asm'), RAM);
    machine.run({ ...PASS, limit: 2500 });
    const hash = machine.history.hash();
    const saved = machine.history.save();
    machine.run({ ...PASS, limit: 2500 });
    expect(machine.history.load(saved)).toBeUndefined();
    expect(machine.history.hash()).toBe(hash);
  });

  it('does not go into a machine that it does not fit', () => {
    const saved = startProgram(assembleText('hlt'), RAM).machine.history.save();
    const { machine } = startProgram(assembleText('hlt'), 16);
    expect(machine.history.load(saved)).toMatch(/8 MiB of memory; this one has 16 MiB/);
    expect(machine.history.load({ ...saved, layout: '0' })).toMatch(/another version/);
    expect(machine.history.load({ ...saved, ramSize: 16 << 20, profile: 'other' })).toMatch(/profile "other"/);
  });
});

describe('files', () => {
  it.each([
    [new TextEncoder().encode('something else entirely'), /not a snapshot/],
    [new TextEncoder().encode('Ringside snapshot 9\nxxxx'), /format 9/],
    [new TextEncoder().encode('Ringside snapshot 1\nxxxx'), /damaged/],
    [new Uint8Array(0), /not a snapshot/],
  ])('%# is refused by name', async (bytes, message) => {
    await expect(unpackSnapshot(bytes)).rejects.toThrow(message);
  });

  it('keep every kind of data, and a damaged one is told', async () => {
    const value: Plain = {
      text: 'a',
      none: null,
      list: [1, true],
      never: Number.POSITIVE_INFINITY,
      bytes: Uint8Array.of(1, 2, 3),
      words: Uint32Array.of(0xffffffff, 7),
      numbers: Float64Array.of(0.5),
      map: new Map([[7, Uint8Array.of(9)]]),
    };
    const file = await packSnapshot(value);
    expect(await unpackSnapshot(file)).toEqual(value);
    await expect(unpackSnapshot(file.subarray(0, file.length - 12))).rejects.toThrow(/damaged/);
  });
});
