// The debugger's watches: from a list to the core's tables, and from what the core met back to the list.
import {
  CELL_CHANGED,
  CELL_WATCHES,
  CELL_WATCHES_MAX,
  EXIT_INTERRUPTION_INFO,
  NON_ROOT,
  RAM,
  RUN_CAREFUL,
  TRAP_CONTROL,
  TRAP_FIELD,
  TRAP_MSR,
  TRAP_PORT,
  TRAP_VECTOR,
  TRAPS,
  TRAPS_MAX,
  VMCS_POINTER,
  WATCH_GUEST_LINEAR,
  WATCH_GUEST_PHYSICAL,
  WATCH_HIT,
  WATCH_READ,
  WATCH_ROOT_LINEAR,
  WATCH_TRAP,
  WATCH_WRITE,
  WATCHES,
  WATCHES_MAX,
} from '../core/layout.ts';
import { readField } from '../vmx/entry-checks.ts';
import { hasVmcs, type Vmx } from '../vmx/operation.ts';
import { type Core, readQuad, readWord, writeQuad, writeWord } from '../vmx/processor.ts';
import type { Hardware } from './hardware.ts';
import { readMsr } from './msrs.ts';
import { registerCell } from './registers.ts';
import type { Stop, Watch, WatchAccess, WatchHit, WatchRefusal } from './types.ts';

type Event = Watch & { readonly kind: 'port' | 'msr' | 'control-register' | 'vmcs-field' | 'vector' };

/** The list in force, and where the core keeps each. */
export interface Watches {
  /** Places in the list, in the order of the core's tables. */
  memory: readonly number[];
  traps: readonly number[];
  cells: readonly number[];
  list: readonly Watch[];
  /** Bits for RUN_FLAGS. */
  runFlags: number;
  /** MSRs and VMCS fields that VM entries and VM exits are compared for. */
  atTransitions: readonly { readonly watch: number; readonly event: Event }[];
  /** Met, and not told yet. */
  pending: WatchHit[];
}

export function createWatches(): Watches {
  return { memory: [], traps: [], cells: [], list: [], runFlags: 0, atTransitions: [], pending: [] };
}

const SUBJECTS = {
  port: TRAP_PORT,
  msr: TRAP_MSR,
  'control-register': TRAP_CONTROL,
  'vmcs-field': TRAP_FIELD,
  vector: TRAP_VECTOR,
} as const satisfies Record<Event['kind'], number>;

/** Bytes of a VMCS region that hold fields; behind them is who wrote each. */
const VMCS_DATA = 2048;
const HIT_SHIFT = 8;
/** From what instructions met to what the processor itself did by physical address. */
const PHYSICAL_SHIFT = 4;
const HIGHEST = 0xffffffff;

/** Replaces the watches; nothing changes when one is refused. */
export function setWatches({ core }: Hardware, watches: Watches, list: readonly Watch[]): WatchRefusal | undefined {
  const places: { memory: number[]; traps: number[]; cells: number[] } = { memory: [], traps: [], cells: [] };
  for (const [place, watch] of list.entries()) {
    const table = watch.kind === 'memory' ? 'memory' : watch.kind === 'register' ? 'cells' : 'traps';
    const explanation = refusal(watch, places[table].length);
    if (explanation !== undefined) return { watch: place, explanation };
    places[table].push(place);
  }
  Object.assign(watches, places);
  watches.list = list;
  watches.pending = [];
  watches.runFlags = places.cells.length > 0 ? RUN_CAREFUL : 0;
  watches.atTransitions = list.flatMap((event, watch) =>
    (event.kind === 'msr' || event.kind === 'vmcs-field') && event.access !== 'read' && event.first === event.last
      ? [{ watch, event }]
      : [],
  );
  fillTables(core, watches);
  return undefined;
}

