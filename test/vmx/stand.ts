// A machine that stands in VMX root operation before VMRESUME, for tables of guests of a few instructions: each trial sets fields,
// registers and memory, enters, and tells what came of it. Every trial begins from the same state.

import type { Machine } from '../../src/machine/types.ts';
import { VMCS_FIELDS, type VmcsFieldName } from '../../src/spec/vmcs-fields.ts';
import type { CapabilityProfile } from '../../src/vmx/capabilities.ts';
import { assembleText, startProgram } from './hypervisors.ts';

export type FieldName = VmcsFieldName;

function encodingOf(name: FieldName): number {
  return VMCS_FIELDS[name].encoding;
}

// Physical memory, identity-mapped on both sides. The hypervisor of hypervisor.inc lies below 250000H.
export const CODE = 0x26_0000; // snippets, 64 bytes each
export const TABLES = 0x28_0000; // guest paging: PML4, PDPT, PD; user pages
export const EPT = 0x2a_0000;
export const STACK = 0x2c_0000; // guest RSP; 64 KiB below are free
export const DATA = 0x2d_0000;
const STUBS = 0x2e_0000; // 8 bytes for each vector: VMCALL
const IDT = 0x2f_0000;
const SLOT = 64;
/** In milliseconds: a core may have to be built first. */
export const START_TIMEOUT = 120_000;
const VMCALL = [0x0f, 0x01, 0xc1, 0xf4];
const LIMIT = 400;
const ALL_REASONS = new Uint8Array(128).fill(1);
const VMCS_BYTES = 4096;

export interface Trial {
  /** Name of a snippet; the guest begins there. */
  readonly at: string;
  readonly fields?: Readonly<Partial<Record<FieldName, bigint | number>>>;
  readonly registers?: Readonly<Record<string, bigint | number>>;
  /** Called before VMRESUME, after the state is as at the beginning. */
  readonly before?: (stand: Stand) => void;
  /** Instructions of host and guest at most. */
  readonly limit?: number;
}

export type Outcome =
  | {
      readonly kind: 'exit';
      readonly reason: number;
      readonly qualification: bigint;
      readonly length: number;
      /** Of guest RIP from the snippet's beginning. */
      readonly offset: number;
      readonly interruption: number;
      readonly error: number;
      readonly guestPhysical: bigint;
      readonly guestLinear: bigint;
    }
  /** An event that the guest's IDT took. */
  | { readonly kind: 'event'; readonly vector: number; readonly error: number | undefined; readonly offset: number }
  | { readonly kind: 'failed-entry'; readonly reason: number; readonly qualification: bigint }
  | { readonly kind: 'vm-fail'; readonly error: number | undefined }
  | { readonly kind: 'stop'; readonly stop: string };

export interface Stand {
  readonly machine: Machine;
  readonly addressOf: (snippet: string) => number;
  readonly enter: (trial: Trial) => Outcome;
  readonly field: (name: FieldName) => bigint;
  /** The value of a field at the beginning of every trial, with these bits set. */
  readonly with: (name: FieldName, bits: number | bigint) => bigint;
  readonly setField: (name: FieldName, value: bigint | number) => void;
  readonly write: (address: number, value: bigint, bytes?: 1 | 2 | 4 | 8) => void;
  readonly read: (address: number, bytes?: 1 | 2 | 4 | 8) => bigint;
  readonly zero: (address: number, bytes: number) => void;
}

const HAS_ERROR = new Set([8, 10, 11, 12, 13, 14, 17, 21]);

