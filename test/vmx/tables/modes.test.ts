// VM entries into every mode of a guest, by CR0, CR4, the "IA-32e mode guest" control and CS, with and without "unrestricted guest":
// which enter, and whether the guest then runs 16-bit, 32-bit or 64-bit code (SDM "Checks on Guest Control Registers, Debug Registers,
// and MSRs", "Checks on Guest Segment Registers"). Then PAE paging: where the PDPTEs come from.
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm } from '../hypervisors.ts';
import { EPT, openStand, START_TIMEOUT, type Stand, TABLES, userTables } from '../stand.ts';

const ENTRY = 'VM-entry controls';
const PRIMARY = 'Primary processor-based VM-execution controls';
const SECONDARY = 'Secondary processor-based VM-execution controls';
const [PE, PG] = [1n, 1n << 31n] as const;
const [PSE, PAE] = [1n << 4n, 1n << 5n] as const;
const IA32E = 1n << 9n;
const [EPT_AND_UNRESTRICTED, EPT_ONLY] = [0x82, 2] as const;
const BOTH = [false, true] as const;
const DIRECTORY_32 = TABLES + 0x3000;
const POINTERS = TABLES + 0x4000;

describe.skipIf(!hasNasm())('modes of a guest', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = openStand({
      // INC EAX, INC AX, or a REX prefix: FFFFH becomes 10000H, 0, or stays.
      which: 'db 0x40\n nop\n vmcall',
      'to cr3': 'bits 32\n mov cr3, eax\n vmcall\n bits 64',
    });
    userTables(stand);
    for (let page = 0; page < 4; page += 1) {
      stand.write(DIRECTORY_32 + 4 * page, BigInt(page << 22) | 0xe7n, 4);
      stand.write(POINTERS + 8 * page, page === 0 ? BigInt(TABLES + 0x2000) | 1n : 0n);
    }
    stand.write(EPT, BigInt(EPT + 0x1000) | 7n);
    stand.write(EPT + 0x1000, 0xb7n); // the first GByte as it is
  }, START_TIMEOUT);

  it('192 combinations', () => {
    const cr0 = stand.field('Guest CR0') & ~(PE | PG);
    const cr4 = stand.field('Guest CR4') & ~PAE;
    const entry = stand.field(ENTRY) & ~IA32E;
    const seen = new Map<string, number>();
    for (const unrestricted of BOTH)
      for (const ept of BOTH)
        for (const ia32e of BOTH)
          for (const protection of BOTH)
            for (const paging of BOTH)
              for (const pae of BOTH)
                for (const long of BOTH)
                  for (const big of BOTH) {
                    if (unrestricted && !ept) continue; // not allowed: a check of the controls
                    const start = stand.addressOf('which');
                    const code64 = ia32e && long;
                    const cr3 = !pae ? DIRECTORY_32 : ia32e ? TABLES : POINTERS;
                    const outcome = stand.enter({
                      at: 'which',
                      fields: {
                        [ENTRY]: entry | (ia32e ? IA32E : 0n),
                        [PRIMARY]: stand.with(PRIMARY, ept ? 2 ** 31 : 0),
                        [SECONDARY]: unrestricted ? EPT_AND_UNRESTRICTED : ept ? EPT_ONLY : 0,
                        'EPT pointer (EPTP)': EPT | 0x1e,
                        'Guest CR0': cr0 | (protection ? PE : 0n) | (paging ? PG : 0n),
                        'Guest CR3': cr3,
                        'Guest CR4': cr4 | PSE | (pae ? PAE : 0n),
                        'Guest PDPTE0': BigInt(TABLES + 0x2000) | 1n,
                        'Guest CS access rights': 0x809b | (long ? 0x2000 : 0) | (big ? 0x4000 : 0),
                        'Guest CS base': code64 ? 0 : start,
                        'Guest RIP': code64 ? start : 0,
                      },
                      registers: { rax: 0xffff },
                    });
                    const name = JSON.stringify({ unrestricted, ept, ia32e, protection, paging, pae, long, big });
                    const enters =
                      (unrestricted || (protection && paging)) &&
                      (!paging || protection) &&
                      (!ia32e || (paging && pae)) &&
                      !(ia32e && long && big);
                    if (!enters) {
                      expect(outcome, name).toMatchObject({ kind: 'failed-entry', reason: 33, qualification: 0n });
                      continue;
                    }
                    const bits = code64 ? 64 : big ? 32 : 16;
                    expect(outcome, name).toMatchObject({ kind: 'exit', reason: 18 });
                    const rax = stand.machine.readRegister('rax');
                    expect(rax, name).toBe({ 64: 0xffffn, 32: 0x1_0000n, 16: 0n }[bits]);
                    // What the VM exit saves is what was entered.
                    expect(stand.field(ENTRY) & IA32E, name).toBe(ia32e ? IA32E : 0n);
                    expect(stand.field('Guest CR0') & (PE | PG), name).toBe(
                      (protection ? PE : 0n) | (paging ? PG : 0n),
                    );
                    const mode = `${bits} ${ia32e} ${protection} ${paging} ${pae}`;
                    seen.set(mode, (seen.get(mode) ?? 0) + 1);
                  }
    // 64-bit; compatibility 16 and 32; with each of three ways of legacy paging states and without protection, 16 and 32.
    expect(seen.size).toBe(15);
  });

  it('PDPTEs: fields with EPT, memory without; MOV to CR3 loads them and faults on reserved bits', () => {
    const legacy = {
      [ENTRY]: stand.field(ENTRY) & ~IA32E,
      'Guest CR3': POINTERS,
      'Guest CR4': stand.with('Guest CR4', PSE),
      'Guest CS access rights': 0xc09b,
    };
    const eptFields = {
      [PRIMARY]: stand.with(PRIMARY, 2 ** 31),
      [SECONDARY]: EPT_ONLY,
      'EPT pointer (EPTP)': EPT | 0x1e,
    };
    const good = BigInt(TABLES + 0x2000) | 1n;
    const spare = TABLES + 0x5000;
    const reserved = [1, 2, 5, 6, 7, 8, 39, 51, 52, 63];
    for (const ept of BOTH)
      for (const index of [1, 2, 3])
        for (const bit of [0, 3, 9, 11, 12, ...reserved])
          for (const present of BOTH) {
            const entry = (1n << BigInt(bit)) | (present ? 1n : 0n);
            const wrong = (entry & 1n) !== 0n && reserved.includes(bit);
            const name = `EPT ${ept}, PDPTE${index}, bit ${bit}, present ${present}`;
            // At VM entry
            stand.write(POINTERS + 8 * index, entry);
            const entered = stand.enter({
              at: 'which',
              fields: {
                ...legacy,
                ...(ept ? { ...eptFields, 'Guest PDPTE0': good, [`Guest PDPTE${index}`]: entry } : {}),
              },
              registers: { rax: 0xffff },
            });
            stand.write(POINTERS + 8 * index, 0n);
            expect(entered, name).toMatchObject(
              wrong ? { kind: 'failed-entry', reason: 33, qualification: 2n } : { kind: 'exit', reason: 18 },
            );
            // By MOV to CR3
            stand.write(spare, good);
            for (const other of [1, 2, 3]) stand.write(spare + 8 * other, other === index ? entry : 0n);
            const moved = stand.enter({
              at: 'to cr3',
              fields: {
                ...legacy,
                ...(ept ? { ...eptFields, 'Guest PDPTE0': good } : {}),
                'Exception bitmap': 1 << 13,
              },
              registers: { rax: spare },
            });
            if (wrong) expect(moved, name).toMatchObject({ kind: 'exit', reason: 0, interruption: 0x8000_0b0d });
            else {
              expect(moved, name).toMatchObject({ kind: 'exit', reason: 18 });
              if (ept) expect(stand.field(`Guest PDPTE${index}` as 'Guest PDPTE1'), name).toBe(entry);
            }
          }
  });
});
