// The tables by which firmware describes processors and interrupt wiring without ACPI (Intel MultiProcessor Specification 1.4,
// "MP Configuration Table").

import { checksum, text, u16, u32 } from './bytes.ts';

export interface MpSystem {
  /** Local APIC IDs; the first is the bootstrap processor's. */
  readonly processors: readonly number[];
  /** CPUID leaf 1: EAX and EDX. */
  readonly signature: number;
  readonly features: number;
}

const LOCAL_APIC = 0xfee00000;
const IO_APIC = 0xfec00000;
const REVISION = 4; // 1.4
const HEADER_SIZE = 44;
const ENTRY_PROCESSOR = 0;
const ENTRY_BUS = 1;
const ENTRY_IO_APIC = 2;
const ENTRY_IO_INTERRUPT = 3;
const ENTRY_LOCAL_INTERRUPT = 4;
const INTERRUPT = 0;
const NMI = 1;
const EXTERNAL = 3;
const ALL_PROCESSORS = 0xff;

/** The floating pointer structure, for a multiple of 16 bytes in F0000H to FFFFFH. */
export function mpFloatingPointer(table: number): Uint8Array {
  const bytes = [...text('_MP_'), ...u32(table), 1, REVISION, 0, 0, 0, 0, 0, 0];
  bytes[10] = checksum(bytes);
  return Uint8Array.from(bytes);
}

/** The configuration table: processors, the ISA bus, the I/O APIC, and what is wired where (the timer to input 2). */
export function mpConfigurationTable({ processors, signature, features }: MpSystem): Uint8Array {
  const entries = [
    ...processors.map((id, index) => [
      ENTRY_PROCESSOR,
      id,
      0x14,
      index === 0 ? 3 : 1,
      ...u32(signature),
      ...u32(features),
      ...u32(0),
      ...u32(0),
    ]),
    [ENTRY_BUS, 0, ...text('ISA   ')],
    [ENTRY_IO_APIC, 0, 0x20, 1, ...u32(IO_APIC)],
    ...[0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((irq) => [
      ENTRY_IO_INTERRUPT,
      INTERRUPT,
      0,
      0,
      0,
      irq,
      0,
      irq === 0 ? 2 : irq,
    ]),
    [ENTRY_LOCAL_INTERRUPT, EXTERNAL, 0, 0, 0, 0, 0, 0],
    [ENTRY_LOCAL_INTERRUPT, NMI, 0, 0, 0, 0, ALL_PROCESSORS, 1],
  ];
  const body = entries.flat();
  const oem = [...text('RINGSIDE'), ...text('VT-X MACHINE'), ...u32(0), ...u16(0)];
  const head = [
    ...text('PCMP'),
    ...u16(HEADER_SIZE + body.length),
    REVISION,
    0,
    ...oem,
    ...u16(entries.length),
    ...u32(LOCAL_APIC),
    ...u16(0),
    0,
    0,
  ];
  const bytes = [...head, ...body];
  bytes[7] = checksum(bytes);
  return Uint8Array.from(bytes);
}
