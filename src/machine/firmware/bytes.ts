// Little-endian fields of firmware tables.

export const text = (value: string): number[] => [...value].map((character) => character.charCodeAt(0));
export const u16 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff];
export const u32 = (value: number): number[] => [...u16(value), ...u16(value >>> 16)];
/** Of an address below 4 GiB. */
export const u64 = (value: number): number[] => [...u32(value), 0, 0, 0, 0];

/** The byte that makes a structure's sum 0. */
export const checksum = (bytes: readonly number[]): number => -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
