// Random VMCSs: whatever stands in the fields, the machine neither throws nor loses its bearings.
import { describe, expect, it } from 'vitest';
import { VMCS_FIELD_LIST } from '../../src/spec/vmcs-fields.ts';
import { assembleText, hasNasm, type Hypervisor, startProgram } from './hypervisors.ts';

const ROUNDS = Number(process.env.RINGSIDE_ROUNDS ?? 60);
const SEED = Number(process.env.RINGSIDE_SEED ?? 20250101);

/** xorshift over 64 bits. */
function random(seed: number): () => bigint {
  let state = BigInt(seed) | 1n;
  return () => {
    state ^= (state << 13n) & 0xffffffffffffffffn;
    state ^= state >> 7n;
    state ^= (state << 17n) & 0xffffffffffffffffn;
    return state;
  };
}

const HYPERVISOR = assembleTextOnce(`%include "hypervisor.inc"
test:   vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        call    enable_ept
.again: call    run_guest
        vmw     GUEST_RIP, guest
        jmp     .again
guest:  inc     rbx
        mov     rax, cr4
        in      al, 0x80
        rdtsc
        push    rax
        pop     rcx
        int     0x30
        cpuid
`);

function assembleTextOnce(text: string): () => Hypervisor {
  let program: ReturnType<typeof assembleText> | undefined;
  return () => {
    program ??= assembleText(text);
    const hypervisor = startProgram(program, 16);
    hypervisor.machine.run({ limit: 20_000 });
    return hypervisor;
  };
}

const FIELDS = VMCS_FIELD_LIST.filter((field) => field.area !== 'read-only');

describe.skipIf(!hasNasm())('random VMCSs', () => {
  it(`${ROUNDS} rounds from seed ${SEED}`, () => {
    const next = random(SEED);
    let { machine } = HYPERVISOR();
    let entered = 0;
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const vmcs = machine.currentVmcs();
      const saved = vmcs === undefined ? undefined : machine.peekPhysical(vmcs, 4096);
      const changed: string[] = [];
      for (let count = 1n + (next() & 3n); count > 0n; count--) {
        const field = FIELDS[Number(next() % BigInt(FIELDS.length))];
        if (field === undefined) continue;
        const bits = field.width === 'natural' ? 64 : field.width;
        const old = machine.readVmcs(field.encoding) ?? 0n;
        const flip = 1n << (next() % BigInt(bits));
        const value = BigInt.asUintN(bits, (next() & 1n) === 0n ? old ^ flip : next() & 0xffffffn);
        machine.writeVmcs(field.encoding, value);
        changed.push(`${field.identifier} = 0x${value.toString(16)}`);
      }
      const before = machine.entryCount();
      const failures = machine.exitCount();
      try {
        const stop = machine.run({ limit: 3000, entryFailures: false, vmFails: false });
        expect(['budget', 'triple-fault', 'vmx-abort', 'idle', 'unsimulated', 'shutdown']).toContain(stop.kind);
        for (const side of ['root', 'non-root'] as const) {
          machine.registers(side);
          machine.peekLinear(side, machine.readRegister('rip') ?? 0n, 16);
        }
      } catch (thrown) {
        throw new Error(`round ${round}: ${changed.join(', ')}`, { cause: thrown });
      }
      entered += machine.entryCount() - before;
      refused += machine.exitCount() - failures - (machine.entryCount() - before);
      // Back to a VMCS that enters; a hypervisor that lost its way is started again.
      if (machine.side() === 'root' && machine.currentVmcs() === vmcs && vmcs !== undefined && saved !== undefined) {
        machine.pokePhysical(vmcs, saved);
        const healthy = machine.entryCount();
        machine.run({ limit: 3000, entryFailures: false, vmFails: false });
        if (machine.entryCount() > healthy + 2) continue;
      }
      machine = HYPERVISOR().machine;
    }
    console.info(`${entered} entries, ${refused} failed entries`);
    expect(entered).toBeGreaterThan(ROUNDS);
    expect(refused).toBeGreaterThan(ROUNDS / 20);
  });
});
