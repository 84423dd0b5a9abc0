// What firmware leaves in low memory: real-mode interrupt vectors with one service behind them, the BIOS data area, the
// MultiProcessor tables. Programs are loaded over it where they like.
import { type MpSystem, mpConfigurationTable, mpFloatingPointer } from './mp-table.ts';
import { ENTRY_DISPLACEMENT, SERVICES } from './rom.ts';

const ROM = 0xfe000; // F000:E000
const ROM_SEGMENT = 0xf000;
const ROM_OFFSET = 0xe000;
const VECTORS = 256;
const VIDEO = 0x10;
const MP_POINTER = 0xf5a00;
const MP_TABLE = 0xf5a10;
const DATA_AREA = 0x400;
const EXTENDED_DATA = 0x9fc00;
/** Equipment word: one serial port, 80 columns in colour. */
const EQUIPMENT = 0x0220;
const LOWER_KILOBYTES = 639;

/** Writes it all into the first MiB of RAM. */
export function writeFirmware(memory: DataView, system: MpSystem): void {
  const put = (address: number, bytes: ArrayLike<number>): void => {
    for (let index = 0; index < bytes.length; index++) memory.setUint8(address + index, bytes[index]!);
  };
  for (let vector = 0; vector < VECTORS; vector++) {
    const entry = vector * 4;
    put(ROM + entry, [0xe8, 0, 0, 0x90]);
    memory.setUint16(ROM + entry + 1, ENTRY_DISPLACEMENT - entry, true);
    memory.setUint16(vector * 4, ROM_OFFSET + (vector === VIDEO ? VECTORS * 4 : entry), true);
    memory.setUint16(vector * 4 + 2, ROM_SEGMENT, true);
  }
  put(ROM + VECTORS * 4, SERVICES);
  memory.setUint16(DATA_AREA, 0x3f8, true); // COM1
  memory.setUint16(DATA_AREA + 0x0e, EXTENDED_DATA >> 4, true);
  memory.setUint16(DATA_AREA + 0x10, EQUIPMENT, true);
  memory.setUint16(DATA_AREA + 0x13, LOWER_KILOBYTES, true);
  memory.setUint8(EXTENDED_DATA, 1); // its size in KiB
  put(MP_POINTER, mpFloatingPointer(MP_TABLE));
  put(MP_TABLE, mpConfigurationTable(system));
}
