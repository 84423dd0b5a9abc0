// Code that an entry covers (DWARF 5, "Code Addresses, Ranges and Base Addresses"; "Range List Table"; DWARF 4, "Non-Contiguous Address Ranges").
import { cursorOver, readCount, readU8, readUnsigned } from '../bytes.ts';
import { badStructure } from '../errors.ts';
import { ATTRIBUTE } from './constants.ts';
import { addressValue, attribute, base, type Entry, headOf, indexedAddress } from './entries.ts';
import type { Unit } from './units.ts';

/** `end` is not included. */
export interface AddressRange {
  readonly start: bigint;
  readonly end: bigint;
}

const KNOWN = new WeakMap<Entry, readonly AddressRange[]>();

/** The ranges of an entry; empty when it has no code. */
export function rangesOf(entry: Entry): readonly AddressRange[] {
  let ranges = KNOWN.get(entry);
  if (ranges === undefined) {
    ranges = readRanges(entry).filter(({ start, end }) => end > start);
    KNOWN.set(entry, ranges);
  }
  return ranges;
}

export const covers = (entry: Entry, address: bigint): boolean =>
  rangesOf(entry).some(({ start, end }) => address >= start && address < end);

/** Where an entry's code begins: its entry point, or the first of its ranges. */
export function startOf(entry: Entry): bigint | undefined {
  const [first, ...rest] = rangesOf(entry);
  if (first === undefined) return undefined;
  const low = addressValue(entry.unit, attribute(entry, ATTRIBUTE.lowPc));
  const entryPc = attribute(entry, ATTRIBUTE.entryPc);
  const named = addressValue(entry.unit, entryPc);
  if (named !== undefined) return named;
  if (typeof entryPc?.value === 'bigint') return (low ?? first.start) + entryPc.value;
  return rest.length === 0 ? first.start : (low ?? first.start);
}

function readRanges(entry: Entry): AddressRange[] {
  const { unit } = entry;
  const listed = attribute(entry, ATTRIBUTE.ranges);
  if (listed !== undefined && typeof listed.value === 'bigint') {
    if (unit.context.version < 5) return oldList(unit, Number(listed.value));
    return newList(unit, listed.form === 0x23 ? indexed(unit, Number(listed.value)) : Number(listed.value));
  }
  const start = addressValue(unit, attribute(entry, ATTRIBUTE.lowPc));
  const high = attribute(entry, ATTRIBUTE.highPc);
  if (start === undefined || high === undefined || typeof high.value !== 'bigint') return [];
  return [{ start, end: addressValue(unit, high) ?? start + high.value }];
}

/** The address that offsets of the unit's lists count from. */
export const unitBase = (unit: Unit): bigint => addressValue(unit, attribute(headOf(unit), ATTRIBUTE.lowPc)) ?? 0n;

function indexed(unit: Unit, index: number): number {
  const { offsetSize } = unit.context;
  const { rangeLists, file } = unit.debug.sections;
  const start = base(unit, ATTRIBUTE.rangeListsBase, offsetSize === 8 ? 20 : 12);
  const cursor = cursorOver(file, '.debug_rnglists', rangeLists, start + index * offsetSize);
  return start + Number(readUnsigned(cursor, offsetSize));
}

function newList(unit: Unit, offset: number): AddressRange[] {
  const { rangeLists, displacement, file } = unit.debug.sections;
  const { addressSize } = unit.context;
  const cursor = cursorOver(file, '.debug_rnglists', rangeLists, offset);
  const ranges: AddressRange[] = [];
  let from = unitBase(unit);
  const address = (): bigint => readUnsigned(cursor, addressSize) + displacement;
  const atIndex = (): bigint => indexedAddress(unit, readCount(cursor));
  const length = (): bigint => BigInt(readCount(cursor));
  for (;;) {
    const kind = readU8(cursor);
    switch (kind) {
      case 0: // end_of_list
        return ranges;
      case 1: // base_addressx
        from = atIndex();
        break;
      case 2: // startx_endx
        ranges.push({ start: atIndex(), end: atIndex() });
        break;
      case 3: {
        // startx_length
        const start = atIndex();
        ranges.push({ start, end: start + length() });
        break;
      }
      case 4: // offset_pair
        ranges.push({ start: from + length(), end: from + length() });
        break;
      case 5: // base_address
        from = address();
        break;
      case 6: // start_end
        ranges.push({ start: address(), end: address() });
        break;
      case 7: {
        // start_length
        const start = address();
        ranges.push({ start, end: start + length() });
        break;
      }
      default:
        throw badStructure(
          file,
          undefined,
          `.debug_rnglists has an entry of kind ${kind}, which DWARF 5 does not define`,
        );
    }
  }
}

function oldList(unit: Unit, offset: number): AddressRange[] {
  const { ranges: section, displacement, file } = unit.debug.sections;
  const { addressSize } = unit.context;
  const cursor = cursorOver(file, '.debug_ranges', section, offset);
  const largest = (1n << BigInt(addressSize * 8)) - 1n;
  const ranges: AddressRange[] = [];
  let from = unitBase(unit);
  for (;;) {
    const start = readUnsigned(cursor, addressSize);
    const end = readUnsigned(cursor, addressSize);
    if (start === 0n && end === 0n) return ranges;
    if (start === largest) from = end + displacement;
    else ranges.push({ start: from + start, end: from + end });
  }
}
