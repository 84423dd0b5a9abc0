// Virtual NMIs, the TPR shadow and the VMREAD and VMWRITE bitmaps in full (SDM "Virtual NMIs", "VM Exits Induced by the TPR
// Threshold", "TPR Virtualization", "VMCS Shadowing Bitmap Addresses").
import { beforeAll, describe, expect, it } from 'vitest';
import { VMCS_FIELD_LIST } from '../../../src/spec/vmcs-fields.ts';
import { hasNasm } from '../hypervisors.ts';
import { DATA, openStand, START_TIMEOUT, type Stand } from '../stand.ts';

const PIN = 'Pin-based VM-execution controls';
const PRIMARY = 'Primary processor-based VM-execution controls';
const SECONDARY = 'Secondary processor-based VM-execution controls';
const INTERRUPTIBILITY = 'Guest interruptibility state';
const [NMI_EXITING, VIRTUAL_NMIS] = [8, 0x20] as const;
const BLOCKED = 8;
const NMI_EXIT = { kind: 'exit', reason: 0, interruption: 0x8000_0202 } as const;
const BOTH = [false, true] as const;
const [READ_BITMAP, WRITE_BITMAP, SHADOW] = [DATA + 0x1000, DATA + 0x2000, DATA + 0x3000] as const;

describe.skipIf(!hasNasm())('virtual events', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = openStand({
      nmi: 'mov edx, 0xfee00300\n mov dword [rdx], 0x40400\n.after: nop\n cpuid',
      iret: `mov rax, rsp
        push 0x10\n push rax\n push 2\n push 8
        lea rax, [rel .after]\n push rax\n iretq
        .after: nop\n cpuid`,
      'iret faults': 'mov rsp, rbx\n iretq',
      cr8: 'mov cr8, rax\n mov rbx, cr8\n vmcall',
      vmread: 'vmread rax, rbx\n cpuid',
      vmwrite: 'vmwrite rbx, rax\n cpuid',
    });
  }, START_TIMEOUT);

  it('NMIs that come while a guest runs, with each pair of controls and blocking', () => {
    for (const pin of [0, NMI_EXITING, NMI_EXITING | VIRTUAL_NMIS])
      for (const blocking of [0, BLOCKED]) {
        const outcome = stand.enter({
          at: 'nmi',
          fields: { [PIN]: stand.with(PIN, pin), [INTERRUPTIBILITY]: blocking },
        });
        const name = `controls ${pin}, blocking ${blocking}`;
        // Blocking by virtual NMI does not hold back a real one.
        const blocked = blocking !== 0 && pin !== (NMI_EXITING | VIRTUAL_NMIS);
        if (blocked) {
          expect(outcome, name).toMatchObject({ kind: 'exit', reason: 10 });
          // It is still pending, and exits as soon as nothing blocks it.
          const later = stand.enter({ at: 'iret', fields: { [PIN]: stand.with(PIN, NMI_EXITING | VIRTUAL_NMIS) } });
          expect(later, name).toMatchObject({ ...NMI_EXIT, offset: 0 });
        } else if (pin === 0) {
          expect(outcome, name).toMatchObject({ kind: 'event', vector: 2 });
          expect(stand.field(INTERRUPTIBILITY), name).toBe(BigInt(BLOCKED)); // until IRET
        } else {
          expect(outcome, name).toMatchObject(NMI_EXIT);
          expect(stand.field(INTERRUPTIBILITY), name).toBe(BigInt(blocking));
        }
      }
  });

  it('IRET and blocking: it ends that of the guest, but with NMI exiting alone it ends nothing', () => {
    for (const pin of [0, NMI_EXITING, NMI_EXITING | VIRTUAL_NMIS])
      for (const blocking of [0, BLOCKED]) {
        const fields = { [PIN]: stand.with(PIN, pin), [INTERRUPTIBILITY]: blocking };
        const name = `controls ${pin}, blocking ${blocking}`;
        expect(stand.enter({ at: 'iret', fields }), name).toMatchObject({ kind: 'exit', reason: 10 });
        const kept = pin === NMI_EXITING ? blocking : 0;
        expect(stand.field(INTERRUPTIBILITY), name).toBe(BigInt(kept));
        // A fault of IRET: blocking has ended, and the VM exit says so in bit 12, but not when the exit is due to a double fault.
        const faulted = stand.enter({
          at: 'iret faults',
          fields: { ...fields, 'Exception bitmap': 1 << 12 },
          registers: { rbx: 0x8000_0000_0000_0000n },
        });
        const unblocked = blocking !== 0 && pin !== NMI_EXITING;
        expect(faulted, name).toMatchObject({
          kind: 'exit',
          reason: 0,
          interruption: 0x8000_0b0c + (unblocked ? 0x1000 : 0),
        });
        expect(stand.field(INTERRUPTIBILITY), name).toBe(BigInt(kept));
      }
  });

  it('an injected NMI blocks, and with virtual NMIs opens no window until IRET', () => {
    for (const pin of [0, NMI_EXITING | VIRTUAL_NMIS]) {
      const fields = {
        [PIN]: stand.with(PIN, pin),
        'VM-entry interruption-information field': 0x8000_0202,
        [PRIMARY]: stand.with(PRIMARY, pin === 0 ? 0 : 1 << 22),
      };
      expect(stand.enter({ at: 'nmi', fields })).toMatchObject({ kind: 'event', vector: 2 });
      expect(stand.field(INTERRUPTIBILITY)).toBe(BigInt(BLOCKED));
    }
  });

  it('TPR shadow: each priority against each threshold, by MOV to CR8 and at VM entry', () => {
    const shadow = { [PRIMARY]: stand.with(PRIMARY, 2 ** 21 + 2 ** 31), 'Virtual-APIC address': DATA };
    for (let threshold = 0; threshold < 16; threshold += 1)
      for (let priority = 0; priority < 16; priority += 1) {
        const name = `priority ${priority}, threshold ${threshold}`;
        const below = priority < threshold;
        const moved = stand.enter({
          at: 'cr8',
          fields: { ...shadow, 'TPR threshold': threshold },
          registers: { rax: priority },
          before: () => stand.write(DATA + 0x80, 0xf0n, 4),
        });
        // Trap-like: after MOV, four bytes.
        expect(moved, name).toMatchObject(below ? { reason: 43, offset: 4, qualification: 0n } : { reason: 18 });
        expect(stand.read(DATA + 0x80, 4), name).toBe(BigInt(priority << 4));
        if (!below) expect(stand.machine.readRegister('rbx'), name).toBe(BigInt(priority));
        for (const virtualized of BOTH) {
          const entered = stand.enter({
            at: 'cr8',
            fields: {
              ...shadow,
              'TPR threshold': threshold,
              [SECONDARY]: virtualized ? 1 : 0,
              'APIC-access address': DATA + 0x4000,
            },
            registers: { rax: 15 },
            before: () => stand.write(DATA + 0x80, BigInt(priority << 4) | 0xfn, 4),
          });
          const expected = !below
            ? { kind: 'exit', reason: 18 }
            : virtualized
              ? { kind: 'exit', reason: 43, offset: 0 }
              : { kind: 'vm-fail', error: 7 };
          expect(entered, `${name}, APIC accesses ${virtualized}`).toMatchObject(expected);
        }
      }
    for (const priority of [16, 0x100, 0x8000_0000_0000_0000n])
      expect(stand.enter({ at: 'cr8', fields: shadow, registers: { rax: priority } })).toMatchObject({
        kind: 'event',
        vector: 13,
      });
  });

  it('VMCS shadowing: the bit of every field, and encodings beyond the bitmaps', () => {
    const revision = stand.read(0x20_1000, 4);
    const fields = {
      [PRIMARY]: stand.with(PRIMARY, 2 ** 31),
      [SECONDARY]: 1 << 14,
      'VMREAD-bitmap address': READ_BITMAP,
      'VMWRITE-bitmap address': WRITE_BITMAP,
      'VMCS link pointer': SHADOW,
    } as const;
    stand.zero(SHADOW, 0x1000);
    stand.write(SHADOW, revision | 0x8000_0000n, 4);
    const encodings = [...VMCS_FIELD_LIST.map(({ encoding }) => encoding), 0x7ffe, 0x7fff, 0x1fff];
    for (const encoding of encodings)
      for (const at of ['vmread', 'vmwrite'] as const)
        for (const marked of BOTH) {
          const own = at === 'vmread' ? READ_BITMAP : WRITE_BITMAP;
          stand.zero(READ_BITMAP, 0x2000);
          // The other bitmap, and the neighbours, do not matter.
          stand.machine.pokePhysical(
            BigInt(own === READ_BITMAP ? WRITE_BITMAP : READ_BITMAP),
            new Uint8Array(0x1000).fill(0xff),
          );
          const bit = 1n << BigInt(encoding & 7);
          stand.write(own + (encoding >> 3), marked ? bit : 0xffn & ~bit, 1);
          const outcome = stand.enter({ at, fields, registers: { rbx: encoding } });
          expect(outcome, `${at} of ${encoding.toString(16)}, ${marked}`).toMatchObject({
            kind: 'exit',
            reason: marked ? (at === 'vmread' ? 23 : 25) : 10,
            // RAX with RBX: Reg1 is RAX, Reg2 (the encoding) RBX.
          });
        }
    stand.zero(READ_BITMAP, 0x2000);
    for (let bit = 15; bit < 64; bit += 1)
      for (const at of ['vmread', 'vmwrite'] as const)
        expect(stand.enter({ at, fields, registers: { rbx: 1n << BigInt(bit) } }), `${at}, bit ${bit}`).toMatchObject({
          reason: at === 'vmread' ? 23 : 25,
        });
  });
});
