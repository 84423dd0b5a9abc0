// The processor as a picture: which ring and mode it is in, how it came there, what it would exit for.

import type { Machine } from '../../machine/types.ts';
import type { Image } from '../../program/image.ts';
import { describe } from '../../spec/bit-layouts.ts';
import { vmcsFieldByName } from '../../spec/vmcs-fields.ts';
import { readSideRegister } from '../expressions/registers.ts';
import { exitReasonTitle } from '../facts.ts';
import { hex } from '../format.ts';
import { type InterruptRow, ioApicRows, localApicRows, picRows, rowText, virtualApicRows } from '../interrupt-rows.ts';
import { place } from '../place.ts';

export interface MachineFact {
  readonly name: string;
  readonly value: string;
}

export interface ProcessorView {
  readonly name: string;
  readonly operation: 'outside VMX operation' | 'VMX root operation' | 'VMX non-root operation';
  /** Privilege level, 0 to 3. */
  readonly ring: number;
  readonly mode: string;
  readonly at: string;
  readonly facts: readonly MachineFact[];
  readonly localApic: readonly MachineFact[];
  /** null: the current VMCS virtualizes no APIC. */
  readonly virtualApic: readonly MachineFact[] | null;
}

export interface TransitionView {
  readonly kind: 'VM entry' | 'VM exit';
  readonly number: number;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

export interface InterceptView {
  readonly name: string;
  /** What exits, as ranges; empty: nothing does. */
  readonly ranges: readonly string[];
}

export interface MachineView {
  /** Instructions retired. */
  readonly time: number;
  /** The same at the latest moment that was reached: more than `time` after going back. */
  readonly last: number;
  readonly processors: readonly ProcessorView[];
  readonly transition: TransitionView | null;
  readonly intercepts: readonly InterceptView[];
  /** Interrupt controllers that the processors share. */
  readonly controllers: readonly { readonly name: string; readonly facts: readonly MachineFact[] }[];
}

export function machineView(machine: Machine, image: Image): MachineView {
  const { ioApic, pics } = machine.peekInterrupts();
  return {
    time: machine.time(),
    last: Math.max(machine.time(), machine.history.last().time),
    processors: processorViews(machine, image),
    transition: lastTransition(machine, image),
    intercepts: machine.currentVmcs() === undefined ? [] : intercepts(machine),
    controllers: [
      { name: 'I/O APIC', facts: facts(ioApicRows(ioApic)) },
      { name: '8259 interrupt controllers', facts: facts(picRows(pics)) },
    ],
  };
}

const facts = (rows: readonly InterruptRow[]): MachineFact[] =>
  rows.map((row) => ({ name: row.name, value: rowText(row) }));

const CR0_PE = 1n;
const EFER_LMA = 1n << 10n;
const RFLAGS_IF = 1n << 9n;
const RFLAGS_VM = 1n << 17n;

/** Privilege level of the running side: the DPL of SS (SDM, “Privilege Levels”). */
export function ringOf(machine: Machine): number {
  const side = machine.side();
  const read = (name: string): bigint => readSideRegister(machine, side, name) ?? 0n;
  if ((read('cr0') & CR0_PE) === 0n) return 0;
  if ((read('rflags') & RFLAGS_VM) !== 0n) return 3;
  return Number((read('ss.rights') >> 5n) & 3n);
}

/** Operating mode of the running side, in words. */
export function modeOf(machine: Machine): string {
  const side = machine.side();
  const read = (name: string): bigint => readSideRegister(machine, side, name) ?? 0n;
  if ((read('cr0') & CR0_PE) === 0n) return 'real-address mode';
  if ((read('rflags') & RFLAGS_VM) !== 0n) return 'virtual-8086 mode';
  const bits = machine.codeBits(side);
  if ((read('efer') & EFER_LMA) === 0n) return `protected mode, ${bits}-bit`;
  return bits === 64 ? '64-bit mode' : `compatibility mode, ${bits}-bit`;
}

function operationOf(machine: Machine): ProcessorView['operation'] {
  if (!machine.inVmxOperation()) return 'outside VMX operation';
  return machine.side() === 'root' ? 'VMX root operation' : 'VMX non-root operation';
}

/** Every logical processor; the selected one stays selected. */
function processorViews(machine: Machine, image: Image): ProcessorView[] {
  const selected = machine.processor();
  try {
    return Array.from({ length: machine.processors }, (_, index) => {
      machine.select(index);
      return processorView(machine, image);
    });
  } finally {
    machine.select(selected);
  }
}

function processorView(machine: Machine, image: Image): ProcessorView {
  const side = machine.side();
  const rip = readSideRegister(machine, side, 'rip') ?? 0n;
  const flags = readSideRegister(machine, side, 'rflags') ?? 0n;
  const virtual = virtualApicRows(machine);
  const shown: MachineFact[] = [
    { name: 'Activity', value: machine.activity(machine.processor()) },
    { name: 'Interrupts', value: (flags & RFLAGS_IF) === 0n ? 'masked (RFLAGS.IF = 0)' : 'enabled (RFLAGS.IF = 1)' },
  ];
  const field = (name: string): bigint | undefined => readField(machine, name);
  if (machine.currentVmcs() !== undefined) {
    shown.push(
      { name: 'Current VMCS', value: hex(machine.currentVmcs() ?? 0n) },
      { name: 'Guest interruptibility', value: words('GUEST_INTERRUPTIBILITY_STATE', field, 'nothing blocks') },
      { name: 'Guest activity', value: activity(field('GUEST_ACTIVITY_STATE')) },
      { name: 'Event to inject', value: injected(field('VM_ENTRY_INTERRUPTION_INFORMATION')) },
    );
  }
  return {
    name: `CPU ${machine.processor()}`,
    operation: operationOf(machine),
    ring: ringOf(machine),
    mode: modeOf(machine),
    at: place(image, rip),
    facts: shown,
    localApic: facts(localApicRows(machine)),
    virtualApic: virtual === undefined ? null : facts(virtual),
  };
}

function readField(machine: Machine, name: string): bigint | undefined {
  const row = vmcsFieldByName(name);
  return row === undefined ? undefined : machine.readVmcs(row.encoding);
}

function words(name: string, field: (name: string) => bigint | undefined, none: string): string {
  const value = field(name);
  const bits = vmcsFieldByName(name)?.bits;
  if (value === undefined) return 'not held';
  if (value === 0n) return none;
  return bits === undefined ? hex(value) : describe(bits, value).summary;
}

const ACTIVITY = ['active', 'HLT', 'shutdown', 'wait-for-SIPI'];

function activity(value: bigint | undefined): string {
  return value === undefined ? 'not held' : (ACTIVITY[Number(value)] ?? hex(value));
}

function injected(value: bigint | undefined): string {
  if (value === undefined || (value & 0x8000_0000n) === 0n) return 'none';
  const bits = vmcsFieldByName('VM_ENTRY_INTERRUPTION_INFORMATION')?.bits;
  return bits === undefined ? hex(value) : describe(bits, value).summary;
}

function lastTransition(machine: Machine, image: Image): TransitionView | null {
  const exit = machine.lastExit();
  const entry = machine.lastEntry();
  if (exit !== undefined && (entry === undefined || exit.time > entry.time || machine.side() === 'root')) {
    const host = readField(machine, 'HOST_RIP');
    return {
      kind: 'VM exit',
      number: exit.number,
      from: `guest ${hex(exit.guestRip)}`,
      to: host === undefined ? 'host' : `host ${place(image, host)}`,
      why: exitReasonTitle(exit.reason),
    };
  }
  if (entry === undefined) return null;
  return {
    kind: 'VM entry',
    number: entry.number,
    from: `host ${place(image, entry.hostRip)}`,
    to: `guest ${hex(entry.guestRip)}`,
    why: entry.instruction,
  };
}

const USE_IO_BITMAPS = 1n << 25n;
const UNCONDITIONAL_IO = 1n << 24n;
const USE_MSR_BITMAPS = 1n << 28n;
const PAGE = 4096;

function intercepts(machine: Machine): InterceptView[] {
  const primary = readField(machine, 'PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS') ?? 0n;
  const page = (name: string): Uint8Array => machine.peekPhysical(readField(machine, name) ?? 0n, PAGE);
  const exceptions = readField(machine, 'EXCEPTION_BITMAP') ?? 0n;
  return [
    {
      name: 'Exceptions (vectors)',
      ranges: setBits((bit) => ((exceptions >> BigInt(bit)) & 1n) === 1n, 32, 0, String),
    },
    { name: 'I/O ports', ranges: ports(primary, page) },
    { name: 'RDMSR', ranges: msrs(primary, page, 0) },
    { name: 'WRMSR', ranges: msrs(primary, page, 2048) },
  ];
}

function ports(primary: bigint, page: (name: string) => Uint8Array): string[] {
  if ((primary & USE_IO_BITMAPS) === 0n) return (primary & UNCONDITIONAL_IO) === 0n ? [] : ['every port'];
  const low = page('IO_BITMAP_A_ADDRESS');
  const high = page('IO_BITMAP_B_ADDRESS');
  const bit = (port: number): boolean => isSet(port < 0x8000 ? low : high, port & 0x7fff);
  return setBits(bit, 0x10000, 0, (port) => hex(BigInt(port)));
}

/** MSRs outside the two ranges of the bitmaps always exit (SDM, “MSR-Bitmap Address”). */
function msrs(primary: bigint, page: (name: string) => Uint8Array, offset: number): string[] {
  if ((primary & USE_MSR_BITMAPS) === 0n) return ['every MSR'];
  const bitmap = page('MSR_BITMAPS_ADDRESS');
  const text = (msr: number): string => hex(BigInt(msr));
  return [
    ...setBits((bit) => isSet(bitmap, offset * 8 + bit), 0x2000, 0, text),
    ...setBits((bit) => isSet(bitmap, (offset + 1024) * 8 + bit), 0x2000, 0xc0000000, text),
    'MSRs beyond 0x1fff and 0xc0001fff',
  ];
}

function isSet(bitmap: Uint8Array, bit: number): boolean {
  return (((bitmap[bit >> 3] ?? 0xff) >> (bit & 7)) & 1) === 1;
}

/** Runs of set bits as `0x500` or `0x3f8–0x3ff`. */
function setBits(bit: (at: number) => boolean, count: number, base: number, text: (value: number) => string): string[] {
  const ranges: string[] = [];
  for (let at = 0; at < count; at++) {
    if (!bit(at)) continue;
    const from = at;
    while (at + 1 < count && bit(at + 1)) at++;
    ranges.push(from === at ? text(base + from) : `${text(base + from)}–${text(base + at)}`);
  }
  return ranges;
}
