// Layouts of the exit qualification and its rendering in words (SDM "Basic VM-Exit Information", the tables of exit
// qualifications).

import { type BitLayout, bit, describeBits, fieldNamed, fieldValue, group, hex } from './bits.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { exitReason } from './exit-reasons.ts';

const GENERAL_REGISTERS = {
  0: 'RAX',
  1: 'RCX',
  2: 'RDX',
  3: 'RBX',
  4: 'RSP',
  5: 'RBP',
  6: 'RSI',
  7: 'RDI',
  8: 'R8',
  9: 'R9',
  10: 'R10',
  11: 'R11',
  12: 'R12',
  13: 'R13',
  14: 'R14',
  15: 'R15',
} as const;

const DEBUG_EXCEPTION: BitLayout = [
  bit(0, 'B0', 'Breakpoint 0 was met.'),
  bit(1, 'B1', 'Breakpoint 1 was met.'),
  bit(2, 'B2', 'Breakpoint 2 was met.'),
  bit(3, 'B3', 'Breakpoint 3 was met.'),
  bit(11, 'BLD', 'A bus lock was detected.'),
  bit(13, 'BD', 'Access to a debug register was detected.'),
  bit(14, 'BS', 'Single step or taken branch.'),
  bit(16, 'RTM', 'In a transactional region.'),
];

const TASK_SWITCH: BitLayout = [
  group(15, 0, 'selector', 'Selector of the task-state segment switched to.'),
  group(31, 30, 'source', 'What started the task switch.', {
    0: 'CALL',
    1: 'IRET',
    2: 'JMP',
    3: 'task gate in the IDT',
  }),
];

const CONTROL_REGISTER: BitLayout = [
  group(3, 0, 'register', 'Number of the control register.', { 0: 'CR0', 3: 'CR3', 4: 'CR4', 8: 'CR8' }),
  group(5, 4, 'access', 'Kind of access.', { 0: 'MOV to CR', 1: 'MOV from CR', 2: 'CLTS', 3: 'LMSW' }),
  group(6, 6, 'LMSW operand', 'Operand type of LMSW.', { 0: 'register', 1: 'memory' }),
  group(11, 8, 'general register', 'General register of MOV CR.', GENERAL_REGISTERS),
  group(31, 16, 'LMSW source', 'Source data of LMSW.'),
];

const DEBUG_REGISTER: BitLayout = [
  group(2, 0, 'register', 'Number of the debug register.'),
  group(4, 4, 'direction', 'Direction of access.', { 0: 'MOV to DR', 1: 'MOV from DR' }),
  group(11, 8, 'general register', 'General register.', GENERAL_REGISTERS),
];

const IO_INSTRUCTION: BitLayout = [
  group(2, 0, 'size', 'Size of access.', { 0: '1 byte', 1: '2 bytes', 3: '4 bytes' }),
  group(3, 3, 'direction', 'Direction.', { 0: 'OUT', 1: 'IN' }),
  bit(4, 'string', 'INS or OUTS.'),
  bit(5, 'REP', 'With a REP prefix.'),
  group(6, 6, 'operand', 'Where the port number comes from.', { 0: 'DX', 1: 'immediate' }),
  group(31, 16, 'port', 'Port number.'),
];

const APIC_ACCESS: BitLayout = [
  group(11, 0, 'offset', 'Offset in the APIC page.'),
  group(15, 12, 'access', 'Type of access.', {
    0: 'linear, data read',
    1: 'linear, data write',
    2: 'linear, instruction fetch',
    3: 'linear, during event delivery',
    4: 'linear, asynchronous to instruction execution',
    10: 'guest-physical, during event delivery',
    11: 'guest-physical, asynchronous to instruction execution',
    15: 'guest-physical, instruction fetch or execution',
  }),
  bit(16, 'asynchronous', 'Asynchronous to instruction execution and not part of event delivery.'),
];

