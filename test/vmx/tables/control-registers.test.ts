// CR0 and CR4 guest/host masks at every bit, LMSW, CLTS and CR3-target values, against the rules of the SDM ("Changes to Instruction
// Behavior in VMX Non-Root Operation", "Guest/Host Masks and Read Shadows for CR0 and CR4", "Control Registers").
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm } from '../hypervisors.ts';
import { openStand, START_TIMEOUT, type Stand } from '../stand.ts';

const BITS = Array.from({ length: 64 }, (_, bit) => bit);
const BOTH = [0n, 1n] as const;
const REASON_CR = 28;
const REASON_VMCALL = 18;
const GP = { kind: 'event', vector: 13, error: 0, offset: 0 };
const CR3_LOAD = 1 << 15;

/** CR4 bits that the recent server has, and that a 64-bit guest may change. */
const CR4_FREE = new Set([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 16, 17, 18, 20, 21, 22, 24]);
/** What must keep its value: PAE and LA57 in IA-32e mode, VMXE in VMX operation. */
const CR4_HELD = new Set([5, 12, 13]);
/** CR0: PE, NE and PG must be 1 in VMX operation; NW without CD is not allowed. */
const CR0_ONE = new Set([0, 5, 31]);
const [ET, NW] = [4, 29] as const;
const CR0_KNOWN = 0xe005_003fn;

const bitOf = (value: bigint, bit: number): bigint => (value >> BigInt(bit)) & 1n;
const setTo = (value: bigint, bit: number, to: bigint): bigint => (value & ~(1n << BigInt(bit))) | (to << BigInt(bit));