function refusal(watch: Watch, count: number): string | undefined {
  switch (watch.kind) {
    case 'memory':
      if (count >= WATCHES_MAX) return `At most ${WATCHES_MAX} ranges of memory can be watched at a time.`;
      if (watch.size < 1 || watch.size > HIGHEST)
        return `A range of ${watch.size} bytes cannot be watched: from 1 to 2^32 - 1.`;
      return undefined;
    case 'register':
      if (count >= CELL_WATCHES_MAX) return `At most ${CELL_WATCHES_MAX} registers can be watched at a time.`;
      return registerCell(watch.name) === undefined
        ? `Changes of ${watch.name} cannot be watched; general, segment, control and debug registers, RFLAGS and EFER can.`
        : undefined;
    default:
      return count >= TRAPS_MAX
        ? `At most ${TRAPS_MAX} breakpoints on ports, MSRs, events and the like can be set.`
        : undefined;
  }
}

function fillTables(core: Core, { list, memory, traps, cells }: Watches): void {
  for (const [i, place] of memory.entries()) {
    const watch = list[place] as Watch & { kind: 'memory' };
    const at = WATCHES + 8 + 16 * i;
    writeQuad(core, at, BigInt.asUintN(64, watch.address));
    writeWord(core, at + 8, watch.size);
    writeWord(core, at + 12, spaceBits(watch) | accessBits(watch.access));
  }
  writeWord(core, WATCHES, memory.length);
  for (const [i, place] of traps.entries()) {
    const watch = list[place] as Event;
    const at = TRAPS + 8 + 16 * i;
    writeWord(core, at, SUBJECTS[watch.kind]);
    writeWord(core, at + 4, watch.first);
    writeWord(core, at + 8, watch.last);
    writeWord(core, at + 12, accessBits(watch.access));
  }
  writeWord(core, TRAPS, traps.length);
  for (const [i, place] of cells.entries()) {
    const cell = registerCell((list[place] as Watch & { kind: 'register' }).name);
    const at = CELL_WATCHES + 8 + 16 * i;
    writeWord(core, at, cell?.address ?? 0);
    writeWord(core, at + 4, cell?.size ?? 8);
  }
  writeWord(core, CELL_WATCHES, cells.length);
  takeCells(core, cells.length);
  core.exports.watchesChanged();
}

/** Takes the present values of watched registers as known. */
function takeCells(core: Core, count: number): void {
  core.exports.compareCells();
  writeWord(core, WATCH_HIT + 20, 0);
  for (let i = 0; i < count; i++) forgetChange(core, i);
}

/** Another processor runs: its registers are compared with what they are, not with those of the former one. */
export function watchOwnCells(core: Core, { cells }: Watches): void {
  if (cells.length > 0) takeCells(core, cells.length);
}

function forgetChange(core: Core, cell: number): void {
  const at = CELL_WATCHES + 8 + 16 * cell + 4;
  writeWord(core, at, (readWord(core, at) & ~CELL_CHANGED) >>> 0);
}

function spaceBits(watch: Watch & { kind: 'memory' }): number {
  if (watch.space === 'host-physical') return 0;
  if (watch.space === 'guest-physical') return WATCH_GUEST_PHYSICAL;
  return watch.side === 'non-root' ? WATCH_GUEST_LINEAR : WATCH_ROOT_LINEAR;
}

function accessBits(access: WatchAccess): number {
  return access === 'read' ? WATCH_READ : access === 'write' ? WATCH_WRITE : WATCH_READ | WATCH_WRITE;
}

function accessOf(bits: number): WatchAccess {
  const both = bits & (WATCH_READ | WATCH_WRITE);
  return both === WATCH_READ ? 'read' : both === WATCH_WRITE ? 'write' : 'read-write';
}

export function anyWatches(watches: Watches): boolean {
  return watches.list.length > 0;
}

/** Takes over what the core met in the last run. */
export function collectHits(core: Core, watches: Watches): void {
  if (readWord(core, WATCH_HIT + 20) !== 0) takeHits(core, watches);
}