export const EPT_VIOLATION: BitLayout = [
  bit(0, 'read', 'The access was a data read.'),
  bit(1, 'write', 'The access was a data write.'),
  bit(2, 'fetch', 'The access was an instruction fetch.'),
  bit(3, 'readable', 'The guest-physical address is readable.'),
  bit(4, 'writable', 'The guest-physical address is writable.'),
  bit(
    5,
    'executable',
    'The guest-physical address is executable (with mode-based execute control: in supervisor mode).',
  ),
  bit(6, 'user executable', 'Executable in user mode, with mode-based execute control.'),
  bit(7, 'linear address valid', 'The guest-linear address field is valid.'),
  bit(8, 'final access', 'The access was to the translation of the linear address, not to a paging structure.'),
  bit(9, 'user page', 'The linear address is a user-mode address (advanced information).'),
  bit(10, 'writable page', 'Paging makes the linear address writable (advanced information).'),
  bit(11, 'execute-disable page', 'Paging makes the linear address execute-disable (advanced information).'),
  bit(12, 'NMI unblocking due to IRET', 'The fault occurred in an IRET that had unblocked NMIs.'),
  bit(13, 'shadow stack', 'The access was a shadow-stack access.'),
  bit(14, 'supervisor shadow stack', 'Bit 60 of the EPT entry that maps the page.'),
  bit(15, 'guest-paging verification', 'Guest-paging verification forbade it.'),
  bit(16, 'asynchronous', 'Asynchronous to instruction execution and not part of event delivery.'),
];

const ENTRY_FAILURE: BitLayout = [
  group(63, 0, 'cause', 'What about the guest state.', {
    0: 'no further information',
    2: 'loading the PDPTEs',
    3: 'injecting an NMI while events are blocked by STI',
    4: 'VMCS link pointer',
  }),
];

const UNBLOCKING = bit(12, 'NMI unblocking due to IRET', 'The event occurred in an IRET that had unblocked NMIs.');
const ASYNCHRONOUS = bit(16, 'asynchronous', 'Asynchronous to instruction execution and not part of event delivery.');

export const QUALIFICATIONS = {
  exception: [],
  'debug-exception': DEBUG_EXCEPTION,
  'linear-address': [group(63, 0, 'linear address', 'Linear address of the operand.')],
  sipi: [group(7, 0, 'vector', 'Vector of the start-up IPI.')],
  'task-switch': TASK_SWITCH,
  displacement: [group(63, 0, 'displacement', 'Displacement of the instruction (RIP-relative: the address).')],
  'control-register': CONTROL_REGISTER,
  'debug-register': DEBUG_REGISTER,
  'io-instruction': IO_INSTRUCTION,
  wrmsr: [group(0, 0, 'instruction', 'Which instruction.', { 0: 'WRMSR', 1: 'WRMSRNS' })],
  'entry-failure': ENTRY_FAILURE,
  'msr-loading': [group(31, 0, 'entry', 'Ordinal of the entry of the MSR-load area, from 1.')],
  mwait: [group(0, 0, 'monitor', 'Address-range monitoring.', { 0: 'not armed', 1: 'armed' })],
  'apic-access': APIC_ACCESS,
  eoi: [group(7, 0, 'vector', 'Vector of the virtual interrupt that was dismissed.')],
  'ept-violation': EPT_VIOLATION,
  wbinvd: [group(0, 0, 'instruction', 'Which instruction.', { 0: 'WBINVD', 1: 'WBNOINVD' })],
  'apic-write': [group(11, 0, 'offset', 'Page offset of the write.')],
  'iret-unblocking': [UNBLOCKING, ASYNCHRONOUS],
  spp: [
    group(11, 11, 'event', 'Kind of event.', { 0: 'SPP misconfiguration', 1: 'SPP miss' }),
    UNBLOCKING,
    ASYNCHRONOUS,
  ],
  pasid: [group(19, 0, 'PASID', 'Process address-space identifier.')],
  enqcmds: [group(31, 0, 'source', 'Low 32 bits of the source operand.')],
  'instruction-timeout': [bit(0, 'context invalid', 'The guest must not be resumed.'), UNBLOCKING],
  'msr-index': [group(31, 0, 'MSR', 'Index of the MSR whose access exited.')],
} as const satisfies Record<string, BitLayout>;

