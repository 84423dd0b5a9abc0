// One counter of an 8254 (Intel 8254 data sheet, "Mode definitions") as a function of ticks. Plain state, no clock.

export interface Channel {
  mode: number;
  bcd: boolean;
  /** Access of the control word: 1 low byte, 2 high byte, 3 low then high. */
  access: number;
  /** Period or delay in ticks; 0 before a first count was written. */
  count: number;
  /** A count that waits: in modes 2 and 3 for the end of the period, in modes 1 and 5 for the trigger. 0 for none. */
  next: number;
  /** Tick at which a waiting count of modes 2 and 3 takes over. */
  switchAt: number;
  /** Tick at which the present count was loaded. */
  start: number;
  /** Counting: from the load on, in modes 1 and 5 from the trigger on. */
  running: boolean;
  gate: boolean;
  /** Ticks counted when the gate fell. */
  held: number;
  writeHigh: boolean;
  readHigh: boolean;
  lowByte: number;
  /** -1 for none. */
  latchedCount: number;
  /** -1 for none. */
  latchedStatus: number;
}

export const freshChannel = (gate: boolean): Channel => ({
  mode: 0,
  bcd: false,
  access: 3,
  count: 0,
  next: 0,
  switchAt: 0,
  start: 0,
  running: false,
  gate,
  held: 0,
  writeHigh: false,
  readHigh: false,
  lowByte: 0,
  latchedCount: -1,
  latchedStatus: -1,
});

export const isPeriodic = (channel: Channel): boolean => channel.mode === 2 || channel.mode === 3;
export const isTriggered = (channel: Channel): boolean => channel.mode === 1 || channel.mode === 5;

/** Ticks counted since the load. */
export function elapsed(channel: Channel, tick: number): number {
  if (!isTriggered(channel) && !channel.gate) return channel.held;
  return Math.max(0, tick - channel.start);
}

/** Level of the output. */
export function output(channel: Channel, tick: number): boolean {
  const { mode, count, running } = channel;
  if (!running) return mode !== 0;
  if (isPeriodic(channel) && !channel.gate) return true;
  const ticks = elapsed(channel, tick);
  switch (mode) {
    case 0:
    case 1:
      return ticks >= count;
    case 2:
      return ticks % count !== count - 1;
    case 3:
      return ticks % count < Math.ceil(count / 2);
    default:
      return ticks !== count;
  }
}

/** Rising edges of the output since the load. */
export function risingEdges(channel: Channel, tick: number): number {
  if (!channel.running) return 0;
  const ticks = elapsed(channel, tick);
  if (isPeriodic(channel)) return Math.floor(ticks / channel.count);
  return ticks >= (channel.mode < 2 ? channel.count : channel.count + 1) ? 1 : 0;
}

/** The next tick after `tick` at which the output changes on its own (in mode 2: rises); Infinity for none. */
export function nextChange(channel: Channel, tick: number): number {
  if (!channel.running || (!channel.gate && !isTriggered(channel))) return Number.POSITIVE_INFINITY;
  const { mode, count, start } = channel;
  const ticks = elapsed(channel, tick);
  if (isPeriodic(channel)) {
    const period = start + Math.floor(ticks / count) * count;
    const fall = period + Math.ceil(count / 2);
    return mode === 3 && fall > tick ? fall : period + count;
  }
  const end = start + count;
  if (end > tick) return end;
  return mode >= 4 && end + 1 > tick ? end + 1 : Number.POSITIVE_INFINITY;
}

/** The counting element as it reads, in binary. */
function counterValue(channel: Channel, tick: number): number {
  const { mode, count } = channel;
  const ticks = elapsed(channel, tick);
  if (!channel.running) return count;
  const modulus = channel.bcd ? 10000 : 0x10000;
  if (mode === 2) return count - (ticks % count);
  if (mode === 3) {
    const half = Math.ceil(count / 2);
    const position = ticks % count;
    return (count & ~1) - 2 * (position < half ? position : position - half);
  }
  return (((count - ticks) % modulus) + modulus) % modulus;
}

const toBcd = (value: number): number =>
  (value % 10) |
  ((Math.floor(value / 10) % 10) << 4) |
  ((Math.floor(value / 100) % 10) << 8) |
  ((Math.floor(value / 1000) % 10) << 12);

