// Breakpoints and watchpoints as GDB inserts and removes them: `Z` and `z` packets.

import { type Breakpoint, setDataBreakpoints, setInstructionBreakpoints } from '../debugger/breakpoints.ts';
import type { Session } from '../debugger/session.ts';
import { memorySubject, type Trigger } from '../debugger/subjects.ts';
import type { Side } from '../machine/types.ts';

interface WatchKind {
  /** In a stop reply. */
  readonly word: 'watch' | 'rwatch' | 'awatch';
  readonly trigger: Trigger;
}

/** By the type of a `Z` packet. GDB itself tells a write that changed nothing. */
const WATCH_KINDS: Readonly<Record<string, WatchKind>> = {
  2: { word: 'watch', trigger: 'write' },
  3: { word: 'rwatch', trigger: 'read' },
  4: { word: 'awatch', trigger: 'access' },
};

interface Watchpoint extends WatchKind {
  readonly address: bigint;
  readonly size: bigint;
  readonly side: Side;
  breakpoint: Breakpoint | undefined;
}

export interface GdbPoints {
  /** Answers undefined for a type that there is not, false for a packet or a place that cannot be. */
  change(packet: string, set: boolean): boolean | undefined;
  /** `watch:ADDRESS;` of the watchpoint among these breakpoints; empty when there is none. */
  met(breakpoints: readonly Breakpoint[]): string;
}

export function createGdbPoints(session: Session): GdbPoints {
  const addresses = new Set<bigint>();
  const watchpoints = new Map<string, Watchpoint>();
  /** GDB takes its watchpoints away at every stop: a watchpoint stays on the side where it was set first. */
  const sides = new Map<string, Side>();

  const changeBreakpoint = (address: bigint, set: boolean): boolean => {
    if (set) addresses.add(address);
    else addresses.delete(address);
    const wanted = [...addresses].map((each) => ({ address: each, text: `0x${each.toString(16)}` }));
    return setInstructionBreakpoints(session.breakpoints, session.image, wanted).every(({ verified }) => verified);
  };

  const changeWatchpoint = (kind: WatchKind, address: bigint, size: bigint, set: boolean): boolean => {
    const key = `${kind.word} ${address} ${size}`;
    if (set) {
      const side = sides.get(key) ?? session.machine.side();
      sides.set(key, side);
      watchpoints.set(key, { ...kind, address, size, side, breakpoint: undefined });
    } else watchpoints.delete(key);
    const all = [...watchpoints.values()];
    const made = setDataBreakpoints(
      session.breakpoints,
      all.map(({ address: first, size: bytes, side, trigger }) => ({
        subject: memorySubject({ space: { kind: 'linear', side }, address: first }, bytes, trigger),
      })),
    );
    for (const [i, watchpoint] of all.entries()) watchpoint.breakpoint = made[i];
    session.applyBreakpoints();
    const usable = made.every((breakpoint) => breakpoint.usable);
    if (set && !usable) changeWatchpoint(kind, address, size, false);
    return usable;
  };

  return {
    change(packet, set) {
      const match = /^([0-9]),([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,8})/.exec(packet);
      const [, type = '', at = '', size = ''] = match ?? [];
      if (match === null) return false;
      const address = BigInt(`0x${at}`);
      if (type === '0' || type === '1') return changeBreakpoint(address, set);
      const kind = WATCH_KINDS[type];
      return kind === undefined ? undefined : changeWatchpoint(kind, address, BigInt(`0x${size}`), set);
    },
    met(breakpoints) {
      const found = [...watchpoints.values()].find(
        ({ breakpoint }) => breakpoint !== undefined && breakpoints.includes(breakpoint),
      );
      return found === undefined ? '' : `${found.word}:${found.address.toString(16)};`;
    },
  };
}