export type QualificationName = keyof typeof QUALIFICATIONS;

/**
 * The layout of an exit's qualification; that of an exception depends on its vector. Empty: the qualification carries nothing.
 *
 * @param interruptionInfo the VM-exit interruption-information field, for exit reason 0
 */
export function qualificationLayout(reason: number, interruptionInfo = 0): BitLayout {
  const row = exitReason(reason);
  if (row?.qualification === undefined) {
    return [];
  }
  if (row.qualification === 'exception') {
    const vector = interruptionInfo & 0xff;
    const hardware = ((interruptionInfo >> 8) & 7) !== 2;
    if (hardware && vector === EXCEPTIONS['#DB'].vector) {
      return DEBUG_EXCEPTION;
    }
    if (hardware && vector === EXCEPTIONS['#PF'].vector) {
      return QUALIFICATIONS['linear-address'];
    }
    return [];
  }
  return QUALIFICATIONS[row.qualification];
}

/** One line for a person: "CR3 ← RAX", "OUT 2 bytes to port 0x3f8 (DX)", "write to a page that is readable". */
export function describeQualification(reason: number, qualification: bigint, interruptionInfo = 0): string {
  const layout = qualificationLayout(reason, interruptionInfo);
  if (layout.length === 0) {
    return qualification === 0n ? '' : hex(qualification);
  }
  const text = (name: string): string =>
    describeBits(layout, qualification).fields.find((field) => field.name === name)?.text ?? '';
  const value = (name: string): bigint => fieldValue(fieldNamed(layout, name), qualification);
  switch (exitReason(reason)?.qualification) {
    case 'control-register':
      return describeControlRegister(text, value);
    case 'debug-register': {
      const register = `DR${value('register')}`;
      const general = text('general register');
      return value('direction') === 0n ? `${register} ← ${general}` : `${general} ← ${register}`;
    }
    case 'io-instruction': {
      const string = value('string') === 1n ? (value('REP') === 1n ? 'REP string ' : 'string ') : '';
      const preposition = value('direction') === 1n ? 'from' : 'to';
      return `${string}${text('direction')} ${text('size')} ${preposition} port ${hex(value('port'))} (${text('operand')})`;
    }
    case 'ept-violation':
      return describeEptViolation(qualification);
    case 'displacement':
      return `displacement ${hex(BigInt.asUintN(64, qualification))}`;
    case 'linear-address':
      return `linear address ${hex(qualification)}`;
    case 'exception':
      return qualificationLayout(reason, interruptionInfo) === DEBUG_EXCEPTION
        ? describeBits(layout, qualification).summary
        : `linear address ${hex(qualification)}`;
    case 'msr-loading':
      return `entry ${qualification} of the MSR-load area`;
    default:
      return describeBits(layout, qualification).summary;
  }
}

function describeControlRegister(text: (name: string) => string, value: (name: string) => bigint): string {
  switch (value('access')) {
    case 0n:
      return `${text('register')} ← ${text('general register')}`;
    case 1n:
      return `${text('general register')} ← ${text('register')}`;
    case 2n:
      return 'CLTS';
    default:
      return `LMSW ${hex(value('LMSW source'))} (${text('LMSW operand')} operand)`;
  }
}

function describeEptViolation(qualification: bigint): string {
  const on = (position: number) => ((qualification >> BigInt(position)) & 1n) === 1n;
  const access = [on(0) && 'read', on(1) && 'write', on(2) && 'fetch'].filter(Boolean).join(' and ') || 'access';
  const allowed = [on(3) && 'readable', on(4) && 'writable', on(5) && 'executable'].filter(Boolean).join(', ');
  const page = allowed === '' ? 'that is not present' : `that is ${allowed}`;
  const target = on(7) && !on(8) ? 'of a paging structure on a page' : 'of a page';
  const more = [
    on(12) && 'NMI unblocking due to IRET',
    on(13) && 'shadow-stack access',
    on(15) && 'guest-paging verification',
    on(16) && 'asynchronous',
  ].filter(Boolean);
  return [`${access} ${target} ${page}`, ...more].join(', ');
}
