// The 8042 keyboard controller with nothing plugged in, and port 92H (IBM PS/2 Hardware Interface Technical Reference,
// "Keyboard and auxiliary device controller"). Address line 20 is always on.
import { stateAccess } from './state.ts';
import type { Device } from './types.ts';

const DATA = 0x60;
const COMMAND = 0x64;
const SYSTEM_CONTROL = 0x92;

const STATUS_OUTPUT_FULL = 0x01;
const STATUS_SYSTEM = 0x04;
const STATUS_COMMAND = 0x08;
const STATUS_NOT_LOCKED = 0x10;
const OUTPUT_A20 = 0x02;
const OUTPUT_NO_RESET = 0x01;

export interface KeyboardControllerWiring {
  reset(port: number): void;
  unsimulated(explanation: string): void;
}

const NO_A20_GATE = 'The guest turned address line 20 off, which is not simulated.';

export function createKeyboardController(wiring: KeyboardControllerWiring): Device {
  const state = {
    output: [] as number[],
    pendingCommand: 0,
    lastWasCommand: false,
    ram: new Uint8Array(32),
    control: 2,
  };
  state.ram[0] = 0x75; // system flag, both devices' clocks off, translation, interrupt enables off but for the keyboard's

  function setOutputPort(value: number): void {
    if (!(value & OUTPUT_NO_RESET)) wiring.reset(COMMAND);
    if (!(value & OUTPUT_A20)) wiring.unsimulated(NO_A20_GATE);
  }

  function command(value: number): void {
    if (value >= 0x20 && value <= 0x3f) answer(state.ram[value & 31]!);
    else if (value >= 0x60 && value <= 0x7f) state.pendingCommand = value;
    else if (value >= 0xf0) {
      if (!(value & 1)) wiring.reset(COMMAND); // pulse output line 0
    } else {
      switch (value) {
        case 0xaa: // self-test
          answer(0x55);
          break;
        case 0xab: // keyboard interface test
        case 0xa9: // auxiliary interface test
          answer(0x00);
          break;
        case 0xa7:
          state.ram[0]! |= 0x20;
          break;
        case 0xa8:
          state.ram[0]! &= ~0x20;
          break;
        case 0xad:
          state.ram[0]! |= 0x10;
          break;
        case 0xae:
          state.ram[0]! &= ~0x10;
          break;
        case 0xc0: // input port: keyboard not locked
          answer(0x80);
          break;
        case 0xd0:
          answer(OUTPUT_NO_RESET | OUTPUT_A20);
          break;
        case 0xd1:
        case 0xd2:
        case 0xd3:
        case 0xd4:
          state.pendingCommand = value;
          break;
        case 0xdd:
          wiring.unsimulated(NO_A20_GATE);
          break;
        default: // 0xDF, line 20 on, is as it is; others do nothing
      }
    }
  }

  const answer = (byte: number): void => {
    state.output = [byte];
  };

  function data(value: number): void {
    const { pendingCommand } = state;
    state.pendingCommand = 0;
    if (pendingCommand === 0xd1) setOutputPort(value);
    else if (pendingCommand === 0xd2 || pendingCommand === 0xd3) answer(value);
    else if (pendingCommand >= 0x60 && pendingCommand <= 0x7f) state.ram[pendingCommand & 31] = value;
    // Anything else goes to a keyboard or pointing device that is not there: no answer comes.
  }

  return {
    name: 'keyboard controller',
    ports: [
      { first: DATA, last: DATA },
      { first: COMMAND, last: COMMAND },
      { first: SYSTEM_CONTROL, last: SYSTEM_CONTROL },
    ],
    readPort(port) {
      if (port === SYSTEM_CONTROL) return state.control;
      if (port === DATA) return state.output.shift() ?? 0;
      const full = state.output.length > 0 ? STATUS_OUTPUT_FULL : 0;
      return STATUS_NOT_LOCKED | STATUS_SYSTEM | full | (state.lastWasCommand ? STATUS_COMMAND : 0);
    },
    writePort(port, _size, value) {
      const byte = value & 0xff;
      if (port === SYSTEM_CONTROL) {
        if (!(byte & 2)) wiring.unsimulated(NO_A20_GATE);
        state.control = (byte & 0xfe) | 2;
        if (byte & 1) wiring.reset(port);
        return;
      }
      state.lastWasCommand = port === COMMAND;
      if (port === COMMAND) command(byte);
      else data(byte);
    },
    ...stateAccess(state),
  };
}
