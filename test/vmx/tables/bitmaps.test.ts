// I/O and MSR bitmaps at their edges, and the page-fault error-code mask and match, against the rules of the SDM ("I/O-Bitmap
// Addresses", "MSR-Bitmap Address", "Instructions That Cause VM Exits Conditionally", "Exception Bitmap").
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm } from '../hypervisors.ts';
import { openStand, START_TIMEOUT, type Outcome, type Stand, TABLES, USER_MODE, userTables } from '../stand.ts';

const BITMAPS = 0x20_4000; // of hypervisor.inc: I/O A and B, MSR
const PRIMARY = 'Primary processor-based VM-execution controls';
const UNCONDITIONAL_IO = 1 << 24;
const IO_BITMAPS = 1 << 25;
const MSR_BITMAPS = 1 << 28;
const SIZES = [1, 2, 4] as const;
const REGISTERS = { 1: 'al', 2: 'ax', 4: 'eax' } as const;

const exited = (outcome: Outcome, reason: number): boolean => outcome.kind === 'exit' && outcome.reason === reason;

describe.skipIf(!hasNasm())('bitmaps', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = openStand({
      ...Object.fromEntries(SIZES.map((size) => [`in ${size}`, `in ${REGISTERS[size]}, dx\n vmcall`])),
      ...Object.fromEntries(SIZES.map((size) => [`out ${size}`, `out dx, ${REGISTERS[size]}\n vmcall`])),
      'rep outsw': 'rep outsw\n vmcall',
      'rep insb': 'rep insb\n vmcall',
      'in immediate': 'in al, 0x61\n vmcall',
      rdmsr: 'rdmsr\n vmcall',
      wrmsr: 'wrmsr\n vmcall',
      read: 'mov al, [rbx]\n vmcall',
      write: 'mov [rbx], al\n vmcall',
      fetch: 'jmp rbx',
    });
    userTables(stand);
  }, START_TIMEOUT);

  it('I/O: each size at the edges of both bitmaps and of the port space', () => {
    let checks = 0;
    for (const size of SIZES)
      for (const port of [
        0, 1, 2, 5, 6, 7, 0x7ffc, 0x7ffd, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffc, 0xfffd, 0xfffe, 0xffff,
      ])
        for (let distance = -1; distance <= 4; distance += 1)
          for (const direction of ['in', 'out'] as const) {
            const marked = port + distance;
            stand.zero(BITMAPS, 0x2000);
            if (marked >= 0 && marked < 0x10000) stand.write(BITMAPS + (marked >> 3), 1n << BigInt(marked & 7), 1);
            const outcome = stand.enter({
              at: `${direction} ${size}`,
              fields: { [PRIMARY]: stand.with(PRIMARY, IO_BITMAPS) },
              registers: { rdx: port },
            });
            const covered = distance >= 0 && distance < size && marked < 0x10000;
            const wraps = port + size > 0x10000;
            const name = `${direction} of ${size} at ${port.toString(16)}, bit of ${marked.toString(16)}`;
            expect(exited(outcome, 30), name).toBe(covered || wraps);
            if (outcome.kind === 'exit' && outcome.reason === 30)
              expect(outcome.qualification, name).toBe(
                BigInt((port << 16) | (size - 1) | (direction === 'in' ? 8 : 0)) & 0xffff_ffffn,
              );
            else expect(exited(outcome, 18), name).toBe(true);
            checks += 1;
          }
    expect(checks).toBe(576);
  });

  it('I/O: with bitmaps, “unconditional I/O exiting” counts for nothing', () => {
    stand.zero(BITMAPS, 0x2000);
    for (const [controls, exits] of [
      [0, false],
      [UNCONDITIONAL_IO, true],
      [IO_BITMAPS, false],
      [UNCONDITIONAL_IO | IO_BITMAPS, false],
    ] as const)
      for (const at of ['in 1', 'out 4', 'rep outsw', 'in immediate']) {
        const outcome = stand.enter({
          at,
          fields: { [PRIMARY]: stand.with(PRIMARY, controls) },
          registers: { rdx: 0x8000, rcx: 2, rsi: 0x26_0000 },
        });
        expect(exited(outcome, 30), `${at}, ${controls}`).toBe(exits);
      }
  });

  it('string I/O: no iterations, no exit; the exit comes before faults of the memory operand', () => {
    const fields = { [PRIMARY]: stand.with(PRIMARY, UNCONDITIONAL_IO) };
    const notCanonical = 0x8000_0000_0000_0000n;
    for (const [at, flags] of [
      ['rep outsw', 0x31],
      ['rep insb', 0x38],
    ] as const) {
      const registers = { rdx: 0x8000, rsi: notCanonical, rdi: notCanonical };
      expect(exited(stand.enter({ at, fields, registers: { ...registers, rcx: 0 } }), 18)).toBe(true);
      expect(stand.enter({ at, fields, registers: { ...registers, rcx: 5 } })).toMatchObject({
        kind: 'exit',
        reason: 30,
        qualification: BigInt(0x8000_0000) | BigInt(flags),
      });
      expect(stand.field('I/O RCX')).toBe(5n);
    }
  });

  it('MSR: both bitmaps at their edges, and indices outside them', () => {
    for (const index of [
      0, 1, 7, 8, 0x10, 0x1ffe, 0x1fff, 0x2000, 0x4000_0000, 0xbfff_ffff, 0xc000_0000, 0xc000_0080, 0xc000_1fff,
      0xc000_2000, 0xffff_ffff,
    ])
      for (const at of ['rdmsr', 'wrmsr'] as const)
        for (const mark of ['none', 'own', 'other direction', 'neighbour', 'all but own'] as const) {
          const high = index >= 0xc000_0000;
          const inside = (high ? index - 0xc000_0000 : index) < 0x2000;
          const base = (direction: string) =>
            BITMAPS + 0x2000 + (direction === 'wrmsr' ? 0x800 : 0) + (high ? 0x400 : 0);
          const own = base(at) + ((index & 0x1fff) >> 3);
          const bit = 1n << BigInt(index & 7);
          stand.zero(BITMAPS + 0x2000, 0x1000);
          if (mark === 'all but own') {
            stand.machine.pokePhysical(BigInt(BITMAPS + 0x2000), new Uint8Array(0x1000).fill(0xff));
            stand.write(own, 0xffn & ~bit, 1);
          } else if (mark === 'own') stand.write(own, bit, 1);
          else if (mark === 'neighbour') stand.write(own, 0xffn & ~bit, 1);
          else if (mark === 'other direction')
            stand.write(base(at === 'rdmsr' ? 'wrmsr' : 'rdmsr') + ((index & 0x1fff) >> 3), bit, 1);
          const outcome = stand.enter({
            at,
            fields: { [PRIMARY]: stand.with(PRIMARY, MSR_BITMAPS) },
            // A value that no MSR of the list takes: WRMSR that does not exit is #GP, so that nothing changes.
            registers: { rcx: index, rax: 0xffff_ffff, rdx: 0xffff_ffff },
          });
          const name = `${at} of ${index.toString(16)}, ${mark}`;
          if (at === 'wrmsr' && index === 0x10 && mark !== 'own') continue; // the time-stamp counter takes any value
          expect(exited(outcome, at === 'rdmsr' ? 31 : 32), name).toBe(!inside || mark === 'own');
        }
  });

  it('#PF: error codes with mask, match and bit 14 of the exception bitmap', () => {
    const place = 0x1000_0000; // 256 MBytes: an entry of its own, beyond RAM
    const entry = TABLES + 0x2000 + 8 * (place >> 21);
    const codes = new Set<number>();
    const interesting = [0, 1, 2, 4, 8, 16, 5, 31, 0xffff_ffff];
    for (const [leaf, bits] of [
      [0n, 0],
      [0xe5n | 1n, 1], // user, read-only
      [0xe3n, 1], // supervisor
      [0x1_00e7n, 9], // reserved bit 16 of a 2-MByte page
      [(1n << 63n) | 0xe7n, 1], // execute-disabled
    ] as const)
      for (const at of ['read', 'write', 'fetch'] as const)
        for (const user of [false, true]) {
          const present = (leaf & 1n) !== 0n && bits === 1;
          const writable = (leaf & 2n) !== 0n;
          const userPage = (leaf & 4n) !== 0n;
          const disabled = leaf >> 63n !== 0n;
          const denied = (user && !userPage) || (at === 'write' && !writable) || (at === 'fetch' && disabled);
          if (present && !denied) continue;
          const code = bits | (at === 'write' ? 2 : 0) | (user ? 4 : 0) | (at === 'fetch' ? 16 : 0);
          codes.add(code);
          for (const mask of interesting)
            for (const match of interesting)
              for (const bitmap of [0, 1 << 14]) {
                const outcome = stand.enter({
                  at,
                  fields: {
                    ...(user ? USER_MODE : { 'Guest CR3': TABLES }),
                    'Guest CR0': stand.with('Guest CR0', 1 << 16), // WP
                    'VM-entry controls': stand.with('VM-entry controls', 1 << 15),
                    'Guest IA32_EFER': 0xd00,
                    'Exception bitmap': bitmap,
                    'Page-fault error-code mask': mask,
                    'Page-fault error-code match': match,
                  },
                  registers: { rbx: place },
                  before: () => stand.write(entry, leaf === 0n ? 0n : leaf | BigInt(place)),
                });
                const matches = (code & mask) >>> 0 === match;
                const name = `error ${code}, mask ${mask}, match ${match}, bitmap ${bitmap}`;
                if (matches === (bitmap !== 0))
                  expect(outcome, name).toMatchObject({
                    kind: 'exit',
                    reason: 0,
                    interruption: 0x8000_0b0e,
                    error: code,
                    qualification: BigInt(place),
                  });
                else expect(outcome, name).toMatchObject({ kind: 'event', vector: 14, error: code });
              }
        }
    expect([...codes].sort((a, b) => a - b)).toEqual([0, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 16, 17, 20, 21, 25, 29]);
  });
});
