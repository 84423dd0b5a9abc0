// Registers of the local APIC, its virtual form, the posted-interrupt descriptor, and the I/O APIC's redirection entry (SDM, "Advanced
// Programmable Interrupt Controller", "Virtualized APIC Registers", "Posted-Interrupt Processing"; Intel 82093AA data sheet).

import { bit, type BitField, type BitLayout, group } from './bits.ts';

const DELIVERY_MODES = { 0: 'fixed', 1: 'lowest priority', 2: 'SMI', 4: 'NMI', 5: 'INIT', 6: 'start-up', 7: 'ExtINT' };

const VECTOR = group(7, 0, 'vector', 'Interrupt vector.');
const DELIVERY = group(10, 8, 'delivery', 'How it is delivered.', DELIVERY_MODES);
const STATUS = bit(12, 'send pending', 'It was sent and is not accepted yet.');
const MASK = bit(16, 'masked', 'It does not interrupt.');
const DESTINATION_MODE = group(11, 11, 'destination mode', 'How the destination is read.', {
  0: 'physical',
  1: 'logical',
});
const PIN: readonly BitField[] = [
  bit(13, 'active low', 'Polarity of the pin.'),
  bit(14, 'remote IRR', 'A level-triggered interrupt was accepted and has not ended.'),
  group(15, 15, 'trigger', 'What makes it interrupt.', { 0: 'edge', 1: 'level' }),
];

export const LVT_TIMER: BitLayout = [
  VECTOR,
  STATUS,
  MASK,
  group(18, 17, 'mode', 'What the timer does when it expires.', { 0: 'one-shot', 1: 'periodic', 2: 'TSC-deadline' }),
];
export const LVT_ERROR: BitLayout = [VECTOR, STATUS, MASK];
export const LVT_SENSOR: BitLayout = [VECTOR, DELIVERY, STATUS, MASK];
export const LVT_PIN: BitLayout = [VECTOR, DELIVERY, STATUS, ...PIN, MASK];

export const APIC_VERSION: BitLayout = [
  group(7, 0, 'version', '10H to 15H: integrated.'),
  group(23, 16, 'last LVT entry', 'Number of LVT entries less one.'),
  bit(24, 'EOI-broadcast suppression', 'Software can suppress EOI broadcasts.'),
];

export const SPURIOUS_VECTOR: BitLayout = [
  VECTOR,
  bit(8, 'enabled', 'The local APIC is enabled by software.'),
  bit(9, 'focus checking off', 'No focus processor checking.'),
  bit(12, 'EOI broadcasts suppressed', 'EOI is not told to the I/O APICs.'),
];

export const APIC_ERRORS: BitLayout = [
  bit(0, 'send checksum', 'A checksum was wrong when sending.'),
  bit(1, 'receive checksum', 'A checksum was wrong when receiving.'),
  bit(2, 'send accept', 'Nobody accepted a message.'),
  bit(3, 'receive accept', 'A message was not accepted.'),
  bit(4, 'redirectable IPI', 'Lowest-priority delivery was asked for and is not supported.'),
  bit(5, 'send illegal vector', 'A message was to be sent with a vector below 16.'),
  bit(6, 'receive illegal vector', 'A message came with a vector below 16, or an LVT entry had one.'),
  bit(7, 'illegal register', 'A register was accessed that does not exist.'),
];

export const INTERRUPT_COMMAND: BitLayout = [
  VECTOR,
  DELIVERY,
  DESTINATION_MODE,
  STATUS,
  bit(14, 'assert', 'Level; 0 is INIT level de-assert.'),
  group(15, 15, 'trigger', 'Trigger mode of INIT level de-assert.', { 0: 'edge', 1: 'level' }),
  group(19, 18, 'shorthand', 'Who receives it, when not the destination.', {
    0: 'destination',
    1: 'self',
    2: 'all',
    3: 'all but self',
  }),
];

/** Bits 3, 1 and 0. */
export const DIVIDE_CONFIGURATION: BitLayout = [
  group(3, 0, 'divide by', 'Divisor of the timer’s clock.', {
    0: '2',
    1: '4',
    2: '8',
    3: '16',
    8: '32',
    9: '64',
    10: '128',
    11: '1',
  }),
];

export const REDIRECTION_ENTRY: BitLayout = [
  VECTOR,
  DELIVERY,
  DESTINATION_MODE,
  STATUS,
  ...PIN,
  MASK,
  group(63, 56, 'destination', 'Local APICs that receive it.'),
];

/** Byte offsets of the registers in a virtual-APIC page that the processor itself uses. IRR and ISR are eight words, 16 bytes apart. */
export const VIRTUAL_APIC_OFFSETS = { VTPR: 0x80, VPPR: 0xa0, VEOI: 0xb0, VISR: 0x100, VIRR: 0x200 } as const;

/** A posted-interrupt descriptor: 64 bytes; bits 255:0 are the posted-interrupt requests. */
export const POSTED_INTERRUPT_BYTES = 64;
/** Its bits 319:256, as a 64-bit word. Those but ON belong to software and remapping hardware. */
export const POSTED_INTERRUPT_CONTROL: BitLayout = [
  bit(0, 'ON', 'Outstanding notification: interrupts are posted.'),
  bit(1, 'SN', 'Notifications are suppressed.'),
  group(23, 16, 'NV', 'Notification vector.'),
  group(63, 32, 'NDST', 'Local APIC that is notified.'),
];
