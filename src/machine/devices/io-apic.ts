// The I/O APIC (Intel 82093AA data sheet; version 20H has the EOI register of its successors): 24 pins.
import type { IoApicState } from '../interrupt-state.ts';
import { DELIVERY_EXTERNAL, DELIVERY_FIXED, DELIVERY_LOWEST, type ApicMessage, everyone } from './local-apic.ts';
import { allOnes, stateAccess } from './state.ts';
import type { Device } from './types.ts';

export const IO_APIC_ADDRESS = 0xfec00000;
const PINS = 24;
const VERSION = 0x20 | ((PINS - 1) << 16);
const SELECT = 0x00;
const WINDOW = 0x10;
const END_OF_INTERRUPT = 0x40;

const LOW_LEVEL = 1 << 15;
const LOW_MASKED = 1 << 16;
const LOW_REMOTE = 1 << 14;
/** Bits of a redirection entry's low half that software writes: not delivery status, not remote IRR. */
const LOW_WRITABLE = 0x1afff;

export interface IoApic extends Device {
  setLine(pin: number, level: boolean): void;
  /** A local APIC ended a level-triggered interrupt. */
  endOfInterrupt(vector: number): void;
  /** True when a change of this pin can be seen. */
  isOpen(pin: number): boolean;
  /** True when pin 0 passes the 8259s on as an external interrupt to a local APIC for which `isMeant` holds. */
  passesExternal(isMeant: (message: ApicMessage) => boolean): boolean;
  peek(): IoApicState;
}

/** `deliver` answers whether a local APIC accepted the message. */
export function createIoApic(deliver: (message: ApicMessage) => boolean): IoApic {
  const state = {
    id: 0,
    select: 0,
    low: new Array<number>(PINS).fill(LOW_MASKED),
    high: new Array<number>(PINS).fill(0),
    lines: new Array<boolean>(PINS).fill(false),
  };

  function message(pin: number, level: boolean): ApicMessage {
    const low = state.low[pin]!;
    return {
      vector: low & 0xff,
      delivery: (low >> 8) & 7,
      level,
      logical: (low & 0x800) !== 0,
      destination: everyone(state.high[pin]! >>> 24),
      shorthand: 0,
    };
  }

  function send(pin: number): void {
    const low = state.low[pin]!;
    const delivery = (low >> 8) & 7;
    const level = (low & LOW_LEVEL) !== 0 && (delivery === DELIVERY_FIXED || delivery === DELIVERY_LOWEST);
    if (low & LOW_MASKED || delivery === DELIVERY_EXTERNAL || (level && low & LOW_REMOTE)) return;
    const accepted = deliver(message(pin, level));
    if (accepted && level) state.low[pin] = low | LOW_REMOTE;
  }

  /** A level-triggered pin whose line is up asks again. */
  function service(pin: number): void {
    if (state.lines[pin] && state.low[pin]! & LOW_LEVEL) send(pin);
  }

  function readRegister(index: number): number {
    if (index === 0 || index === 2) return state.id << 24;
    if (index === 1) return VERSION;
    const pin = (index - 0x10) >> 1;
    if (index < 0x10 || pin >= PINS) return 0;
    return (index & 1 ? state.high[pin]! : state.low[pin]!) >>> 0;
  }

  function writeRegister(index: number, value: number): void {
    if (index === 0) state.id = (value >>> 24) & 15;
    const pin = (index - 0x10) >> 1;
    if (index < 0x10 || pin >= PINS) return;
    if (index & 1) state.high[pin] = (value & 0xff000000) >>> 0;
    else {
      const remote = value & LOW_LEVEL ? state.low[pin]! & LOW_REMOTE : 0; // an edge-triggered entry has none
      state.low[pin] = (value & LOW_WRITABLE) | remote;
      service(pin);
    }
  }

  function endOfInterrupt(vector: number): void {
    for (let pin = 0; pin < PINS; pin++) {
      const low = state.low[pin]!;
      if ((low & 0xff) !== vector || !(low & LOW_LEVEL)) continue;
      state.low[pin] = low & ~LOW_REMOTE;
      service(pin);
    }
  }

  return {
    name: 'I/O APIC',
    memory: () => [{ first: IO_APIC_ADDRESS, last: IO_APIC_ADDRESS + 0xfff }],
    readMemory(address, size) {
      const offset = address - IO_APIC_ADDRESS;
      const aligned = offset & ~3;
      if (aligned !== SELECT && aligned !== WINDOW) return allOnes(size);
      const value = aligned === SELECT ? state.select : readRegister(state.select);
      return ((value >>> ((offset & 3) * 8)) & allOnes(size)) >>> 0;
    },
    writeMemory(address, size, value) {
      const offset = address - IO_APIC_ADDRESS;
      if (offset === SELECT) state.select = value & 0xff;
      else if (offset === WINDOW && size === 4) writeRegister(state.select, value);
      else if (offset === END_OF_INTERRUPT) endOfInterrupt(value & 0xff);
    },
    setLine(pin, level) {
      const rose = level && !state.lines[pin];
      state.lines[pin] = level;
      if (state.low[pin]! & LOW_LEVEL) service(pin);
      else if (rose) send(pin);
    },
    endOfInterrupt,
    isOpen: (pin) => !(state.low[pin]! & LOW_MASKED),
    passesExternal: (isMeant) =>
      !(state.low[0]! & LOW_MASKED) && ((state.low[0]! >> 8) & 7) === DELIVERY_EXTERNAL && isMeant(message(0, false)),
    peek: () => ({
      page: IO_APIC_ADDRESS,
      id: state.id,
      version: VERSION,
      pins: state.lines.map((line, pin) => ({
        entry: (BigInt(state.high[pin]! >>> 0) << 32n) | BigInt(state.low[pin]! >>> 0),
        line,
      })),
    }),
    ...stateAccess(state),
  };
}
