// The 8254 timer of a PC at 1,193,182 Hz, and port 61H, which holds channel 2's gate and output. Channel 0's output is IRQ 0.
// Outputs are functions of time: nothing is counted down, so idle time costs nothing.
import { ticksAt, timeOfTick } from './clock.ts';
import {
  type Channel,
  freshChannel,
  latch,
  nextChange,
  output,
  readByte,
  risingEdges,
  setGate,
  setMode,
  takeWaitingCount,
  writeByte,
} from './pit-channel.ts';
import { stateAccess } from './state.ts';
import type { Device } from './types.ts';

export const PIT_FREQUENCY = 1_193_182;

/** Nanoseconds between two changes of the memory-refresh bit of port 61H: 18 ticks. */
const REFRESH = 15_085;

export interface PitWiring {
  now(): number;
  /** Channel 0's output. */
  setLine(level: boolean): void;
  /** False while no interrupt controller would pass IRQ 0 on: then no event is announced for it. */
  isOpen(): boolean;
}

export function createPit(wiring: PitWiring): Device {
  const state = {
    channels: [freshChannel(true), freshChannel(true), freshChannel(false)],
    /** Bits 3:1 of port 61H as written. */
    control: 0,
    /** Rising edges of channel 0 since its load that the line has shown. */
    shown: 0,
    /** Tick up to which the line is shown. */
    seen: 0,
  };
  const channelAt = (index: number): Channel => state.channels[index]!;
  const tickNow = (): number => ticksAt(wiring.now(), PIT_FREQUENCY);

  /** Brings channel 0's line up to `tick`: edges since the last time become one, as an edge-triggered input sees them. */
  function show(tick: number): void {
    const timer = channelAt(0);
    const edges = risingEdges(timer, tick);
    if (edges > state.shown) {
      wiring.setLine(false);
      wiring.setLine(true);
    }
    state.shown = edges;
    wiring.setLine(output(timer, tick) || timer.mode === 2);
  }

  function sync(tick: number): void {
    state.seen = tick;
    for (const channel of state.channels) {
      if (channel.next === 0 || tick < channel.switchAt || channel.switchAt === 0) continue;
      if (channel === channelAt(0)) {
        show(channel.switchAt);
        state.shown = 0;
      }
      takeWaitingCount(channel);
    }
    show(tick);
  }

  function command(word: number, tick: number): void {
    const index = word >> 6;
    if (index === 3) {
      for (const [number, channel] of state.channels.entries()) {
        if (word & (2 << number)) latch(channel, tick, !(word & 0x20), !(word & 0x10));
      }
    } else if ((word & 0x30) === 0) latch(channelAt(index), tick, true, false);
    else {
      setMode(channelAt(index), word);
      if (index === 0) state.shown = 0;
    }
  }

  function readControl(tick: number): number {
    const speaker = channelAt(2);
    const refresh = Math.floor(wiring.now() / REFRESH) & 1 ? 0x10 : 0;
    return (speaker.gate ? 1 : 0) | state.control | refresh | (output(speaker, tick) ? 0x20 : 0);
  }

  return {
    name: 'PIT',
    ports: [
      { first: 0x40, last: 0x43 },
      { first: 0x61, last: 0x61 },
    ],
    readPort(port) {
      const tick = tickNow();
      sync(tick);
      if (port === 0x61) return readControl(tick);
      return port === 0x43 ? 0xff : readByte(channelAt(port & 3), tick);
    },
    writePort(port, _size, value) {
      const tick = tickNow();
      sync(tick);
      if (port === 0x61) {
        state.control = value & 0x0e;
        setGate(channelAt(2), (value & 1) !== 0, tick);
      } else if (port === 0x43) command(value & 0xff, tick);
      else {
        const channel = channelAt(port & 3);
        const loaded = channel.start;
        writeByte(channel, value & 0xff, tick);
        if (port === 0x40 && channel.start !== loaded) state.shown = 0;
      }
      show(tick);
    },
    nextEvent() {
      if (!wiring.isOpen()) return Number.POSITIVE_INFINITY;
      const change = nextChange(channelAt(0), state.seen);
      return change === Number.POSITIVE_INFINITY ? change : timeOfTick(change, PIT_FREQUENCY);
    },
    advance(time) {
      sync(ticksAt(time, PIT_FREQUENCY));
    },
    ...stateAccess(state),
  };
}
