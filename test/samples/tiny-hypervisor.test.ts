import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import { addressOf, addressesOfLine, imageOf, lineAt } from '../../src/program/image.ts';
import { load, MEMORY, lacking, run, temporaryFolder } from '../program/toolchain.ts';
import { coreModule } from '../vmx/hypervisors.ts';

const FOLDER = join(import.meta.dirname, '../../samples/tiny-hypervisor');
const IMAGE = join(FOLDER, 'tiny-hypervisor.elf');
const EXIT = { CPUID: 10, HLT: 12, VMCALL: 18, IO: 30, RDMSR: 31, WRMSR: 32 };

const CONSOLE = `tiny-hypervisor: loaded by multiboot
VMX operation: VMCS revision REVISION, true control MSRs
guest 1: hello from 64-bit mode in VMX non-root operation
guest 1: as expected: CPUID shows a hypervisor and no VMX
guest 1: as expected: CR4.VMXE reads as the shadow has it
guest 1: as expected: a hypercall adds
guest 1: as expected: the made-up device answers
guest 1: as expected: a private MSR keeps its value
guest 1: as expected: IA32_APIC_BASE is hidden
guest 2: real mode, CS 0800H, under TinyHypervis
guest 1 (64-bit): 27 VM exits, device got 2b
  1 CPUID
  1 HLT
  20 VMCALL
  2 I/O instruction
  2 RDMSR
  1 WRMSR
guest 2 (real mode): 53 VM exits, device got 2b
  1 CPUID
  1 HLT
  49 VMCALL
  2 I/O instruction
tiny-hypervisor: done
`;

/** VM exits as the source has them: three hypercalls for each line that a guest checks, one for each character of the second. */
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
  EXIT.HLT,
];
const GUEST_2 = [
  ...calls('guest 2: real mode, CS 0800H, under '.length),
  EXIT.CPUID,
  ...calls('TinyHypervis\n'.length),
  EXIT.IO,
  EXIT.IO,
  EXIT.HLT,
];

describe('tiny-hypervisor', () => {
  it('runs both guests on the machine', async () => {
    const program = await load(IMAGE);
    const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program });
    let text = '';
    const notices: string[] = [];
    const reasons: number[] = [];
    machine.onOutput = (bytes) => {
      text += new TextDecoder().decode(bytes);
    };
    machine.onNotice = (notice) => notices.push(notice);
    machine.onTransition = (event) => {
      if ('exit' in event) reasons.push(event.exit.reason & 0xffff);
    };
    const stop = machine.run({ limit: 5_000_000 });
    expect(text.replace(/revision [0-9a-f]+/, 'revision REVISION')).toBe(CONSOLE);
    expect(stop).toEqual({ kind: 'shutdown', status: 0x21, port: 0xf4 });
    expect(reasons).toEqual([...GUEST_1, ...GUEST_2]);
    expect(notices).toEqual([]);
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
