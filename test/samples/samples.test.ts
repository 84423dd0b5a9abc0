// The assembly samples on the machine: what they print, which VM exits they take, how they end. The expected text and
// exits follow from the programs' design and the SDM.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createMachine } from '../../src/machine/machine.ts';
import type { Stop } from '../../src/machine/types.ts';
import { loadProgram } from '../../src/program/load.ts';
import { VMCS_FIELDS } from '../../src/spec/vmcs-fields.ts';
import { coreModule } from '../vmx/hypervisors.ts';

const SAMPLES = join(dirname(fileURLToPath(import.meta.url)), '../../samples');
const RAM = 32 << 20;
const CPUID = 10;
const HLT = 12;
const VMCALL = 18;
const EPT_VIOLATION = 48;

async function runSample(
  name: string,
): Promise<{ output: string; exits: number[]; stops: Stop[]; qualifications: bigint[]; physical: bigint[] }> {
  const program = await loadProgram(
    join(SAMPLES, name, `${name}.asm`),
    { ramSize: RAM },
    async (path) => new Uint8Array(await readFile(path)),
  );
  const machine = createMachine({ coreWasm: coreModule(), ramSize: RAM, program });
  let output = '';
  const exits: number[] = [];
  const qualifications: bigint[] = [];
  const physical: bigint[] = [];
  machine.onOutput = (bytes) => {
    output += String.fromCharCode(...bytes);
  };
  machine.onTransition = (event) => {
    if (!('exit' in event)) return;
    exits.push(event.exit.reason);
    qualifications.push(event.exit.qualification);
    physical.push(event.exit.guestPhysical);
  };
  const stops: Stop[] = [];
  for (let i = 0; i < 10; i++) {
    const stop = machine.run({ limit: 1_000_000, vmFails: false });
    stops.push(stop);
    if (stop.kind === 'shutdown' || stop.kind === 'budget') break;
  }
  return { output, exits, stops, qualifications, physical };
}

// The core is built when its sources changed.
beforeAll(() => {
  coreModule();
}, 300_000);

describe('samples', () => {
  it('hello-vmx answers CPUID, VMCALL and HLT', async () => {
    const { output, exits, stops } = await runSample('hello-vmx');
    expect(output.split('\r\n')).toEqual([
      'hello-vmx: VMX operation is on',
      'hello-vmx: entering the guest',
      'VM exit: CPUID, leaf 0',
      'VM exit: VMCALL, the guest says: HelloFromVMX',
      'VM exit: HLT, the guest is done',
      'hello-vmx: 3 VM exits',
      '',
    ]);
    expect(exits).toEqual([CPUID, VMCALL, HLT]);
    // A 0 written to port F4H ends with status 1, as QEMU's isa-debug-exit has it.
    expect(stops).toEqual([{ kind: 'shutdown', status: 1, port: 0xf4 }]);
  });

  it('broken-entry fails for its three mistakes and for nothing else', async () => {
    const { output, exits, stops } = await runSample('broken-entry');
    expect(exits).toEqual([]);
    const failure = stops[0];
    if (failure?.kind !== 'entry-failure') throw new Error(`stopped for ${failure?.kind}`);
    expect(failure.failure.outcome).toEqual({ kind: 'vm-fail-valid', error: 7 });
    const names = failure.failure.checks.map(
      (check) => VMCS_FIELDS[check.fields[0]!.name as keyof typeof VMCS_FIELDS].identifier,
    );
    expect(names).toEqual(['PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS', 'HOST_TR_SELECTOR', 'GUEST_RFLAGS']);
    expect(output.split('\r\n')).toEqual([
      'broken-entry: entering the guest',
      'broken-entry: VMLAUNCH failed with VM-instruction error 7',
      '',
    ]);
    expect(stops.at(-1)).toEqual({ kind: 'shutdown', status: 3, port: 0xf4 });
  });

  it('ept gives the guest the page that it touches', async () => {
    const { output, exits, stops, qualifications, physical } = await runSample('ept');
    expect(output.split('\r\n')).toEqual([
      'ept: the guest has 2 MiB of memory',
      'VM exit: EPT violation, the guest writes at guest-physical 0000000000400128',
      'ept: host-physical 0000000000600000 is there now',
      'VM exit: VMCALL, the guest read back 0123456789ABCDEF',
      'ept: host-physical 0000000000600128 holds 0123456789ABCDEF',
      '',
    ]);
    expect(exits).toEqual([EPT_VIOLATION, VMCALL, HLT]);
    // A data write (bit 1) to a page without permissions (bits 5:3), with a guest-linear address (7), not of a table (8).
    expect(qualifications[0]! & 0x1bfn).toBe(0x182n);
    expect(physical[0]).toBe(0x400128n);
    expect(stops).toEqual([{ kind: 'shutdown', status: 1, port: 0xf4 }]);
  });
});
