// Which location expression holds at an address (DWARF 5, "Location Lists"; DWARF 4, "Location Lists").
import { advance, type Cursor, cursorOver, readCount, readU16, readU8, readUnsigned } from '../bytes.ts';
import { badStructure } from '../errors.ts';
import { ATTRIBUTE } from './constants.ts';
import { type Attribute, base, indexedAddress } from './entries.ts';
import { unitBase } from './ranges.ts';
import type { Unit } from './units.ts';

/** The expression of a location attribute at an address; undefined where the list says that there is none. */
export function locationAt(unit: Unit, found: Attribute, address: bigint): Uint8Array | undefined {
  if (found.value instanceof Uint8Array) return found.value;
  if (typeof found.value !== 'bigint') return undefined;
  if (unit.context.version < 5) return inOldList(unit, Number(found.value), address);
  return inNewList(unit, found.form === 0x22 ? indexed(unit, Number(found.value)) : Number(found.value), address);
}

function indexed(unit: Unit, index: number): number {
  const { offsetSize } = unit.context;
  const { locationLists, file } = unit.debug.sections;
  const start = base(unit, ATTRIBUTE.locationListsBase, offsetSize === 8 ? 20 : 12);
  const cursor = cursorOver(file, '.debug_loclists', locationLists, start + index * offsetSize);
  return start + Number(readUnsigned(cursor, offsetSize));
}

function expression(cursor: Cursor, length: number): Uint8Array {
  const start = advance(cursor, length);
  return new Uint8Array(cursor.view.buffer, cursor.view.byteOffset + start, length);
}

function inNewList(unit: Unit, offset: number, wanted: bigint): Uint8Array | undefined {
  const { locationLists, displacement, file } = unit.debug.sections;
  const { addressSize } = unit.context;
  const cursor = cursorOver(file, '.debug_loclists', locationLists, offset);
  let from = unitBase(unit);
  let otherwise: Uint8Array | undefined;
  const address = (): bigint => readUnsigned(cursor, addressSize) + displacement;
  const atIndex = (): bigint => indexedAddress(unit, readCount(cursor));
  const length = (): bigint => BigInt(readCount(cursor));
  for (;;) {
    const kind = readU8(cursor);
    let start: bigint;
    let end: bigint;
    switch (kind) {
      case 0: // end_of_list
        return otherwise;
      case 1: // base_addressx
        from = atIndex();
        continue;
      case 2: // startx_endx
        start = atIndex();
        end = atIndex();
        break;
      case 3: // startx_length
        start = atIndex();
        end = start + length();
        break;
      case 4: // offset_pair
        start = from + length();
        end = from + length();
        break;
      case 5: // default_location
        otherwise = expression(cursor, readCount(cursor));
        continue;
      case 6: // base_address
        from = address();
        continue;
      case 7: // start_end
        start = address();
        end = address();
        break;
      case 8: // start_length
        start = address();
        end = start + length();
        break;
      case 9: // GNU view pair
        readCount(cursor);
        readCount(cursor);
        continue;
      default:
        throw badStructure(
          file,
          undefined,
          `.debug_loclists has an entry of kind ${kind}, which DWARF 5 does not define`,
        );
    }
    const found = expression(cursor, readCount(cursor));
    if (wanted >= start && wanted < end) return found;
  }
}

function inOldList(unit: Unit, offset: number, wanted: bigint): Uint8Array | undefined {
  const { locations, displacement, file } = unit.debug.sections;
  const { addressSize } = unit.context;
  const cursor = cursorOver(file, '.debug_loc', locations, offset);
  const largest = (1n << BigInt(addressSize * 8)) - 1n;
  let from = unitBase(unit);
  for (;;) {
    const start = readUnsigned(cursor, addressSize);
    const end = readUnsigned(cursor, addressSize);
    if (start === 0n && end === 0n) return undefined;
    if (start === largest) {
      from = end + displacement;
      continue;
    }
    const found = expression(cursor, readU16(cursor));
    if (wanted >= from + start && wanted < from + end) return found;
  }
}