const fromBcd = (value: number): number =>
  (value & 15) + 10 * ((value >> 4) & 15) + 100 * ((value >> 8) & 15) + 1000 * ((value >> 12) & 15);

/** The 16 bits that a read of the counter gives. */
export function counterBits(channel: Channel, tick: number): number {
  const value = counterValue(channel, tick);
  return channel.bcd ? toBcd(value % 10000) : value & 0xffff;
}

/** The status byte of the read-back command. */
export function statusBits(channel: Channel, tick: number): number {
  const nullCount = !channel.running || channel.next !== 0;
  return (
    (output(channel, tick) ? 0x80 : 0) |
    (nullCount ? 0x40 : 0) |
    (channel.access << 4) |
    (channel.mode << 1) |
    (channel.bcd ? 1 : 0)
  );
}

/** A control word for this counter: it stops until a count is written. */
export function setMode(channel: Channel, word: number): void {
  const code = (word >> 1) & 7;
  Object.assign(channel, freshChannel(channel.gate), {
    mode: code > 5 ? code - 4 : code,
    bcd: (word & 1) !== 0,
    access: (word >> 4) & 3,
  });
}

/** A byte to the counter's port. */
export function writeByte(channel: Channel, byte: number, tick: number): void {
  if (channel.access === 3 && !channel.writeHigh) {
    channel.lowByte = byte;
    channel.writeHigh = true;
    if (channel.mode === 0) channel.running = false;
    return;
  }
  const bits = channel.access === 1 ? byte : channel.access === 2 ? byte << 8 : channel.lowByte | (byte << 8);
  channel.writeHigh = false;
  writeCount(channel, bits, tick);
}

function writeCount(channel: Channel, bits: number, tick: number): void {
  const written = channel.bcd ? fromBcd(bits) : bits;
  const count = written === 0 ? (channel.bcd ? 10000 : 0x10000) : written;
  if (channel.running && isPeriodic(channel)) {
    channel.next = count;
    channel.switchAt = channel.gate
      ? channel.start + (Math.floor(elapsed(channel, tick) / channel.count) + 1) * channel.count
      : Number.MAX_SAFE_INTEGER;
  } else if (isTriggered(channel)) {
    if (channel.running) channel.next = count;
    else channel.count = count;
  } else {
    channel.count = count;
    channel.start = tick + 1;
    channel.held = 0;
    channel.running = true;
  }
}

/** Takes over a waiting count whose time has come. */
export function takeWaitingCount(channel: Channel): void {
  channel.start = channel.switchAt;
  channel.count = channel.next;
  channel.next = 0;
}

/** A byte from the counter's port. */
export function readByte(channel: Channel, tick: number): number {
  if (channel.latchedStatus >= 0) {
    const status = channel.latchedStatus;
    channel.latchedStatus = -1;
    return status;
  }
  const value = channel.latchedCount >= 0 ? channel.latchedCount : counterBits(channel, tick);
  const high = channel.access === 2 || (channel.access === 3 && channel.readHigh);
  if (channel.access === 3) channel.readHigh = !channel.readHigh;
  if (channel.access !== 3 || high) channel.latchedCount = -1;
  return high ? value >> 8 : value & 0xff;
}

/** The latch and read-back commands: what was latched before stays until it is read. */
export function latch(channel: Channel, tick: number, count: boolean, status: boolean): void {
  if (count && channel.latchedCount < 0) channel.latchedCount = counterBits(channel, tick);
  if (status && channel.latchedStatus < 0) channel.latchedStatus = statusBits(channel, tick);
}

/** Drives the gate (data sheet, "Gate pin operations summary"). */
export function setGate(channel: Channel, gate: boolean, tick: number): void {
  if (gate === channel.gate) return;
  if (!gate) channel.held = channel.running ? elapsed(channel, tick) : 0;
  channel.gate = gate;
  if (!gate) return;
  if (channel.next !== 0 && channel.mode !== 0 && channel.mode !== 4) {
    channel.count = channel.next;
    channel.next = 0;
  }
  if (isTriggered(channel)) channel.running = channel.count !== 0;
  channel.start = channel.mode === 0 || channel.mode === 4 ? tick - channel.held : tick + 1;
}
