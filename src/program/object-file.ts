// Relocatable objects (a kernel module, an object that something links at run time): where their sections lie in memory, told by the
// relocations that were carried out there, and the file as if it had been linked so (System V ABI, "Relocation"; the psABIs of the 386 and x86-64).
import { cursorOver, readU32, readU64 } from './bytes.ts';
import {
  type Elf,
  type ElfSection,
  MACHINE_386,
  type RawSymbol,
  RESERVED_SECTIONS,
  SECTION_FLAG_ALLOCATE,
  SECTION_FLAG_EXECUTE,
  SECTION_NO_BITS,
  rawSymbols,
} from './elf.ts';

/** Bytes of memory from a linear address on; fewer than asked for where nothing is mapped. */
export type Peek = (address: bigint, length: number) => Uint8Array;

/** Linear addresses of sections, by their numbers. */
export type Places = ReadonlyMap<number, bigint>;

const WITH_ADDENDS = 4;
const WITHOUT_ADDENDS = 9;
/** Of the places that its relocations name, the share that must agree on where a section lies. */
const AGREEMENT = 0.6;
const MOST_VOTES = 200;
const CALL = 0xe8;
const JUMP = 0xe9;

interface Relocation {
  /** In its section. */
  readonly at: number;
  readonly shape: Shape;
  readonly symbol: RawSymbol;
  /** Undefined: it stands in the place itself. */
  readonly addend: bigint | undefined;
}

interface Shape {
  readonly size: 4 | 8;
  readonly relative: boolean;
  readonly signed: boolean;
}

const SIGNED_WORD: Shape = { size: 4, relative: false, signed: true };
const WORD: Shape = { size: 4, relative: false, signed: false };
const RELATIVE_WORD: Shape = { size: 4, relative: true, signed: true };
// R_386_32, PC32, PLT32; R_X86_64_64, PC32, PLT32, 32, 32S, PC64.
const SHAPES_32: Readonly<Record<number, Shape>> = { 1: WORD, 2: RELATIVE_WORD, 4: RELATIVE_WORD };
const SHAPES_64: Readonly<Record<number, Shape>> = {
  1: { size: 8, relative: false, signed: false },
  2: RELATIVE_WORD,
  4: RELATIVE_WORD,
  10: WORD,
  11: SIGNED_WORD,
  24: { size: 8, relative: true, signed: true },
};

/** The number of the section that most of the code is in; undefined without code. */
export function mainSection({ sections }: Elf): number | undefined {
  const code = sections
    .map((section, number) => ({ section, number }))
    .filter(
      ({ section: { flags, type, size } }) => flags & SECTION_FLAG_EXECUTE && type !== SECTION_NO_BITS && size > 0,
    )
    .toSorted((a, b) => b.section.size - a.section.size);
  return code[0]?.number;
}

/** Bytes of a section that the file does not tell: they are changed when it is loaded. One for each byte of it. */
export function changedBytes(elf: Elf, number: number): Uint8Array {
  const contents = contentsOf(elf, elf.sections[number]);
  const changed = new Uint8Array(contents.length);
  for (const { at, shape } of relocationsOf(elf, number)) {
    // A call or jump to another file is often put in place as something else: kernels patch them.
    const before = contents[at - 1];
    const from = before === CALL || before === JUMP ? at - 1 : at;
    changed.fill(1, from, at + shape.size);
  }
  return changed;
}

/** Where the sections lie that relocations lead to from `places` on. What `.init` sections hold is given back, so they count as nowhere. */
export function placeSections(elf: Elf, places: Places, peek: Peek): Places {
  const found = new Map(places);
  for (let from = [...places.keys()]; from.length > 0; ) {
    const votes = new Map<number, Map<bigint, number>>();
    for (const number of from) {
      const section = elf.sections[number];
      const start = found.get(number);
      if (section === undefined || start === undefined) continue;
      const bytes = peek(start, section.size);
      for (const relocation of relocationsOf(elf, number)) {
        const target = relocation.symbol.section;
        if (found.has(target) || !isWanted(elf.sections[target])) continue;
        const place = placeTold(elf, section, start, bytes, relocation);
        if (place !== undefined) vote(votes, target, place);
      }
    }
    from = [];
    for (const [number, candidates] of votes) {
      const place = elected(candidates);
      if (place === undefined || peek(place, 1).length === 0) continue;
      found.set(number, place);
      from.push(number);
    }
  }
  return found;
}

const isWanted = (section: ElfSection | undefined): boolean =>
  section !== undefined && (section.flags & SECTION_FLAG_ALLOCATE) !== 0n && !/^\.(init|exit)\b/.test(section.name);

/** Where the target's section begins, by a relocation as it was carried out in memory. */
function placeTold(
  elf: Elf,
  section: ElfSection,
  start: bigint,
  bytes: Uint8Array,
  { at, shape, symbol, addend }: Relocation,
): bigint | undefined {
  if (at + shape.size > bytes.length) return undefined;
  const plus = addend ?? valueAt(contentsOf(elf, section), at, shape);
  const value = valueAt(bytes, at, shape);
  const width = elf.bits;
  return BigInt.asUintN(width, value + (shape.relative ? start + BigInt(at) : 0n) - plus - symbol.value);
}

