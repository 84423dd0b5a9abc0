// COM1: a 16550A that is always ready to send (National Semiconductor PC16550D data sheet, "Registers").
import { stateAccess } from './state.ts';
import type { Device } from './types.ts';

const BASE = 0x3f8;
const FIFO_DEPTH = 16;
const TRIGGER_LEVELS = [1, 4, 8, 14];

const IER_RECEIVED = 1;
const IER_TRANSMITTER_EMPTY = 2;
const IER_LINE_STATUS = 4;
const IER_MODEM_STATUS = 8;
const LSR_DATA_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_TRANSMITTER_EMPTY = 0x60;
const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOPBACK = 0x10;
/** Modem lines of a terminal that is there: clear to send, data set ready, carrier. */
const MODEM_READY = 0xb0;

export interface SerialPort extends Device {
  /** Bytes from outside: they wait, however many, until the receiver has room. */
  receive(bytes: Uint8Array): void;
}

export interface SerialWiring {
  send(byte: number): void;
  setLine(level: boolean): void;
}

export function createSerialPort(wiring: SerialWiring): SerialPort {
  const state = {
    divisor: 12, // 9600 baud
    interruptEnable: 0,
    lineControl: 3,
    modemControl: 0,
    modemStatus: MODEM_READY,
    scratch: 0,
    fifoControl: 0,
    lineErrors: 0,
    transmitterPending: false,
    received: [] as number[],
    waiting: [] as number[],
  };

  const fifo = (): boolean => (state.fifoControl & 1) !== 0;
  const capacity = (): number => (fifo() ? FIFO_DEPTH : 1);
  const divisorAccess = (): boolean => (state.lineControl & 0x80) !== 0;

  /** Interrupt identification without the FIFO bits: the highest-priority source, 1 for none. */
  function identification(): number {
    const enabled = state.interruptEnable;
    if (enabled & IER_LINE_STATUS && state.lineErrors) return 6;
    if (enabled & IER_RECEIVED && state.received.length > 0) {
      const trigger = fifo() ? TRIGGER_LEVELS[state.fifoControl >> 6]! : 1;
      return state.received.length >= trigger ? 4 : 12;
    }
    if (enabled & IER_TRANSMITTER_EMPTY && state.transmitterPending) return 2;
    if (enabled & IER_MODEM_STATUS && state.modemStatus & 15) return 0;
    return 1;
  }

  function update(): void {
    while (state.waiting.length > 0 && state.received.length < capacity() && !(state.modemControl & MCR_LOOPBACK)) {
      state.received.push(state.waiting.shift()!);
    }
    // In a PC, OUT2 gates the line. Kernels that never set it expect their interrupts all the same, because emulators deliver them.
    wiring.setLine(identification() !== 1);
  }

  function transmit(byte: number): void {
    state.transmitterPending = true;
    if (!(state.modemControl & MCR_LOOPBACK)) wiring.send(byte);
    else if (state.received.length < capacity()) state.received.push(byte);
    else {
      state.lineErrors |= LSR_OVERRUN;
      if (!fifo()) state.received[0] = byte;
    }
  }

  /** Modem lines as they stand: the terminal's, or in loopback the port's own outputs. */
  function modemLines(): number {
    const control = state.modemControl;
    if (!(control & MCR_LOOPBACK)) return MODEM_READY;
    return (
      (control & MCR_RTS ? 0x10 : 0) |
      (control & MCR_DTR ? 0x20 : 0) |
      (control & MCR_OUT1 ? 0x40 : 0) |
      (control & MCR_OUT2 ? 0x80 : 0)
    );
  }

  function updateModem(): void {
    const before = state.modemStatus;
    const lines = modemLines();
    const changed = (before ^ lines) >> 4;
    const deltas = (changed & 0b1011) | (changed & 4 && !(lines & 0x40) ? 4 : 0); // the ring indicator counts on its trailing edge
    state.modemStatus = lines | (before & 15) | deltas;
  }

  function read(register: number): number {
    switch (register) {
      case 0:
        return divisorAccess() ? state.divisor & 0xff : (state.received.shift() ?? 0);
      case 1:
        return divisorAccess() ? state.divisor >> 8 : state.interruptEnable;
      case 2: {
        const cause = identification();
        if (cause === 2) state.transmitterPending = false;
        return cause | (fifo() ? 0xc0 : 0);
      }
      case 3:
        return state.lineControl;
      case 4:
        return state.modemControl;
      case 5: {
        const status = LSR_TRANSMITTER_EMPTY | state.lineErrors | (state.received.length > 0 ? LSR_DATA_READY : 0);
        state.lineErrors = 0;
        return status;
      }
      case 6: {
        const status = state.modemStatus;
        state.modemStatus &= 0xf0;
        return status;
      }
      default:
        return state.scratch;
    }
  }

  function write(register: number, value: number): void {
    switch (register) {
      case 0:
        if (divisorAccess()) state.divisor = (state.divisor & 0xff00) | value;
        else transmit(value);
        break;
      case 1:
        if (divisorAccess()) state.divisor = (state.divisor & 0xff) | (value << 8);
        else {
          if (value & ~state.interruptEnable & IER_TRANSMITTER_EMPTY) state.transmitterPending = true;
          state.interruptEnable = value & 15;
        }
        break;
      case 2:
        if ((value ^ state.fifoControl) & 1 || value & 2) state.received = [];
        state.fifoControl = value & 1 ? value & 0xc9 : 0;
        break;
      case 3:
        state.lineControl = value;
        break;
      case 4:
        state.modemControl = value & 0x1f;
        updateModem();
        break;
      case 7:
        state.scratch = value;
        break;
      default: // line and modem status are read-only
    }
  }

  return {
    name: 'COM1',
    ports: [{ first: BASE, last: BASE + 7 }],
    readPort(port) {
      const value = read(port - BASE);
      update();
      return value;
    },
    writePort(port, _size, value) {
      write(port - BASE, value & 0xff);
      update();
    },
    receive(bytes) {
      state.waiting.push(...bytes);
      update();
    },
    ...stateAccess(state),
  };
}