/** @param snippets assembly text by name, 64 bytes at most each */
export function openStand(snippets: Readonly<Record<string, string>>, profile?: CapabilityProfile): Stand {
  const names = Object.keys(snippets);
  const body = names.map(
    (name, index) => `times ${index * SLOT}-($-snippets) db 0xf4\nsnippet_${index}:\n${snippets[name]}\n`,
  );
  const program = assembleText(
    `%include "hypervisor.inc"
test:   vmw     HOST_RIP, back
        guest_at finish
        vmw     GUEST_IDTR_BASE, ${IDT}
        vmlaunch
        jmp     failed
        align   16
back:   vmresume
        hlt
finish: vmcall
guest:
        times ${CODE - 0x10_0000}-($-$$) db 0
snippets:
${body.join('')}times ${names.length * SLOT}-($-snippets) db 0xf4
`,
  );
  const { machine } = startProgram(program, 16, profile);
  const write = (address: number, value: bigint, bytes: 1 | 2 | 4 | 8 = 8): void => {
    const buffer = new Uint8Array(8);
    new DataView(buffer.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    machine.pokePhysical(BigInt(address), buffer.subarray(0, bytes));
  };
  const read = (address: number, bytes: 1 | 2 | 4 | 8 = 8): bigint => {
    const buffer = new Uint8Array(8);
    buffer.set(machine.peekPhysical(BigInt(address), bytes));
    return new DataView(buffer.buffer).getBigUint64(0, true);
  };
  for (let vector = 0; vector < 256; vector += 1) {
    const stub = BigInt(STUBS + 8 * vector);
    machine.pokePhysical(stub, new Uint8Array(VMCALL));
    write(IDT + 16 * vector, (stub & 0xffffn) | (8n << 16n) | (0x8e00n << 32n) | ((stub >> 16n) << 48n));
    write(IDT + 16 * vector + 8, 0n);
  }
  const first = machine.run({ limit: 1_000_000, exitReasons: ALL_REASONS });
  if (first.kind !== 'vm-exit' || first.exit.reason !== 18) throw new Error(`the stand did not start: ${first.kind}`);
  const vmcs = machine.currentVmcs() as bigint;
  const region = machine.peekPhysical(vmcs, VMCS_BYTES);
  const rip = machine.readRegister('rip') as bigint;
  const rsp = machine.readRegister('rsp') as bigint;
  const kept = ['cr0', 'cr2', 'dr0', 'dr1', 'dr2', 'dr3', 'dr6'].map(
    (name) => [name, machine.readRegister(name) as bigint] as const,
  );
  const initial = new Map<FieldName, bigint>();
  for (const name of Object.keys(VMCS_FIELDS) as FieldName[])
    initial.set(name, machine.readVmcs(encodingOf(name)) ?? 0n);
  const stand: Stand = {
    machine,
    addressOf: (name) => CODE + SLOT * names.indexOf(name),
    field: (name) => machine.readVmcs(encodingOf(name)) ?? 0n,
    with: (name, bits) => BigInt.asUintN(64, (initial.get(name) ?? 0n) | BigInt(bits)),
    setField(name, value) {
      const problem = machine.writeVmcs(encodingOf(name), BigInt(value));
      if (problem !== undefined) throw new Error(`${name}: ${problem}`);
    },
    write,
    read,
    zero: (address, bytes) => void machine.pokePhysical(BigInt(address), new Uint8Array(bytes)),
    enter,
  };
  return stand;

  function enter(trial: Trial): Outcome {
    if (!names.includes(trial.at)) throw new Error(`no snippet ${trial.at}`);
    if (machine.side() !== 'root') throw new Error('the guest of the trial before never came back');
    const start = stand.addressOf(trial.at);
    machine.pokePhysical(vmcs, region);
    // VM entries and VM exits leave CR0.CD and CR0.NW, CR2 and DR0 to DR3 and DR6 as they are.
    for (const [name, value] of kept) if (machine.readRegister(name) !== value) set(name, value);
    set('rip', rip);
    set('rsp', rsp);
    for (const name of ['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp']) set(name, 0n);
    stand.setField('Guest RIP', start);
    stand.setField('Guest RSP', STACK);
    for (const [name, value] of Object.entries(trial.fields ?? {})) stand.setField(name as FieldName, value);
    trial.before?.(stand);
    for (const [name, value] of Object.entries(trial.registers ?? {})) set(name, BigInt(value));
    const stop = machine.run({ limit: trial.limit ?? LIMIT, exitReasons: ALL_REASONS });
    switch (stop.kind) {
      case 'vm-fail':
        return { kind: 'vm-fail', error: stop.fail.error };
      case 'entry-failure': {
        const { outcome } = stop.failure;
        return outcome.kind === 'vm-exit'
          ? { kind: 'failed-entry', reason: outcome.reason & 0xffff, qualification: outcome.qualification }
          : { kind: 'vm-fail', error: outcome.error };
      }
      case 'vm-exit': {
        const { exit } = stop;
        const at = Number(exit.guestRip);
        if (exit.reason === 18 && at >= STUBS && at < IDT) return event((at - STUBS) / 8, start);
        return {
          kind: 'exit',
          reason: exit.reason,
          qualification: exit.qualification,
          length: exit.instructionLength,
          offset: at - start,
          interruption: exit.interruptionInfo,
          error: exit.interruptionError,
          guestPhysical: exit.guestPhysical,
          guestLinear: exit.guestLinear,
        };
      }
      default:
        return { kind: 'stop', stop: 'explanation' in stop ? `${stop.kind}: ${stop.explanation}` : stop.kind };
    }
  }

  function set(name: string, value: bigint): void {
    const problem = machine.writeRegister(name, value);
    if (problem !== undefined) throw new Error(`${name}: ${problem}`);
  }

  function event(vector: number, start: number): Outcome {
    const frame = Number(stand.field('Guest RSP'));
    const error = HAS_ERROR.has(vector) ? Number(read(frame)) : undefined;
    return { kind: 'event', vector, error, offset: Number(read(frame + (error === undefined ? 0 : 8))) - start };
  }
}

/** Guest paging of the first GByte for CPL 0 and 3 at TABLES, by pages of 2 MBytes; its CR3 is TABLES. */
export function userTables(stand: Stand): void {
  stand.write(TABLES, BigInt(TABLES + 0x1000) | 7n);
  stand.write(TABLES + 0x1000, BigInt(TABLES + 0x2000) | 7n);
  for (let page = 0; page < 512; page += 1) stand.write(TABLES + 0x2000 + 8 * page, BigInt(page * 0x20_0000) | 0xe7n);
}

/** Fields of a guest at CPL 3 in 64-bit code. */
export const USER_MODE = {
  'Guest CR3': TABLES,
  'Guest CS selector': 0x43,
  'Guest CS access rights': 0xa0fb,
  'Guest SS selector': 0x3b,
  'Guest SS access rights': 0xc0f3,
  'Guest DS access rights': 0xc0f3,
  'Guest ES access rights': 0xc0f3,
  'Guest DS selector': 0x3b,
  'Guest ES selector': 0x3b,
} as const;
