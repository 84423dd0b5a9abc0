// The port to which the firmware's entries for missing services write: AX of the caller (16 bits), then the vector (8 bits).
import { allOnes, stateAccess } from './state.ts';
import type { Device } from './types.ts';

const PORT = 0x8901;

const hex = (value: number, digits: number): string => `${value.toString(16).toUpperCase().padStart(digits, '0')}H`;

/** `stop` ends the run with the reason in words. */
export function createFirmwareReport(stop: (explanation: string) => void): Device {
  const state = { ax: 0 };
  return {
    name: 'firmware report',
    widePorts: true,
    ports: [{ first: PORT, last: PORT }],
    readPort: (_port, size) => allOnes(size),
    writePort(_port, size, value) {
      if (size === 2) state.ax = value;
      if (size !== 1) return;
      stop(
        `Real-mode code reached the firmware's entry for interrupt vector ${hex(value, 2)} with AX ${hex(state.ax, 4)}. ` +
          'The firmware here has a few services of INT 10H to 16H and 1AH (docs/reference/platform.md): others, and exceptions and ' +
          'interrupts that the program left to the firmware, are not simulated.',
      );
    },
    ...stateAccess(state),
  };
}
