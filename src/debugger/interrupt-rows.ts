// Interrupt controllers as rows for people: the local APIC, the virtual APIC of the current VMCS, the I/O APIC, the 8259s.

import type { IoApicState, LocalApicState, Machine, PicState } from '../machine/types.ts';
import {
  APIC_ERRORS,
  APIC_VERSION,
  DIVIDE_CONFIGURATION,
  INTERRUPT_COMMAND,
  LVT_ERROR,
  LVT_PIN,
  LVT_SENSOR,
  LVT_TIMER,
  POSTED_INTERRUPT_BYTES,
  POSTED_INTERRUPT_CONTROL,
  REDIRECTION_ENTRY,
  SPURIOUS_VECTOR,
  VIRTUAL_APIC_OFFSETS,
} from '../spec/apic.ts';
import { type BitLayout, describeBits } from '../spec/bits.ts';
import { CONTROL_WORDS, type ControlNames, type ControlWord, controlMask } from '../spec/controls.ts';
import { APIC_BASE } from '../spec/registers.ts';
import { vmcsEncoding, type VmcsFieldName } from '../spec/vmcs-fields.ts';
import { hex, littleEndian } from './format.ts';

/** A register: its value, or a text that says more than a number. */
export interface InterruptRow {
  readonly name: string;
  readonly meaning: string;
  readonly bits: number;
  readonly value: bigint;
  readonly layout?: BitLayout | undefined;
  /** Instead of the number. */
  readonly text?: string | undefined;
}

/** Number and words. */
export function rowText({ value, layout, text }: InterruptRow): string {
  if (text !== undefined) return text;
  const words = layout === undefined ? '' : describeBits(layout, value).summary;
  return words === '' || words === 'none' ? hex(value) : `${hex(value)} (${words})`;
}

function register(name: string, value: number | bigint, meaning: string, layout?: BitLayout, bits = 32): InterruptRow {
  return { name, meaning, bits, value: BigInt(value), layout };
}

const said = (name: string, text: string, meaning: string, value = 0n): InterruptRow => ({
  name,
  meaning,
  bits: 64,
  value,
  text,
});

function vectorSet(name: string, vectors: readonly number[], meaning: string): InterruptRow {
  const value = vectors.reduce((set, vector) => set | (1n << BigInt(vector)), 0n);
  const text = vectors.length === 0 ? 'none' : vectors.map((vector) => hex(vector, 2)).join(', ');
  return { name, meaning, bits: 256, value, text };
}

const LVT_NAMES: readonly (readonly [string, string, BitLayout])[] = [
  ['LVT timer', 'What the timer’s interrupt is.', LVT_TIMER],
  ['LVT thermal sensor', 'What the thermal sensor’s interrupt is.', LVT_SENSOR],
  ['LVT performance counters', 'What the performance counters’ interrupt is.', LVT_SENSOR],
  ['LVT LINT0', 'What the pin LINT0 causes: the 8259s come in here.', LVT_PIN],
  ['LVT LINT1', 'What the pin LINT1 causes: NMI comes in here.', LVT_PIN],
  ['LVT error', 'What the APIC’s own errors cause.', LVT_ERROR],
];