describe.skipIf(!hasNasm())('control registers', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = openStand({
      'to cr0': 'mov cr0, rax\n vmcall',
      'to cr4': 'mov cr4, rax\n vmcall',
      'from cr0': 'mov rax, cr0\n vmcall',
      'from cr4': 'mov rax, cr4\n vmcall',
      lmsw: 'lmsw ax\n vmcall',
      smsw: 'smsw eax\n vmcall',
      clts: 'clts\n vmcall',
      'to cr3': 'mov cr3, rbx\n vmcall',
    });
  }, START_TIMEOUT);

  it.each([0, 4] as const)('CR%i: every bit written, with each mask, shadow and value', (register) => {
    const real = stand.field(`Guest CR${register}`);
    for (const bit of BITS)
      for (const mask of BOTH)
        for (const shadow of BOTH)
          for (const value of BOTH) {
            const outcome = stand.enter({
              at: `to cr${register}`,
              fields: {
                [`CR${register} guest/host mask`]: mask << BigInt(bit),
                [`CR${register} read shadow`]: shadow << BigInt(bit),
              },
              registers: { rax: setTo(real, bit, value) },
            });
            const name = `bit ${bit}, mask ${mask}, shadow ${shadow}, value ${value}`;
            if (mask === 1n && shadow !== value) {
              expect(outcome, name).toMatchObject({
                kind: 'exit',
                reason: REASON_CR,
                qualification: BigInt(register),
                length: 3,
                offset: 0,
              });
              expect(stand.field(`Guest CR${register}`), name).toBe(real);
              continue;
            }
            const wanted = mask === 1n ? real : setTo(real, bit, value);
            const faults =
              register === 0
                ? wanted >> 32n !== 0n || (CR0_ONE.has(bit) && bitOf(wanted, bit) === 0n) || bitOf(wanted, NW) === 1n
                : wanted !== real && !CR4_FREE.has(bit);
            if (faults) expect(outcome, name).toEqual(GP);
            else expect(outcome, name).toMatchObject({ kind: 'exit', reason: REASON_VMCALL });
            const kept = register === 0 ? (wanted & CR0_KNOWN) | (1n << BigInt(ET)) : wanted;
            expect(stand.field(`Guest CR${register}`), name).toBe(faults ? real : kept);
            if (register === 4 && faults) expect(CR4_HELD.has(bit) || !CR4_FREE.has(bit), name).toBe(true);
          }
  });

  it.each([0, 4] as const)('CR%i: every bit read, with each mask and shadow', (register) => {
    const real = stand.field(`Guest CR${register}`);
    for (const bit of BITS)
      for (const mask of BOTH)
        for (const shadow of BOTH) {
          const outcome = stand.enter({
            at: `from cr${register}`,
            fields: {
              [`CR${register} guest/host mask`]: mask << BigInt(bit),
              [`CR${register} read shadow`]: shadow << BigInt(bit),
            },
          });
          const name = `bit ${bit}, mask ${mask}, shadow ${shadow}`;
          expect(outcome, name).toMatchObject({ reason: REASON_VMCALL });
          expect(stand.machine.readRegister('rax'), name).toBe(mask === 1n ? setTo(real, bit, shadow) : real);
        }
  });

  it('LMSW: 4096 sources, masks and shadows; SMSW of them', () => {
    const real = stand.field('Guest CR0');
    for (let source = 0; source < 16; source += 1)
      for (let mask = 0; mask < 16; mask += 1)
        for (let shadow = 0; shadow < 16; shadow += 1) {
          const fields = { 'CR0 guest/host mask': mask, 'CR0 read shadow': shadow };
          const name = `source ${source}, mask ${mask}, shadow ${shadow}`;
          const outcome = stand.enter({ at: 'lmsw', fields, registers: { rax: source } });
          const exits = (mask & (source ^ shadow) & 0xe) !== 0 || (mask & source & ~shadow & 1) !== 0;
          if (exits) {
            expect(outcome, name).toMatchObject({
              reason: REASON_CR,
              qualification: BigInt((source << 16) | 0x30),
              length: 3,
            });
            continue;
          }
          expect(outcome, name).toMatchObject({ reason: REASON_VMCALL });
          // LMSW sets PE but never clears it.
          const settable = BigInt(0xe & ~mask);
          expect(stand.field('Guest CR0'), name).toBe((real & ~settable) | (BigInt(source) & settable));
          if (source !== 0) continue;
          stand.enter({ at: 'smsw', fields });
          expect(stand.machine.readRegister('rax'), name).toBe((real & ~BigInt(mask)) | BigInt(shadow & mask));
        }
  });

  it('CLTS: each mask, shadow and value of TS', () => {
    const cr0 = stand.field('Guest CR0') & ~8n;
    for (const mask of BOTH)
      for (const shadow of BOTH)
        for (const real of BOTH) {
          const outcome = stand.enter({
            at: 'clts',
            fields: {
              'CR0 guest/host mask': mask << 3n,
              'CR0 read shadow': shadow << 3n,
              'Guest CR0': cr0 | (real << 3n),
            },
          });
          const name = `mask ${mask}, shadow ${shadow}, TS ${real}`;
          if (mask === 1n && shadow === 1n)
            expect(outcome, name).toMatchObject({ reason: REASON_CR, qualification: 0x20n, length: 2 });
          else expect(outcome, name).toMatchObject({ reason: REASON_VMCALL });
          expect(stand.field('Guest CR0'), name).toBe(cr0 | (mask === 1n ? real << 3n : 0n));
        }
  });

  it('CR3-target values: only the first so many count', () => {
    const cr3 = stand.field('Guest CR3');
    for (let count = 0; count <= 4; count += 1)
      for (let at = 0; at < 5; at += 1) {
        const fields: Record<string, bigint | number> = {
          'Primary processor-based VM-execution controls': stand.with(
            'Primary processor-based VM-execution controls',
            CR3_LOAD,
          ),
          'CR3-target count': count,
        };
        for (let value = 0; value < 4; value += 1)
          fields[`CR3-target value ${value}`] = value === at ? cr3 : cr3 + 0x1000n * BigInt(value + 1);
        const outcome = stand.enter({ at: 'to cr3', fields, registers: { rbx: cr3 } });
        // The register in bits 11:8 is RBX.
        if (at < count) expect(outcome, `${at} of ${count}`).toMatchObject({ reason: REASON_VMCALL });
        else expect(outcome, `${at} of ${count}`).toMatchObject({ reason: REASON_CR, qualification: 0x303n });
      }
  });
});
