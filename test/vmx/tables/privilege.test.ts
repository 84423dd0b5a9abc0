// What comes first: #UD, #GP for the privilege level, or the VM exit (SDM "Relative Priority of Faults and VM Exits", "Instructions
// That Cause VM Exits Unconditionally", "Instructions That Cause VM Exits Conditionally", and the pages of the instructions).
// Every instruction with its control 1 and 0, at CPL 0 and 3 of 64-bit mode, and in compatibility mode at CPL 3.
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm } from '../hypervisors.ts';
import { DATA, openStand, START_TIMEOUT, type Outcome, type Stand, TABLES, USER_MODE, userTables } from '../stand.ts';

/** Exit reason, or what else; undefined: not asked (a guest that halts for ever). */
type Expected = number | 'runs' | '#UD' | '#GP' | undefined;
type Control = readonly ['primary' | 'secondary', number] | undefined;

interface Row {
  readonly code: string;
  readonly control?: Control;
  /** With the control 1 (or without one) at CPL 0, CPL 3, CPL 3 in compatibility mode. */
  readonly on: readonly [Expected, Expected, Expected];
  /** With the control 0, at the same. */
  readonly off?: readonly [Expected, Expected, Expected];
  readonly cr4?: number;
}

const primary = (bit: number): Control => ['primary', 2 ** bit];
const secondary = (bit: number): Control => ['secondary', 2 ** bit];

const ROWS: readonly Row[] = [
  { code: 'cpuid', on: [10, 10, 10] },
  { code: 'getsec', on: ['#UD', '#UD', '#UD'] },
  { code: 'invd', on: [13, '#GP', '#GP'] },
  { code: 'xsetbv', on: ['#UD', '#UD', '#UD'] },
  { code: 'rsm', on: ['#UD', '#UD', '#UD'] },
  { code: 'vmcall', on: [18, 18, 18] },
  { code: 'vmlaunch', on: [20, 20, '#UD'] },
  { code: 'vmresume', on: [24, 24, '#UD'] },
  { code: 'vmxoff', on: [26, 26, '#UD'] },
  { code: 'vmclear [rbx]', on: [19, 19, '#UD'] },
  { code: 'vmptrld [rbx]', on: [21, 21, '#UD'] },
  { code: 'vmptrst [rbx]', on: [22, 22, '#UD'] },
  { code: 'vmxon [rbx]', on: [27, 27, '#UD'] },
  { code: 'vmread rax, rbx', on: [23, 23, '#UD'] },
  { code: 'vmwrite rbx, rax', on: [25, 25, '#UD'] },
  { code: 'invept rax, [rbx]', on: [50, 50, '#UD'] },
  { code: 'invvpid rax, [rbx]', on: [53, 53, '#UD'] },
  { code: 'vmfunc', on: ['#UD', '#UD', '#UD'] },
  { code: 'hlt', control: primary(7), on: [12, '#GP', '#GP'], off: [undefined, '#GP', '#GP'] },
  { code: 'invlpg [rbx]', control: primary(9), on: [14, '#GP', '#GP'], off: ['runs', '#GP', '#GP'] },
  { code: 'mwait', control: primary(10), on: [36, '#UD', '#UD'], off: ['runs', '#UD', '#UD'] },
  { code: 'monitor', control: primary(29), on: [39, '#UD', '#UD'], off: ['runs', '#UD', '#UD'] },
  { code: 'rdpmc', control: primary(11), on: [15, '#GP', '#GP'] },
  { code: 'rdpmc', control: primary(11), on: [15, 15, 15], cr4: 1 << 8 },
  { code: 'rdtsc', control: primary(12), on: [16, 16, 16], off: ['runs', 'runs', 'runs'] },
  { code: 'rdtsc', control: primary(12), on: [16, '#GP', '#GP'], off: ['runs', '#GP', '#GP'], cr4: 1 << 2 },
  { code: 'rdtscp', control: secondary(3), on: ['runs', 'runs', 'runs'], off: ['#UD', '#UD', '#UD'] },
  { code: 'rdtscp', control: secondary(3), on: ['runs', '#GP', '#GP'], off: ['#UD', '#UD', '#UD'], cr4: 1 << 2 },
  { code: 'mov cr0, rax', on: ['#GP', '#GP', '#GP'] },
  { code: 'mov rax, cr3', control: primary(16), on: [28, '#GP', '#GP'], off: ['runs', '#GP', '#GP'] },
  { code: 'mov cr3, rax', control: primary(15), on: [28, '#GP', '#GP'] },
  { code: 'clts', on: ['runs', '#GP', '#GP'] },
  { code: 'lmsw ax', on: ['runs', '#GP', '#GP'] },
  { code: 'mov dr7, rbx', control: primary(23), on: [29, 29, 29], off: ['runs', '#GP', '#GP'] },
  { code: 'mov rbx, dr0', control: primary(23), on: [29, 29, 29], off: ['runs', '#GP', '#GP'] },
  { code: 'mov rbx, dr4', control: primary(23), on: [29, 29, 29], off: ['#UD', '#UD', '#UD'], cr4: 1 << 3 },
  { code: 'in al, 0x61', control: primary(24), on: [30, '#GP', '#GP'], off: ['runs', '#GP', '#GP'] },
  { code: 'outsb', control: primary(24), on: [30, '#GP', '#GP'], off: ['runs', '#GP', '#GP'] },
  { code: 'rdmsr', on: [31, '#GP', '#GP'] },
  { code: 'wrmsr', on: [32, '#GP', '#GP'] },
  { code: 'pause', control: primary(30), on: [40, 40, 40], off: ['runs', 'runs', 'runs'] },
  { code: 'sgdt [rbx]', control: secondary(2), on: [46, 46, 46], off: ['runs', 'runs', 'runs'] },
  { code: 'sgdt [rbx]', control: secondary(2), on: [46, '#GP', '#GP'], off: ['runs', '#GP', '#GP'], cr4: 1 << 11 },
  { code: 'sidt [rbx]', control: secondary(2), on: [46, 46, 46], off: ['runs', 'runs', 'runs'] },
  { code: 'lidt [rbx]', control: secondary(2), on: [46, '#GP', '#GP'], off: ['runs', '#GP', '#GP'] },
  { code: 'sldt ax', control: secondary(2), on: [47, 47, 47], off: ['runs', 'runs', 'runs'] },
  { code: 'sldt ax', control: secondary(2), on: [47, '#GP', '#GP'], off: ['runs', '#GP', '#GP'], cr4: 1 << 11 },
  { code: 'str ax', control: secondary(2), on: [47, 47, 47], off: ['runs', 'runs', 'runs'] },
  { code: 'lldt cx', control: secondary(2), on: [47, '#GP', '#GP'], off: ['runs', '#GP', '#GP'] },
  { code: 'ltr cx', control: secondary(2), on: [47, '#GP', '#GP'], off: ['#GP', '#GP', '#GP'] },
  { code: 'wbinvd', control: secondary(6), on: [54, '#GP', '#GP'], off: ['runs', '#GP', '#GP'] },
  { code: 'rdrand ebx', control: secondary(11), on: [57, 57, 57], off: ['runs', 'runs', 'runs'] },
  { code: 'rdseed ebx', control: secondary(16), on: [61, 61, 61], off: ['runs', 'runs', 'runs'] },
  { code: 'invpcid rdi, [rbx]', control: secondary(12), on: ['runs', '#GP', '#GP'], off: ['#UD', '#UD', '#UD'] },
  { code: 'umonitor rbx', control: secondary(26), on: ['runs', 'runs', 'runs'], off: ['#UD', '#UD', '#UD'] },
  { code: 'tpause ecx', control: secondary(26), on: ['runs', 'runs', 'runs'], off: ['#UD', '#UD', '#UD'] },
  { code: 'tpause ecx', control: secondary(26), on: ['runs', '#GP', '#GP'], off: ['#UD', '#UD', '#UD'], cr4: 1 << 2 },
  { code: 'smsw ax', control: secondary(2), on: ['runs', 'runs', 'runs'], off: ['runs', 'runs', 'runs'] },
  { code: 'ud2', on: ['#UD', '#UD', '#UD'] },
];

