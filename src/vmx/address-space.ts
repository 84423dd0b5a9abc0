// Who maps what: every page that paging structures or extended page tables map, in ranges. Reads memory and changes nothing. What
// an entry says is told by walk.ts and ept-walk.ts; here is only the order in which entries are visited.

import { type EptSettings, type PhysicalReader, walkEpt } from './ept-walk.ts';
import { type PagingState, PRESENT, USER, WRITABLE, XD } from './page-rights.ts';
import { pagingMode, walkPaging } from './walk.ts';

/** Pages that follow each other at both ends, with equal rights and sizes. */
export interface MappedRange {
  /** First and last byte. */
  readonly from: bigint;
  readonly to: bigint;
  /** Where the first byte is mapped to. */
  readonly target: bigint;
  /** Bytes of a page. */
  readonly pageSize: bigint;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** Of paging alone: allowed at privilege level 3. */
  readonly user: boolean;
  readonly pages: number;
  /** Pages of those whose entries have the accessed or dirty flag. */
  readonly accessed: number;
  readonly dirty: number;
  /** Why nothing is reached through it; undefined: something is. */
  readonly stop: string | undefined;
}

export interface AddressSpace {
  readonly mode: ReturnType<typeof pagingMode> | 'EPT';
  readonly ranges: readonly MappedRange[];
  /** There is more from this address on; undefined: that was all. */
  readonly next: bigint | undefined;
}

/** What one call looks at: some tens of milliseconds. */
const MOST_TABLES = 64;
const MOST_RANGES = 500;

const ADDRESS = 0x000f_ffff_ffff_f000n;
const LARGE = 0x80n;
const CR4_PSE = 1n << 4n;

type Range = { -readonly [K in keyof MappedRange]: MappedRange[K] } & {
  /** Every bit of its entry but address, accessed and dirty, below those of the entries above: pages of a range have the same. */
  flags: bigint;
};

interface Level {
  /** Log 2 of the bytes that an entry maps. */
  readonly shift: number;
  readonly entries: number;
  readonly bytes: 4 | 8;
  readonly canBeLarge: boolean;
}

interface Format {
  readonly levels: readonly Level[];
  isPresent(entry: bigint): boolean;
  /** R/W/X/U of an entry under those above it, as bits 0 to 3. */
  rights(entry: bigint): number;
  target(entry: bigint, shift: number): bigint;
  readonly accessed: bigint;
  readonly dirty: bigint;
  /** Where a table is in host-physical memory, or why it cannot be read. */
  tableAt(physical: bigint): bigint | string;
  /** Why an address that has an entry is not mapped all the same. */
  problem(address: bigint): string | undefined;
  /** An address as a person writes it, of the number that its indices make. */
  address(at: bigint): bigint;
}

interface Visit {
  readonly format: Format;
  readonly read: PhysicalReader;
  readonly from: bigint;
  readonly ranges: Range[];
  tables: number;
  next: bigint | undefined;
}

const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const FOR_USER = 8;
const ALL = 15;

function add(visit: Visit, range: Range): void {
  const last = visit.ranges.at(-1);
  if (
    last !== undefined &&
    last.to + 1n === range.from &&
    last.flags === range.flags &&
    last.pageSize === range.pageSize &&
    last.stop === range.stop &&
    (range.stop !== undefined || last.target + (last.to - last.from) + 1n === range.target)
  ) {
    last.to = range.to;
    last.pages += range.pages;
    last.accessed += range.accessed;
    last.dirty += range.dirty;
  } else if (visit.ranges.length === MOST_RANGES) visit.next = range.from;
  else visit.ranges.push(range);
}

/** @param above rights, and flags but addresses, of the entries above */
function visitTable(
  visit: Visit,
  physical: bigint,
  depth: number,
  base: bigint,
  above: { rights: number; flags: bigint },
): void {
  const { format, from, read } = visit;
  const level = format.levels[depth] as Level;
  const size = 1n << BigInt(level.shift);
  const first = base < from ? Number((from - base) / size) : 0;
  const table = format.tableAt(physical);
  for (let index = first; index < level.entries && visit.next === undefined; index++) {
    const at = base + BigInt(index) * size;
    const entry = typeof table === 'string' ? undefined : read(table + BigInt(index * level.bytes), level.bytes);
    if (entry === undefined) {
      const stop = typeof table === 'string' ? table : `there is no memory at its table, 0x${physical.toString(16)}`;
      add(visit, unreachable(format, base + BigInt(first) * size, size * BigInt(level.entries - first), stop));
      return;
    }
    if (!format.isPresent(entry)) continue;
    const rights = above.rights & format.rights(entry);
    const leaf = depth === format.levels.length - 1 || (level.canBeLarge && (entry & LARGE) !== 0n);
    const target = format.target(entry, leaf ? level.shift : 12);
    const own = entry & ~(leaf ? target | format.dirty : target) & ~format.accessed;
    const flags = leaf ? (above.flags << 64n) | own : above.flags | own;
    if (!leaf) {
      if (visit.tables === MOST_TABLES) visit.next = format.address(at < from ? from : at);
      else {
        visit.tables++;
        visitTable(visit, target, depth + 1, at, { rights, flags });
      }
      continue;
    }
    const start = format.address(at);
    add(visit, {
      from: start,
      to: start + size - 1n,
      target,
      pageSize: size,
      read: (rights & READ) !== 0,
      write: (rights & WRITE) !== 0,
      execute: (rights & EXECUTE) !== 0,
      user: (rights & FOR_USER) !== 0,
      pages: 1,
      accessed: (entry & format.accessed) === 0n ? 0 : 1,
      dirty: (entry & format.dirty) === 0n ? 0 : 1,
      stop: undefined,
      flags,
    });
  }
}

