// What firmware leaves in low memory: real-mode interrupt vectors with a few services behind them, the BIOS data area, the
// MultiProcessor and ACPI tables. Programs are loaded over it where they like.
import { EXTENDED_DATA, LOWER_KILOBYTES, memoryMap } from '../../spec/memory-map.ts';
import { acpiTables } from './acpi-tables.ts';
import { type MpSystem, mpConfigurationTable, mpFloatingPointer } from './mp-table.ts';
import { ENTRY_DISPLACEMENT, SERVICES } from './rom.ts';

const ROM = 0xfe000; // F000:E000
const ROM_SEGMENT = 0xf000;
const ROM_OFFSET = 0xe000;
const VECTORS = 256;
const ACPI = 0xf5000;
const MP_POINTER = 0xf5a00;
const MP_TABLE = 0xf5a10;
const DATA_AREA = 0x400;
/** Equipment word: one serial port, 80 columns in colour. */
const EQUIPMENT = 0x0220;

/** Writes it all into `memory`, the first MiB of RAM, of which there are `ramSize` bytes. */
export function writeFirmware(memory: DataView, system: MpSystem, ramSize: number): void {
  const put = (address: number, bytes: ArrayLike<number>): void => {
    for (let index = 0; index < bytes.length; index++) memory.setUint8(address + index, bytes[index]!);
  };
  for (let vector = 0; vector < VECTORS; vector++) {
    const entry = vector * 4;
    put(ROM + entry, [0xe8, 0, 0, 0x90]);
    memory.setUint16(ROM + entry + 1, ENTRY_DISPLACEMENT - entry, true);
    memory.setUint16(vector * 4, ROM_OFFSET + entry, true);
    memory.setUint16(vector * 4 + 2, ROM_SEGMENT, true);
  }
  put(ROM + VECTORS * 4, SERVICES);
  writeServiceVectors(memory);
  writeMemorySizes(memory, ramSize);
  memory.setUint16(DATA_AREA, 0x3f8, true); // COM1
  memory.setUint16(DATA_AREA + 0x0e, EXTENDED_DATA >> 4, true);
  memory.setUint16(DATA_AREA + 0x10, EQUIPMENT, true);
  memory.setUint16(DATA_AREA + 0x13, LOWER_KILOBYTES, true);
  memory.setUint8(EXTENDED_DATA, 1); // its size in KiB
  put(ACPI, acpiTables(system.processors, ACPI));
  put(MP_POINTER, mpFloatingPointer(MP_TABLE));
  put(MP_TABLE, mpConfigurationTable(system));
}

/** The services begin with their own list: vector, offset, …, 0. */
function writeServiceVectors(memory: DataView): void {
  for (let at = ROM + VECTORS * 4; ; at += 4) {
    const vector = memory.getUint16(at, true);
    if (vector === 0) return;
    memory.setUint16(vector * 4, memory.getUint16(at + 2, true), true);
  }
}

/** They end with four words and the map (rom.asm, below_16m and what follows it). */
function writeMemorySizes(memory: DataView, ramSize: number): void {
  const end = ROM + VECTORS * 4 + SERVICES.length;
  const map = memoryMap(ramSize);
  const extended = (ramSize - 0x100000) / 1024;
  const below16 = Math.min(extended, 15 * 1024);
  [below16, (extended - below16) / 64, Math.min(extended, 63 * 1024), map.length].forEach((value, index) => {
    memory.setUint16(end - 8 + index * 2, value, true);
  });
  map.forEach(({ address, size, type }, index) => {
    memory.setUint32(end + index * 20, address, true);
    memory.setUint32(end + index * 20 + 8, size, true);
    memory.setUint32(end + index * 20 + 16, type, true);
  });
}