/** REX.W and 64-bit registers do not exist in compatibility mode. */
function compatible(code: string): string {
  return code.replace(/\br([abcd]x|[sd]i)\b/g, 'e$1');
}

const COMPATIBILITY = { ...USER_MODE, 'Guest CS access rights': 0xc0fb, 'Guest CS selector': 0x33 } as const;
const PRIMARY = 'Primary processor-based VM-execution controls';
const SECONDARY = 'Secondary processor-based VM-execution controls';

function told(outcome: Outcome): Expected | string {
  if (outcome.kind === 'event')
    return outcome.vector === 6 ? '#UD' : outcome.vector === 13 ? '#GP' : `event ${outcome.vector}`;
  if (outcome.kind !== 'exit') return outcome.kind === 'stop' ? outcome.stop : outcome.kind;
  return outcome.offset === 0 || outcome.reason !== 18 ? outcome.reason : 'runs';
}

describe.skipIf(!hasNasm())('faults and VM exits', () => {
  let stand: Stand;
  beforeAll(() => {
    stand = openStand(
      Object.fromEntries(
        ROWS.flatMap(({ code, cr4 }) => [
          [`${code} ${cr4 ?? 0}`, `${code}\n vmcall`],
          [`${code} ${cr4 ?? 0} 32`, `bits 32\n${compatible(code)}\n vmcall\n bits 64`],
        ]),
      ),
    );
    userTables(stand);
  }, START_TIMEOUT);

  it(`${ROWS.length} instructions in three modes, with control and without`, () => {
    for (const { code, control, on, off, cr4 } of ROWS)
      for (const [set, wanted] of [
        [true, on],
        [false, off],
      ] as const)
        for (const [mode, fields] of [{ 'Guest CR3': TABLES }, USER_MODE, COMPATIBILITY].entries()) {
          if (wanted?.[mode] === undefined) continue;
          const [word, bit] = control ?? ['primary', 0];
          const outcome = stand.enter({
            at: `${code} ${cr4 ?? 0}${mode === 2 ? ' 32' : ''}`,
            fields: {
              ...fields,
              'Guest CR4': stand.with('Guest CR4', cr4 ?? 0),
              [PRIMARY]: stand.with(PRIMARY, 2 ** 31 + (set && word === 'primary' ? bit : 0)),
              [SECONDARY]: set && word === 'secondary' ? bit : 0,
            },
            registers: { rbx: DATA, rax: DATA, rdx: 0x8000, rsi: DATA, rdi: 2 },
            before: () => {
              // A pseudo-descriptor for LIDT: the IDT as it is.
              stand.write(DATA, 0xfffn | (0x2f_0000n << 16n));
              stand.write(DATA + 8, 0n);
            },
          });
          const name = `${code}, control ${set}, mode ${mode}, CR4 ${cr4 ?? 0}`;
          expect(told(outcome), name).toBe(wanted[mode]);
        }
  });
});