function unreachable(format: Format, at: bigint, size: bigint, stop: string): Range {
  const from = format.address(at);
  const none = { read: false, write: false, execute: false, user: false, pages: 0, accessed: 0, dirty: 0 };
  return { ...none, from, to: from + size - 1n, target: 0n, pageSize: size, stop, flags: 0n };
}

function finish(visit: Visit, mode: AddressSpace['mode']): AddressSpace {
  const ranges = visit.ranges.map(({ flags: _, ...range }) => ({
    ...range,
    stop: range.stop ?? visit.format.problem(range.from),
  }));
  return { mode, ranges, next: visit.next };
}

/** What the extended page tables map, from a guest-physical address on. */
export function mapEpt(ept: EptSettings, read: PhysicalReader, from = 0n): AddressSpace {
  const depth = Number((ept.eptp >> 3n) & 7n) + 1;
  const present = ept.modeBasedExecute ? 0x407n : 7n;
  const format: Format = {
    levels: levels64(depth),
    isPresent: (entry) => (entry & present) !== 0n,
    rights: (entry) => Number(entry & 7n),
    target: (entry, shift) => entry & ADDRESS & -(1n << BigInt(shift)),
    accessed: 1n << 8n,
    dirty: 1n << 9n,
    tableAt: (physical) => physical,
    problem(address) {
      const { result } = walkEpt(address, ept, read);
      return result.ok ? undefined : result.explanation;
    },
    address: (at) => at,
  };
  const visit: Visit = { format, read, from, ranges: [], tables: 0, next: undefined };
  visitTable(visit, ept.eptp & ADDRESS, 0, 0n, { rights: ALL, flags: 0n });
  return finish(visit, 'EPT');
}

function levels64(depth: number): Level[] {
  return Array.from({ length: depth }, (_, i) => {
    const level = depth - i;
    return { shift: 12 + 9 * (level - 1), entries: 512, bytes: 8, canBeLarge: level === 2 || level === 3 };
  });
}

/** What the paging structures map, from a linear address on; under EPT to guest-physical addresses. */
export function mapPaging(state: PagingState, read: PhysicalReader, ept?: EptSettings, from = 0n): AddressSpace {
  const mode = pagingMode(state);
  const width = mode === '4-level' ? 48 : mode === '5-level' ? 57 : 32;
  const format: Format = {
    levels: [],
    isPresent: (entry) => (entry & PRESENT) !== 0n,
    rights: (entry) =>
      READ |
      ((entry & WRITABLE) === 0n ? 0 : WRITE) |
      ((entry & USER) === 0n ? 0 : FOR_USER) |
      ((entry & XD) === 0n ? EXECUTE : 0),
    target: (entry, shift) => entry & ADDRESS & -(1n << BigInt(shift)),
    accessed: 1n << 5n,
    dirty: 1n << 6n,
    tableAt(physical) {
      if (ept === undefined) return physical;
      const { result } = walkEpt(physical, ept, read);
      return result.ok ? result.hostPhysical : `its table cannot be read: ${result.explanation}`;
    },
    problem(address) {
      const { result } = walkPaging(address, state, read, ept);
      return !result.ok && result.kind === 'page-fault' ? result.explanation : undefined;
    },
    address: (at) => (width === 32 ? at : BigInt.asUintN(64, BigInt.asIntN(width, at))),
  };
  const start = BigInt.asUintN(width, from);
  const visit = (levels: readonly Level[], target = format.target): Visit => {
    return { format: { ...format, levels, target }, read, from: start, ranges: [], tables: 0, next: undefined };
  };
  const nothingAbove = { rights: ALL, flags: 0n };
  switch (mode) {
    case 'no paging':
      return { mode, ranges: [], next: undefined };
    case '32-bit': {
      const large = (state.cr4 & CR4_PSE) !== 0n;
      const levels: Level[] = [
        { shift: 22, entries: 1024, bytes: 4, canBeLarge: large },
        { shift: 12, entries: 1024, bytes: 4, canBeLarge: false },
      ];
      // Bits 20:13 of a 4-MByte page's entry are bits 39:32 of its address.
      const target = (entry: bigint, shift: number): bigint =>
        shift === 22 ? (entry & 0xffc0_0000n) | (((entry >> 13n) & 0xffn) << 32n) : entry & 0xffff_f000n;
      const all = visit(levels, target);
      visitTable(all, state.cr3 & 0xffff_f000n, 0, 0n, nothingAbove);
      return finish(all, mode);
    }
    case 'PAE': {
      const all = visit(levels64(2));
      for (let i = 0; i < 4 && all.next === undefined; i++) {
        const base = BigInt(i) << 30n;
        const table = format.tableAt(state.cr3 & 0xffff_f000n);
        const address = (typeof table === 'string' ? 0n : table) + (state.cr3 & 0xfe0n) + BigInt(8 * i);
        const pdpte = state.pdptes?.[i] ?? read(address, 8) ?? 0n;
        if ((pdpte & PRESENT) === 0n || base + (1n << 30n) <= start) continue;
        visitTable(all, pdpte & ADDRESS, 0, base, nothingAbove);
      }
      return finish(all, mode);
    }
    default: {
      const all = visit(levels64(mode === '4-level' ? 4 : 5));
      visitTable(all, state.cr3 & ADDRESS, 0, 0n, nothingAbove);
      return finish(all, mode);
    }
  }
}