function vote(votes: Map<number, Map<bigint, number>>, target: number, place: bigint): void {
  const candidates = votes.get(target) ?? new Map<bigint, number>();
  votes.set(target, candidates);
  const sum = [...candidates.values()].reduce((total, count) => total + count, 0);
  if (sum < MOST_VOTES) candidates.set(place, (candidates.get(place) ?? 0) + 1);
}

function elected(candidates: ReadonlyMap<bigint, number>): bigint | undefined {
  let all = 0;
  let best: [bigint, number] = [0n, 0];
  for (const [place, count] of candidates) {
    all += count;
    if (count > best[1]) best = [place, count];
  }
  return best[1] >= all * AGREEMENT ? best[0] : undefined;
}

/** The file as if it had been linked with its sections at these places; the others are nowhere. */
export function linkedObject(elf: Elf, places: Places): Elf {
  const anchor = [...places.values()][0] ?? 0n;
  const sections = elf.sections.map((section, number): ElfSection => {
    const address = places.get(number);
    if (address !== undefined) return { ...section, address };
    // Call frame information is relative to itself, wherever that is.
    if (section.name === '.eh_frame') return { ...section, address: anchor };
    return section.flags & SECTION_FLAG_ALLOCATE ? { ...section, flags: 0n } : section;
  });
  const bytes = elf.bytes.slice();
  const linked: Elf = { ...elf, bytes, sections, start: anchor };
  for (const [number, section] of sections.entries()) {
    if (!/^\.(debug_|eh_frame)/.test(section.name) || section.type === SECTION_NO_BITS) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset + section.offset, section.size);
    for (const relocation of relocationsOf(elf, number)) carryOut(linked, section, view, relocation);
  }
  return linked;
}

function carryOut(linked: Elf, section: ElfSection, view: DataView, { at, shape, symbol, addend }: Relocation): void {
  if (at + shape.size > view.byteLength) return;
  const target = linked.sections[symbol.section];
  const plus = addend ?? valueAt(contentsOf(linked, section), at, shape);
  const loaded = target !== undefined && (target.flags & SECTION_FLAG_ALLOCATE) !== 0n;
  const nowhere = target !== undefined && !loaded && isProgramText(target);
  const sum = (target?.address ?? 0n) + symbol.value + plus;
  const value = nowhere ? NOWHERE : sum - (shape.relative ? section.address + BigInt(at) : 0n);
  if (shape.size === 8) view.setBigUint64(at, BigInt.asUintN(64, value), true);
  else view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
}

/** An address that begins nothing and, unlike 0 and all ones, ends no list of ranges or locations. */
const NOWHERE = 1n;

/** Code or data, not debug information that other debug information refers to. */
const isProgramText = ({ name }: ElfSection): boolean => !/^\.debug_/.test(name);

function valueAt(bytes: Uint8Array, at: number, { size, signed }: Shape): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (at + size > bytes.length) return 0n;
  if (size === 8) return view.getBigUint64(at, true);
  return BigInt(signed ? view.getInt32(at, true) : view.getUint32(at, true));
}

const contentsOf = (elf: Elf, section: ElfSection | undefined): Uint8Array =>
  section === undefined || section.type === SECTION_NO_BITS
    ? new Uint8Array(0)
    : elf.bytes.subarray(section.offset, section.offset + section.size);

const known = new WeakMap<Elf, { readonly symbols: RawSymbol[]; readonly bySection: Map<number, Relocation[]> }>();

/** Relocations of a section that the debugger understands: 32 and 64 bits, absolute and relative. */
function relocationsOf(elf: Elf, number: number): readonly Relocation[] {
  const kept = known.get(elf) ?? { symbols: rawSymbols(elf), bySection: new Map<number, Relocation[]>() };
  known.set(elf, kept);
  let relocations = kept.bySection.get(number);
  if (relocations === undefined) {
    const { symbols } = kept;
    relocations = elf.sections
      .filter(({ type, info }) => info === number && (type === WITH_ADDENDS || type === WITHOUT_ADDENDS))
      .flatMap((table) => readRelocations(elf, table, symbols));
    kept.bySection.set(number, relocations);
  }
  return relocations;
}

function readRelocations(elf: Elf, table: ElfSection, symbols: readonly RawSymbol[]): Relocation[] {
  const wide = elf.bits === 64;
  const addends = table.type === WITH_ADDENDS;
  const size = (wide ? 8 : 4) * (addends ? 3 : 2);
  const shapes = elf.machine === MACHINE_386 ? SHAPES_32 : SHAPES_64;
  const length = table.size - (table.size % size);
  const cursor = cursorOver(elf.file, `the relocations ${table.name}`, elf.bytes, table.offset, length);
  const found: Relocation[] = [];
  while (cursor.offset < length) {
    const at = wide ? Number(readU64(cursor)) : readU32(cursor);
    const low = readU32(cursor);
    const high = wide ? readU32(cursor) : 0;
    const addend = !addends ? undefined : BigInt.asIntN(elf.bits, wide ? readU64(cursor) : BigInt(readU32(cursor)));
    const shape = shapes[wide ? low : low & 0xff];
    const symbol = symbols[wide ? high : low >>> 8];
    if (shape !== undefined && symbol !== undefined && symbol.section < RESERVED_SECTIONS)
      found.push({ at, shape, symbol, addend });
  }
  return found;
}
