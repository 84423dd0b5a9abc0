// The real-time clock and its CMOS memory (Motorola MC146818A data sheet), with the memory-size bytes that PC firmware leaves.
// The date at power-on is an option: the machine never asks the world what time it is. IRQ 8.
import { NANOSECONDS, ticksAt, timeOfTick } from './clock.ts';
import { stateAccess } from './state.ts';
import type { Device } from './types.ts';

const CRYSTAL = 32_768;
/** The update-in-progress bit leads an update by 244 microseconds and stays during its 1984. */
const UPDATE_NANOSECONDS = 2_228_000;

const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const REGISTER_D = 0x0d;
const CENTURY = 0x32;
const B_SET = 0x80;
const B_HOURS_24 = 0x02;
const B_BINARY = 0x04;
const PERIODIC = 0x40;
const ALARM = 0x20;
const UPDATE = 0x10;

export interface RtcWiring {
  now(): number;
  setLine(level: boolean): void;
  /** False while no interrupt controller would pass IRQ 8 on. */
  isOpen(): boolean;
}

export interface RtcOptions {
  readonly ramSize: number;
  /** Date and time at power-on, in seconds since 1970-01-01 00:00:00. */
  readonly startSeconds: number;
}

export function createRtc(wiring: RtcWiring, options: RtcOptions): Device {
  const state = {
    index: 0,
    memory: initialMemory(options.ramSize),
    /** Date in seconds since 1970 at machine time `base`. */
    seconds: options.startSeconds,
    base: 0,
    /** Machine time up to which updates and periods are accounted for. */
    seen: 0,
    flags: 0,
  };

  const cell = (index: number): number => state.memory[index]!;
  const dateAt = (time: number): number => state.seconds + Math.floor((time - state.base) / NANOSECONDS);
  const isSetting = (): boolean => (cell(REGISTER_B) & B_SET) !== 0;
  /** Ticks of the crystal in a period of the periodic interrupt; 0 when it is off. */
  function periodTicks(): number {
    const rate = cell(REGISTER_A) & 15;
    if (rate === 0 || (cell(REGISTER_A) & 0x70) !== 0x20) return 0;
    return rate <= 2 ? 1 << (rate + 6) : 1 << (rate - 1);
  }

  const encode = (value: number): number =>
    cell(REGISTER_B) & B_BINARY ? value : Math.floor(value / 10) * 16 + (value % 10);
  const decode = (value: number): number => (cell(REGISTER_B) & B_BINARY ? value : (value >> 4) * 10 + (value & 15));

  function encodeHour(hour: number): number {
    if (cell(REGISTER_B) & B_HOURS_24) return encode(hour);
    return encode(hour % 12 === 0 ? 12 : hour % 12) | (hour >= 12 ? 0x80 : 0);
  }

  function decodeHour(value: number): number {
    if (cell(REGISTER_B) & B_HOURS_24) return decode(value);
    return (decode(value & 0x7f) % 12) + (value & 0x80 ? 12 : 0);
  }

  /** Writes the date into the ten clock bytes. */
  function publish(time: number): void {
    if (isSetting()) return;
    const date = new Date(dateAt(time) * 1000);
    const year = date.getUTCFullYear();
    const { memory } = state;
    memory[0] = encode(date.getUTCSeconds());
    memory[2] = encode(date.getUTCMinutes());
    memory[4] = encodeHour(date.getUTCHours());
    memory[6] = encode(date.getUTCDay() + 1);
    memory[7] = encode(date.getUTCDate());
    memory[8] = encode(date.getUTCMonth() + 1);
    memory[9] = encode(year % 100);
    memory[CENTURY] = Math.floor(year / 1000) * 16 + (Math.floor(year / 100) % 10);
  }

  /** Takes the date from the clock bytes. */
  function adopt(time: number): void {
    const century = (cell(CENTURY) >> 4) * 10 + (cell(CENTURY) & 15);
    const [second, minute, hour] = [decode(cell(0)), decode(cell(2)), decodeHour(cell(4))];
    const [day, month, year] = [decode(cell(7)), decode(cell(8)), century * 100 + decode(cell(9))];
    state.seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
    state.base = time;
  }

  /** True when an update between two dates passes the alarm; 11xxxxxx in an alarm byte means any. */
  function passesAlarm(from: number, to: number): boolean {
    const matches = (alarm: number, value: number): boolean => (alarm & 0xc0) === 0xc0 || alarm === value;
    const last = Math.min(to, from + 86_400);
    for (let second = from + 1; second <= last; second++) {
      const date = new Date(second * 1000);
      const hour = encodeHour(date.getUTCHours());
      if (
        matches(cell(1), encode(date.getUTCSeconds())) &&
        matches(cell(3), encode(date.getUTCMinutes())) &&
        matches(cell(5), hour)
      )
        return true;
    }
    return false;
  }

  const updateLine = (): void => wiring.setLine((state.flags & cell(REGISTER_B) & (PERIODIC | ALARM | UPDATE)) !== 0);

  function sync(time: number): void {
    if (time <= state.seen) return;
    const period = periodTicks();
    if (period && Math.floor(ticksAt(time, CRYSTAL) / period) > Math.floor(ticksAt(state.seen, CRYSTAL) / period))
      state.flags |= PERIODIC;
    const [before, after] = [dateAt(state.seen), dateAt(time)];
    if (after > before && !isSetting()) {
      state.flags |= UPDATE;
      if (passesAlarm(before, after)) state.flags |= ALARM;
    }
    state.seen = time;
    updateLine();
  }

  function readRegister(index: number): number {
    const now = wiring.now();
    if (index < REGISTER_A || index === CENTURY) publish(now);
    if (index === REGISTER_A) {
      const left = NANOSECONDS - ((now - state.base) % NANOSECONDS);
      return (cell(REGISTER_A) & 0x7f) | (!isSetting() && left <= UPDATE_NANOSECONDS ? 0x80 : 0);
    }
    if (index === REGISTER_C) {
      const flags = state.flags | (state.flags & cell(REGISTER_B) & (PERIODIC | ALARM | UPDATE) ? 0x80 : 0);
      state.flags = 0;
      updateLine();
      return flags;
    }
    return index === REGISTER_D ? 0x80 : cell(index);
  }

  function writeRegister(index: number, value: number): void {
    const now = wiring.now();
    if (index === REGISTER_C || index === REGISTER_D) return;
    if (index === REGISTER_A) state.memory[index] = value & 0x7f;
    else if (index === REGISTER_B) {
      const wasSetting = isSetting();
      if (!wasSetting) publish(now);
      const stored = value & B_SET ? value & ~UPDATE : value; // SET clears the update-ended enable
      if (wasSetting && !(value & B_SET)) {
        state.memory[index] = stored;
        adopt(now);
      }
      state.memory[index] = stored;
      updateLine();
    } else if (index < REGISTER_A || index === CENTURY) {
      publish(now);
      state.memory[index] = value;
      if (!isSetting() && index !== 1 && index !== 3 && index !== 5) adopt(now);
    } else state.memory[index] = value;
  }

  return {
    name: 'RTC',
    ports: [{ first: 0x70, last: 0x71 }],
    readPort(port) {
      sync(wiring.now());
      return port === 0x70 ? 0xff : readRegister(state.index & 0x7f);
    },
    writePort(port, _size, value) {
      sync(wiring.now());
      if (port === 0x70) state.index = value & 0xff;
      else writeRegister(state.index & 0x7f, value & 0xff);
    },
    nextEvent() {
      if (!wiring.isOpen()) return Number.POSITIVE_INFINITY;
      const enabled = cell(REGISTER_B);
      let next = Number.POSITIVE_INFINITY;
      const period = periodTicks();
      if (enabled & PERIODIC && period && !(state.flags & PERIODIC)) {
        next = timeOfTick((Math.floor(ticksAt(state.seen, CRYSTAL) / period) + 1) * period, CRYSTAL);
      }
      if (enabled & (ALARM | UPDATE) && !isSetting()) {
        next = Math.min(next, state.base + (Math.floor((state.seen - state.base) / NANOSECONDS) + 1) * NANOSECONDS);
      }
      return next;
    },
    advance: sync,
    ...stateAccess(state),
  };
}

function initialMemory(ramSize: number): Uint8Array {
  const memory = new Uint8Array(128);
  const word = (index: number, value: number): void => {
    memory[index] = value & 0xff;
    memory[index + 1] = value >> 8;
  };
  memory[REGISTER_A] = 0x26;
  memory[REGISTER_B] = B_HOURS_24;
  memory[0x14] = 0x04; // equipment: no floppy drive, no coprocessor, a pointing device's place
  word(0x15, 640);
  const extended = Math.max(0, Math.min(ramSize / 1024 - 1024, 0xffff));
  word(0x17, extended);
  word(0x30, extended);
  word(0x34, Math.max(0, Math.min(ramSize / 0x10000 - 256, 0xffff)));
  return memory;
}
