// QEMU's device for test suites (pc-testdev): a data port, interrupt lines by port, a little memory.
import { allOnes, stateAccess } from './state.ts';
import type { Device } from './types.ts';

const DATA = 0xe0; // 4 bytes that keep what is written
const FLUSH = 0xe4; // in QEMU, unmaps a page from the host for a moment: nothing that a guest could see
const LINES = 0x2000;
const LINE_COUNT = 24;
const MEMORY = 0xff000000;
const MEMORY_SIZE = 0x10000;

/** `setLine` drives an ISA interrupt (0 to 15), or an input of the I/O APIC alone (16 to 23). */
export function createTestDevice(setLine: (line: number, level: boolean) => void): Device {
  const state = { data: new Uint8Array(4), memory: new Uint8Array(MEMORY_SIZE) };

  function read(bytes: Uint8Array, offset: number, size: number): number {
    let value = 0;
    for (let index = size - 1; index >= 0; index--) value = (value << 8) | (bytes[offset + index] ?? 0);
    return value >>> 0;
  }

  function write(bytes: Uint8Array, offset: number, size: number, value: number): void {
    for (let index = 0; index < size && offset + index < bytes.length; index++)
      bytes[offset + index] = value >>> (8 * index);
  }

  return {
    name: 'test device',
    widePorts: true,
    ports: [
      { first: DATA, last: FLUSH + 3 },
      { first: LINES, last: LINES + LINE_COUNT - 1 },
    ],
    readPort: (port, size) => (port < FLUSH ? read(state.data, port - DATA, size) : allOnes(size)),
    writePort(port, size, value) {
      if (port >= LINES) setLine(port - LINES, (value & 0xff) !== 0);
      else if (port < FLUSH) write(state.data, port - DATA, size, value);
    },
    memory: () => [{ first: MEMORY, last: MEMORY + MEMORY_SIZE - 1 }],
    readMemory: (address, size) => read(state.memory, address - MEMORY, size),
    writeMemory: (address, size, value) => write(state.memory, address - MEMORY, size, value),
    ...stateAccess(state),
  };
}
