import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import { addressOf, addressesOfLine, imageOf, lineAt } from '../../src/program/image.ts';
import { load, MEMORY, lacking, run, temporaryFolder } from '../program/toolchain.ts';
import { coreModule } from '../vmx/hypervisors.ts';

const FOLDER = join(import.meta.dirname, '../../samples/tiny-hypervisor');
const IMAGE = join(FOLDER, 'tiny-hypervisor.elf');
const EXIT = {
  EXCEPTION: 0,
  CPUID: 10,
  HLT: 12,
  INVLPG: 14,
  VMCALL: 18,
  CR_ACCESS: 28,
  IO: 30,
  RDMSR: 31,
  WRMSR: 32,
  PREEMPTION_TIMER: 52,
};

const REAL_MODE = `guest 2: real mode, CS 0800H, under TinyHypervis
guest 2: timer interrupts by vector 8
`;
/** What each guest prints, in its own order; guests take turns. */
const GUEST_LINES = [
  `guest 1: hello from 64-bit mode in VMX non-root operation
guest 1: as expected: CPUID shows a hypervisor and no VMX
guest 1: as expected: CR4.VMXE reads as the shadow has it
guest 1: as expected: a hypercall adds
guest 1: as expected: the made-up device answers
guest 1: as expected: a private MSR keeps its value
guest 1: as expected: IA32_APIC_BASE is hidden
guest 1: as expected: CR3 reads as it was loaded
guest 1: as expected: its page tables map a page
guest 1: as expected: a write makes the page dirty
guest 1: as expected: after INVLPG the page is another
guest 1: as expected: a page fault is its own, and the write is made again
guest 1: as expected: timer interrupts come in through its IDT
`,
  REAL_MODE,
  `guest 3: 430 primes below 3000, and timer interrupts meanwhile
`,
];

/** VM exits as the sources have them: three hypercalls for each line that a guest checks, one for each character of the second. */
const calls = (count: number): number[] => new Array<number>(count).fill(EXIT.VMCALL);
const GUEST_1 = [
  ...calls(1),
  EXIT.CPUID,
  ...calls(3 + 3),
  ...calls(1 + 3),
  EXIT.IO,
  ...calls(3),
  EXIT.IO,
  EXIT.WRMSR,
  EXIT.RDMSR,
  ...calls(3),
  EXIT.RDMSR,
  ...calls(3),
  ...calls(5 * 3),
  ...calls(1),
  ...[EXIT.HLT, EXIT.HLT, EXIT.HLT],
  ...calls(3),
  EXIT.HLT,
];
const GUEST_2 = [
  ...calls('guest 2: real mode, CS 0800H, under '.length),
  EXIT.CPUID,
  ...calls('TinyHypervis\n'.length),
  EXIT.IO,
  EXIT.IO,
  ...calls(1),
  ...[EXIT.HLT, EXIT.HLT],
  ...calls('guest 2: timer interrupts by vector 8\n'.length),
  EXIT.HLT,
];
const GUEST_3 = [...calls(1), ...calls(3), EXIT.HLT];

/** Runs it to its end; the exit reasons of each guest, which a VMCS of its own stands for. */
async function runAll(args: string) {
  const program = await load(IMAGE, { args });
  const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program });
  let text = '';
  const notices: string[] = [];
  const reasons = new Map<bigint, number[]>();
  machine.onOutput = (bytes) => {
    text += new TextDecoder().decode(bytes);
  };
  machine.onNotice = (notice) => notices.push(notice);
  machine.onTransition = (event) => {
    if (!('exit' in event)) return;
    const vmcs = machine.currentVmcs()!;
    reasons.set(vmcs, [...(reasons.get(vmcs) ?? []), event.exit.reason & 0xffff]);
  };
  const stop = machine.run({ limit: 20_000_000 });
  expect(notices).toEqual([]);
  expect(stop).toEqual({ kind: 'shutdown', status: 0x21, port: 0xf4 });
  return { text, guests: [...reasons.values()] };
}