/** The local APIC of the selected processor. */
export function localApicRows(machine: Machine): InterruptRow[] {
  const apic = machine.peekInterrupts().local;
  const base = machine.readRegister('ia32_apic_base');
  return [
    said('mode', modeText(apic), 'Whether the local APIC is enabled by IA32_APIC_BASE, and how software reaches it.'),
    ...(base === undefined ? [] : [register('IA32_APIC_BASE', base, 'Address and mode.', APIC_BASE, 64)]),
    register('ID', apic.id, 'Identifier of this local APIC.'),
    register('version', apic.version, 'Version register.', APIC_VERSION),
    register('TPR', apic.taskPriority, 'Task priority: interrupts of this class and below wait. Bits 7:4 are CR8.'),
    register('PPR', apic.processorPriority, 'Processor priority: the higher of TPR and what is in service.'),
    vectorSet('IRR', apic.requests, 'Interrupts that were accepted and wait.'),
    vectorSet('ISR', apic.inService, 'Interrupts in service: delivered, and without their EOI.'),
    vectorSet('TMR', apic.triggerModes, 'Interrupts that came level-triggered: their EOI is told to the I/O APIC.'),
    said('waiting signals', signals(apic), 'NMI, INIT and start-up IPI that the processor has not taken yet.'),
    register('spurious vector', apic.spuriousVector, 'Spurious-interrupt vector register.', SPURIOUS_VECTOR),
    ...apic.lvt.flatMap((value, entry) => {
      const [name, meaning, layout] = LVT_NAMES[entry] ?? [];
      return name === undefined ? [] : [register(name, value, meaning ?? '', layout)];
    }),
    said('timer', timerText(apic, machine.time()), 'When the timer expires.', BigInt(apic.timer.expires ?? 0)),
    register('initial count', apic.timer.initialCount, 'What the timer counts down from.'),
    register('current count', apic.timer.currentCount, 'What is left of the count.'),
    register('divide configuration', apic.timer.divide, 'How the timer’s clock is divided.', DIVIDE_CONFIGURATION),
    register('IA32_TSC_DEADLINE', apic.timer.deadline, 'Deadline of the timer in TSC-deadline mode.', undefined, 64),
    register('LDR', apic.logicalDestination, 'Logical destination: which logical addresses are this APIC’s.'),
    ...(apic.destinationFormat === undefined
      ? []
      : [register('DFR', apic.destinationFormat, 'Destination format: flat (bits 31:28 set) or cluster.')]),
    register('ICR', apic.command, 'The last interprocessor interrupt that was sent.', INTERRUPT_COMMAND),
    register('ICR destination', apic.destination, 'Whom it was sent to.'),
    register('ESR', apic.errorStatus, 'Errors, as the last write of this register uncovered them.', APIC_ERRORS),
  ];
}

function modeText(apic: LocalApicState): string {
  switch (apic.mode) {
    case 'disabled':
      return 'disabled (IA32_APIC_BASE.EN = 0)';
    case 'x2APIC':
      return 'x2APIC: its registers are MSRs 0x800 to 0x8ff';
    case 'xAPIC':
      return `xAPIC: its registers are in the page at hpa:${hex(apic.page)}`;
  }
}

function signals({ nmi, init, startup }: LocalApicState): string {
  const waiting = [...(nmi ? ['NMI'] : []), ...(init ? ['INIT'] : []), ...(startup ? ['start-up IPI'] : [])];
  return waiting.length === 0 ? 'none' : waiting.join(', ');
}

function timerText({ timer: { expires }, lvt }: LocalApicState, now: number): string {
  if (expires === undefined) return 'not running';
  const masked = ((lvt[0] ?? 0) & 0x10000) !== 0 ? '; its interrupt is masked' : '';
  if (expires <= now) return `expires now${masked}`;
  return `expires in ${count(expires - now)} instructions, at ${count(expires)}${masked}`;
}

const count = (value: number): string => Math.ceil(value).toLocaleString('en');

/** Bytes of a virtual-APIC page. */
const PAGE = 4096;

const EOI_EXITS = [
  'EOI-exit bitmap 0 (EOI_EXIT0)',
  'EOI-exit bitmap 1 (EOI_EXIT1)',
  'EOI-exit bitmap 2 (EOI_EXIT2)',
  'EOI-exit bitmap 3 (EOI_EXIT3)',
] as const;

/** What the current VMCS virtualizes of an APIC; undefined: nothing. */
export function virtualApicRows(machine: Machine): InterruptRow[] | undefined {
  const field = (name: VmcsFieldName): bigint => machine.readVmcs(vmcsEncoding(name)) ?? 0n;
  const has = <W extends ControlWord>(word: W, name: ControlNames[W]): boolean =>
    (field(CONTROL_WORDS[word].field) & controlMask(word, name)) !== 0n;
  if (machine.currentVmcs() === undefined || !has('primary', 'use TPR shadow')) return undefined;
  const address = field('Virtual-APIC address');
  const page = machine.peekPhysical(address, PAGE);
  const rows = [said('virtual-APIC page', `hpa:${hex(address)}`, 'Where the virtual registers are.', address)];
  if (page.length < PAGE) return [said('virtual-APIC page', `hpa:${hex(address)} is not RAM`, '', address)];
  const word = (offset: number): number => Number(littleEndian(page.subarray(offset, offset + 4)));
  const vectors = (offset: number): number[] =>
    Array.from({ length: 256 }, (_, vector) => vector).filter(
      (vector) => (word(offset + (vector >> 5) * 16) & (1 << (vector & 31))) !== 0,
    );
  const { VTPR, VPPR, VISR, VIRR } = VIRTUAL_APIC_OFFSETS;
  rows.push(
    register('VTPR', word(VTPR), 'Virtual task priority: what the guest wrote to CR8 or TPR.'),
    register('TPR threshold', field('TPR threshold'), 'VTPR bits 7:4 below it exit.'),
  );
  const secondary = has('primary', 'activate secondary controls');
  if (!secondary || !has('secondary', 'virtual-interrupt delivery')) return rows;
  const status = field('Guest interrupt status');
  const exiting = EOI_EXITS.flatMap((name, quarter) => bitsOf(field(name)).map((bit) => quarter * 64 + bit));
  rows.push(
    register('RVI', status & 0xffn, 'Requesting virtual interrupt: the highest vector of VIRR.'),
    register('SVI', status >> 8n, 'Servicing virtual interrupt: the highest vector of VISR.'),
    register('VPPR', word(VPPR), 'Virtual processor priority.'),
    vectorSet('VIRR', vectors(VIRR), 'Virtual interrupts that wait.'),
    vectorSet('VISR', vectors(VISR), 'Virtual interrupts in service.'),
    vectorSet('EOI exits', exiting, 'Vectors whose virtual EOI exits.'),
  );
  return has('pin', 'process posted interrupts') ? [...rows, ...postedRows(machine, field)] : rows;
}

