// PCI configuration mechanism 1 (PCI Local Bus Specification, "Software Generation of Configuration Transactions") with no device on the bus,
// and the reset control register at CF9H (Intel 82371 data sheet).
import { allOnes, stateAccess } from './state.ts';
import type { Device } from './types.ts';

const ADDRESS = 0xcf8;
const RESET_CONTROL = 0xcf9;
const RESET_CPU = 4;

/** `reset` is called when a guest asks for a reset through CF9H. */
export function createPci(reset: (port: number) => void): Device {
  const state = { address: 0, control: 0 };
  return {
    name: 'PCI',
    widePorts: true,
    ports: [{ first: ADDRESS, last: ADDRESS + 7 }],
    readPort(port, size) {
      if (port === ADDRESS && size === 4) return state.address;
      return port === RESET_CONTROL && size === 1 ? state.control : allOnes(size);
    },
    writePort(port, size, value) {
      if (port === ADDRESS && size === 4) state.address = (value & 0x80fffffc) >>> 0;
      if (port !== RESET_CONTROL || size !== 1) return;
      const rises = (value & RESET_CPU) !== 0 && !(state.control & RESET_CPU);
      state.control = value & 0x0e;
      if (rises) reset(port);
    },
    ...stateAccess(state),
  };
}
