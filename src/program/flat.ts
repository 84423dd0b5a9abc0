// Flat binaries: bytes at an address, with the mode that the user names, or with the address fields of a multiboot header.
import { badOption } from './errors.ts';
import {
  type BootAddresses,
  type BootHeader,
  type BootOptions,
  addressedSegment,
  bootMaterial,
  videoNotices,
} from './multiboot.ts';
import { baseName } from './paths.ts';
import type { Program } from './types.ts';

/** Where a flat program goes when nobody says: a boot sector's place, or the first byte above 1 MiB. */
export const defaultAddress = (bits: 16 | 32 | 64): number => (bits === 16 ? 0x7c00 : 0x100000);

export function loadFlat(
  file: string,
  bytes: Uint8Array,
  bits: 16 | 32 | 64,
  address: number | undefined,
  entry: number | undefined,
): Program {
  const base = address ?? defaultAddress(bits);
  const start = entry ?? base;
  if (start < base || start >= base + bytes.length) {
    throw badOption(file, 'entry', `is 0x${start.toString(16)}, outside the binary`, 'Give an address in it.');
  }
  return {
    name: baseName(file),
    segments: [{ address: base, bytes, size: bytes.length }],
    entry: { kind: 'flat', entry: start, bits },
    symbols: [],
    lines: { files: [], rows: [] },
  };
}

export function loadFlatMultiboot(
  file: string,
  bytes: Uint8Array,
  header: BootHeader,
  fields: BootAddresses,
  boot: BootOptions,
): Program {
  const image = addressedSegment(file, bytes, header, fields);
  const material = bootMaterial({ ...boot, occupied: [image] });
  return {
    name: baseName(file),
    segments: [image, ...material.segments],
    entry: { kind: 'multiboot', entry: fields.entry, info: material.info },
    symbols: [],
    lines: { files: [], rows: [] },
    notices: videoNotices(header),
  };
}
