// The physical memory map of a PC: what INT 15H, AX = E820H answers (ACPI Specification, "System Address Map Interfaces"), and what
// boot loaders pass on.

/** Address range types (ACPI Specification, "Address Range Types"). */
export const MEMORY_AVAILABLE = 1;
export const MEMORY_RESERVED = 2;

/** Memory that a PC has below the extended BIOS data area, in KiB. */
export const LOWER_KILOBYTES = 639;
/** The extended BIOS data area: the last KiB below A0000H. */
export const EXTENDED_DATA = LOWER_KILOBYTES * 1024;
const VIDEO = 0xa0000;
const ROM = 0xf0000;
const HIGH = 0x100000;

export interface AddressRange {
  /** Physical address. */
  readonly address: number;
  /** In bytes. */
  readonly size: number;
  readonly type: number;
}

/** The map of a machine with `ramSize` bytes of RAM, at least 1 MiB. */
export function memoryMap(ramSize: number): AddressRange[] {
  return [
    { address: 0, size: EXTENDED_DATA, type: MEMORY_AVAILABLE },
    { address: EXTENDED_DATA, size: VIDEO - EXTENDED_DATA, type: MEMORY_RESERVED },
    { address: ROM, size: HIGH - ROM, type: MEMORY_RESERVED },
    { address: HIGH, size: ramSize - HIGH, type: MEMORY_AVAILABLE },
  ].filter(({ size }) => size > 0);
}
