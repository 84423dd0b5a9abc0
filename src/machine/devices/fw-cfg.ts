// QEMU's firmware configuration ports 510H (selector) and 511H (data), without DMA (QEMU documentation, "QEMU Firmware Configuration Device").
import { allOnes, stateAccess } from './state.ts';
import type { Device } from './types.ts';

const SELECTOR = 0x510;
const DATA = 0x511;

const littleEndian = (value: number, size: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  for (let index = 0, rest = value; index < size; index++, rest = Math.floor(rest / 256)) bytes[index] = rest % 256;
  return bytes;
};

export function createFwCfg(options: { readonly ramSize: number; readonly processors: number }): Device {
  const items: ReadonlyMap<number, Uint8Array> = new Map([
    [0x00, new TextEncoder().encode('QEMU')],
    [0x01, littleEndian(1, 4)], // interface version: the traditional one, no DMA
    [0x02, new Uint8Array(16)], // UUID
    [0x03, littleEndian(options.ramSize, 8)],
    [0x04, littleEndian(1, 2)], // no graphics
    [0x05, littleEndian(options.processors, 2)],
    [0x0e, littleEndian(0, 2)], // no boot menu
    [0x0f, littleEndian(options.processors, 2)],
    [0x19, new Uint8Array(4)], // file directory: no files
  ]);
  const state = { selected: 0, position: 0 };
  return {
    name: 'fw_cfg',
    widePorts: true,
    ports: [{ first: SELECTOR, last: DATA }],
    readPort(port, size) {
      if (port !== DATA || size !== 1) return allOnes(size);
      return items.get(state.selected)?.[state.position++] ?? 0;
    },
    writePort(port, size, value) {
      if (port !== SELECTOR || size !== 2) return;
      state.selected = value;
      state.position = 0;
    },
    ...stateAccess(state),
  };
}
