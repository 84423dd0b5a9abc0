// Code without source, as text that an editor can open: one line an instruction, numbered by a source reference. A listing is
// kept while its instructions are in memory, so that stepping moves through one document.

import { disassemble, type ListedInstruction } from '../debugger/disassembly.ts';
import { hex } from '../debugger/format.ts';
import type { Machine, Side } from '../machine/types.ts';
import type { Image } from '../program/image.ts';

export interface Listing {
  /** The protocol's sourceReference, from 1. */
  readonly reference: number;
  readonly name: string;
  readonly side: Side;
  readonly rows: readonly ListedInstruction[];
}

export interface ListingPlace {
  readonly listing: Listing;
  /** From 1. */
  readonly line: number;
}

const BEFORE = 24;
const AFTER = 200;
const LOOK_AHEAD = 4;

/** The place of an instruction in one of the listings; a new listing when none shows it as it is. */
export function placeInListing(
  listings: Listing[],
  machine: Machine,
  image: Image,
  side: Side,
  linear: bigint,
): ListingPlace {
  for (const listing of listings) {
    const index = listing.side === side ? listing.rows.findIndex((row) => row.address === linear && row.valid) : -1;
    if (index >= 0 && stillThere(listing, index, machine)) return { listing, line: index + 1 };
  }
  const at = { space: { kind: 'linear', side }, address: linear } as const;
  const rows = disassemble(machine, image, at, machine.codeBits(side), -BEFORE, BEFORE + AFTER);
  // What cannot be decoded in front of the instruction is left out.
  const first = rows.findLastIndex((row, index) => index < BEFORE && !row.valid) + 1;
  const listing: Listing = {
    reference: listings.length + 1,
    name: `${side === 'root' ? 'host' : 'guest'} code at ${hex(linear)}`,
    side,
    rows: rows.slice(first),
  };
  listings.push(listing);
  return { listing, line: BEFORE - first + 1 };
}

/** The instruction and those right behind it are in memory as they are listed; data further on may have changed. */
function stillThere(listing: Listing, index: number, machine: Machine): boolean {
  return listing.rows.slice(index, index + LOOK_AHEAD).every((row) => {
    const bytes = machine.peekLinear(listing.side, row.address, row.bytes.length);
    return bytes.length === row.bytes.length && bytes.every((byte, at) => byte === row.bytes[at]);
  });
}

/** The listing as an editor shows it: address, bytes, instruction. */
export function listingText(listing: Listing): string {
  return listing.rows
    .map((row) => {
      const bytes = Array.from(row.bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
      const label = row.label === undefined ? '' : `  ; ${row.label}:`;
      return `${hex(row.address, 8)}  ${bytes.padEnd(24)}  ${row.text}${label}\n`;
    })
    .join('');
}

/** The instruction of a line, from 1. */
export function addressOfLine(listing: Listing, line: number): bigint | undefined {
  const row = listing.rows[line - 1];
  return row?.valid === true ? row.address : undefined;
}
