// Ports that exist for tests and diagnostics: test exits F4H (QEMU's isa-debug-exit) and 8900H (Bochs: the word "Shutdown"),
// the debug console E9H, the diagnostic code port 80H with its neighbours (DMA page registers), the I/O delay port EDH.
import { allOnes, stateAccess } from './state.ts';
import type { Device } from './types.ts';

const TEST_EXIT = 0xf4;
const DEBUG_CONSOLE = 0xe9;
const DELAY = 0xed;
const DIAGNOSTIC = 0x80;
const SHUTDOWN = 0x8900;
const SHUTDOWN_WORD = 'Shutdown';

export interface DebugPortsWiring {
  output(byte: number): void;
  shutdown(status: number, port: number): void;
}

export function createDebugPorts(wiring: DebugPortsWiring): Device {
  const state = { codes: new Uint8Array(16), matched: 0 };
  return {
    name: 'debug ports',
    widePorts: true,
    ports: [
      { first: DIAGNOSTIC, last: DIAGNOSTIC + 15 },
      { first: DEBUG_CONSOLE, last: DEBUG_CONSOLE },
      { first: DELAY, last: DELAY },
      { first: TEST_EXIT, last: TEST_EXIT + 3 },
      { first: SHUTDOWN, last: SHUTDOWN },
    ],
    readPort(port, size) {
      if (port === DEBUG_CONSOLE) return 0xe9; // how a guest finds out that the port is there
      if (port >= TEST_EXIT && port < TEST_EXIT + 4) return 0;
      return port < DIAGNOSTIC + 16 ? state.codes[port - DIAGNOSTIC]! : allOnes(size);
    },
    writePort(port, _size, value) {
      if (port === TEST_EXIT) wiring.shutdown(((value << 1) | 1) >>> 0, port);
      else if (port === DEBUG_CONSOLE) wiring.output(value & 0xff);
      else if (port === SHUTDOWN) {
        const next = String.fromCharCode(value & 0xff);
        state.matched = next === SHUTDOWN_WORD[state.matched] ? state.matched + 1 : next === SHUTDOWN_WORD[0] ? 1 : 0;
        if (state.matched === SHUTDOWN_WORD.length) wiring.shutdown(0, port);
      } else if (port < DIAGNOSTIC + 16) state.codes[port - DIAGNOSTIC] = value & 0xff;
    },
    ...stateAccess(state),
  };
}