const linesOf = (text: string, guest: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${guest}: `))
    .map((line) => `${line}\n`)
    .join('');

/** The lines that end the console's text: `reason` → how often, as the hypervisor counted for one guest. */
function summaryOf(text: string, guest: string): Map<string, number> {
  const [, part] = new RegExp(`^${guest} .*VM exits.*\n((?:  .*\n)*)`, 'm').exec(text)!;
  const rows = part!.matchAll(/^ {2}(\d+) (.*)$/gm);
  return new Map([...rows].map(([, count, name]) => [name!, Number(count)]));
}

const without = (reasons: readonly number[], ...hidden: number[]): number[] =>
  reasons.filter((reason) => !hidden.includes(reason));

describe('tiny-hypervisor', () => {
  it('runs its guests by turns under EPT', async () => {
    const { text, guests } = await runAll('');
    expect(text).toMatch(/^tiny-hypervisor: loaded by multiboot\nVMX operation: .*, true control MSRs\n.*: EPT\n/);
    expect(text).toMatch(/tiny-hypervisor: done\n$/);
    expect(['guest 1', 'guest 2', 'guest 3'].map((guest) => linesOf(text, guest))).toEqual(GUEST_LINES);
    expect(guests.map((reasons) => without(reasons, EXIT.PREEMPTION_TIMER))).toEqual([GUEST_1, GUEST_2, GUEST_3]);
    // The third guest computes for millions of instructions; a turn has 100,000.
    const turns = guests[2]!.filter((reason) => reason === EXIT.PREEMPTION_TIMER).length;
    expect(turns).toBeGreaterThan(20);
    expect(summaryOf(text, 'guest 3').get('VMX-preemption timer expired')).toBe(turns);
  });

  it('runs the 64-bit guests on shadow page tables', async () => {
    const { text, guests } = await runAll('shadow');
    expect(text).toContain("guests' memory: shadow page tables\n");
    expect(['guest 1', 'guest 2', 'guest 3'].map((guest) => linesOf(text, guest))).toEqual([
      GUEST_LINES[0],
      '',
      GUEST_LINES[2],
    ]);
    const [first, third] = guests;
    expect(without(first!, EXIT.EXCEPTION, EXIT.CR_ACCESS, EXIT.INVLPG, EXIT.PREEMPTION_TIMER)).toEqual(GUEST_1);
    // guest64.c reads CR3 twice, loads it once, and invalidates one page.
    expect(first!.filter((reason) => reason === EXIT.CR_ACCESS)).toHaveLength(3);
    expect(first!.filter((reason) => reason === EXIT.INVLPG)).toHaveLength(1);
    expect(first!.filter((reason) => reason === EXIT.EXCEPTION).length).toBeGreaterThan(5);
    expect(without(third!, EXIT.EXCEPTION, EXIT.PREEMPTION_TIMER)).toEqual(GUEST_3);
  });

  it('has its sources beside it', async () => {
    const image = imageOf(await load(IMAGE));
    const source = readFileSync(join(FOLDER, 'exits.c'), 'utf8').split('\n');
    const line = source.findIndex((text) => text.startsWith('static bool handle_cpuid')) + 1;
    const binding = addressesOfLine(image, join(FOLDER, 'exits.c'), line)!;
    expect(binding).toMatchObject({
      path: join(FOLDER, 'exits.c'),
      line,
      addresses: [addressOf(image, 'handle_cpuid')],
    });
    const exited = lineAt(image, addressOf(image, 'vcpu_exited')!)!;
    expect(exited.path).toBe(join(FOLDER, 'vcpu.S'));
    expect(readFileSync(exited.path, 'utf8').split('\n')[exited.line - 1]).toMatch(/xchgq %rdi/);
  });

  it.skipIf(lacking('gcc', 'make', 'ld', 'readelf'))(
    'is what its Makefile builds, byte for byte with the same compiler',
    () => {
      const builder = /GNU C11 (\S+)/.exec(run('readelf', ['--debug-dump=info', IMAGE]))![1]!;
      const present = run('gcc', ['-dumpfullversion']).trim();
      const folder = temporaryFolder();
      cpSync(FOLDER, folder, { recursive: true, filter: (path) => !/(\.elf|build)$/.test(path) });
      run('make', ['-s'], folder);
      if (builder !== present) {
        console.warn(`bytes not compared: tiny-hypervisor.elf was built with gcc ${builder}, here is ${present}`);
        return;
      }
      expect(readFileSync(join(folder, 'tiny-hypervisor.elf')).equals(readFileSync(IMAGE))).toBe(true);
    },
  );
});