/** Apart from `collectHits`, so that a run that met nothing allocates nothing for the function in here. */
function takeHits(core: Core, watches: Watches): void {
  const add = (table: number, places: readonly number[]): void => {
    for (const [i, watch] of places.entries()) {
      const hit = readWord(core, table + 8 + 16 * i + 12) >>> HIT_SHIFT;
      if (hit !== 0) note(watches, watch, accessOf(hit | (hit >>> PHYSICAL_SHIFT)));
    }
  };
  add(WATCHES, watches.memory);
  add(TRAPS, watches.traps);
  for (const [i, watch] of watches.cells.entries()) {
    if ((readWord(core, CELL_WATCHES + 8 + 16 * i + 4) & CELL_CHANGED) === 0) continue;
    note(watches, watch, 'write');
    forgetChange(core, i);
  }
}

function note({ pending }: Watches, watch: number, access: WatchAccess): void {
  const known = pending.findIndex((hit) => hit.watch === watch);
  if (known < 0) pending.push({ watch, access });
  else if (pending[known]?.access !== access) pending[known] = { watch, access: 'read-write' };
}

/** The stop for what was met and is not told yet. */
export function watchStop(core: Core, watches: Watches): Stop | undefined {
  if (watches.pending.length === 0) return undefined;
  const hits = watches.pending;
  watches.pending = [];
  const kind = readWord(core, WATCH_HIT + 20);
  const linear = (kind & (WATCH_READ | WATCH_WRITE)) === 0 ? undefined : readQuad(core, WATCH_HIT);
  return { kind: 'watch', hits, before: (kind & WATCH_TRAP) !== 0, linear };
}

/** Carries out a VM entry or VM exit and notes which watched MSRs, VMCS fields and registers it changed. */
export function watchTransition<T>(hardware: Hardware, vmx: Vmx, watches: Watches, transition: (vmx: Vmx) => T): T {
  const { core } = hardware;
  const vmcs = readQuad(core, VMCS_POINTER);
  const before = watches.atTransitions.map(({ event }) => transitionValue(hardware, vmx, event));
  const region = watchedRegion(core, watches);
  const result = transition(vmx);
  for (const [i, { watch, event }] of watches.atTransitions.entries()) {
    if (event.kind === 'vmcs-field' && readQuad(core, VMCS_POINTER) !== vmcs) continue;
    if (transitionValue(hardware, vmx, event) !== before[i]) note(watches, watch, 'write');
  }
  for (const { watch, start, bytes } of region) {
    if (bytes.some((byte, i) => core.bytes[start + i] !== byte)) note(watches, watch, 'write');
  }
  if (watches.cells.length > 0) core.exports.compareCells();
  collectHits(core, watches);
  return result;
}

/** Watched parts of the region of the current VMCS, which transitions write in bulk: where each begins, and what it holds now. */
function watchedRegion(core: Core, { list, memory }: Watches): { watch: number; start: number; bytes: Uint8Array }[] {
  if (!hasVmcs(core)) return [];
  const pointer = readWord(core, VMCS_POINTER);
  return memory.flatMap((watch) => {
    const { space, access, address, size } = list[watch] as Watch & { kind: 'memory' };
    const from = Math.max(Number(address), pointer);
    const to = Math.min(Number(address) + size, pointer + VMCS_DATA);
    if (space !== 'host-physical' || access === 'read' || from >= to) return [];
    return [{ watch, start: RAM + from, bytes: core.bytes.slice(RAM + from, RAM + to) }];
  });
}

function transitionValue(hardware: Hardware, vmx: Vmx, { kind, first }: Event): bigint | undefined {
  if (kind === 'msr') return readMsr(hardware, first);
  return hasVmcs(hardware.core) ? readField(vmx, first) : undefined;
}

const VALID = 0x80000000;

/** An external interrupt that became a VM exit: met when the exit acknowledged it, so that its vector is known. */
export function watchInterruptExit(core: Core, watches: Watches): void {
  if (watches.traps.length === 0 || readWord(core, NON_ROOT) === 0) return;
  const info = readWord(core, EXIT_INTERRUPTION_INFO);
  if ((info & VALID) === 0) return;
  const vector = info & 0xff;
  for (const watch of watches.traps) {
    const event = watches.list[watch] as Event;
    if (event.kind === 'vector' && vector >= event.first && vector <= event.last) note(watches, watch, 'write');
  }
}