function postedRows(machine: Machine, field: (name: VmcsFieldName) => bigint): InterruptRow[] {
  const address = field('Posted-interrupt descriptor address');
  const bytes = machine.peekPhysical(address, POSTED_INTERRUPT_BYTES);
  if (bytes.length < POSTED_INTERRUPT_BYTES) return [said('posted interrupts', `hpa:${hex(address)} is not RAM`, '')];
  const posted = [0, 8, 16, 24].flatMap((offset) =>
    bitsOf(littleEndian(bytes.subarray(offset, offset + 8))).map((bit) => offset * 8 + bit),
  );
  const control = littleEndian(bytes.subarray(32, 40));
  return [
    vectorSet('posted', posted, `Posted interrupts, in the descriptor at hpa:${hex(address)}.`),
    register('posted control', control, 'Notification of posted interrupts.', POSTED_INTERRUPT_CONTROL, 64),
    register('notification vector', field('Posted-interrupt notification vector'), 'Makes the processor take them.'),
  ];
}

const bitsOf = (word: bigint): number[] =>
  Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => ((word >> BigInt(bit)) & 1n) === 1n);

/** The I/O APIC: every pin that is not masked, and every line that is up. */
export function ioApicRows(ioApic: IoApicState): InterruptRow[] {
  const wanted = ioApic.pins.map(({ entry, line }, pin) => ({ entry, line, pin }));
  const open = wanted.filter(({ entry, line }) => line || (entry & 0x10000n) === 0n);
  const masked = wanted.length - open.length;
  return [
    said('page', `hpa:${hex(ioApic.page)}`, 'Where its registers are.', BigInt(ioApic.page)),
    register('ID', ioApic.id, 'Identifier.'),
    ...open.map(({ entry, line, pin }) => ({
      ...register(`pin ${pin}`, entry, 'Redirection entry.', REDIRECTION_ENTRY, 64),
      text: `${hex(entry)} (${describeBits(REDIRECTION_ENTRY, entry).summary})${line ? ', line up' : ''}`,
    })),
    said('other pins', `${masked} masked`, 'Pins that do not interrupt.', BigInt(masked)),
  ];
}

/** The 8259s: master, then slave. */
export function picRows(pics: readonly [PicState, PicState]): InterruptRow[] {
  return pics.flatMap((pic, index) => {
    const inputs = (set: number): string => {
      const names = Array.from({ length: 8 }, (_, input) => input).filter((input) => (set & (1 << input)) !== 0);
      return names.length === 0 ? 'none' : names.map((input) => `IRQ ${input + index * 8}`).join(', ');
    };
    const which = index === 0 ? 'master' : 'slave';
    return [
      register(`${which} base`, pic.base, 'Vector of its first input.'),
      said(`${which} IRR`, inputs(pic.requests), 'Inputs that ask.', BigInt(pic.requests)),
      said(`${which} ISR`, inputs(pic.inService), 'Inputs in service.', BigInt(pic.inService)),
      said(`${which} open`, inputs(~pic.mask & 0xff), 'Inputs that are not masked.', BigInt(~pic.mask & 0xff)),
      said(`${which} level`, inputs(pic.levels), 'Inputs that are level-triggered.', BigInt(pic.levels)),
    ];
  });
}
