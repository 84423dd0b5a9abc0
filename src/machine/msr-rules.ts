// Which values an MSR accepts.
import { type Hardware, PHYSICAL_BITS } from './hardware.ts';

export const PHYSICAL_LIMIT = 1n << BigInt(PHYSICAL_BITS);

export type MsrRule = (value: bigint, hardware: Hardware) => boolean;

/** Sign-extended from the widest linear address that the processor supports, whatever CR4.LA57 says (SDM "Canonicality Checking"). */
export function isCanonical(value: bigint, { linearBits }: Pick<Hardware, 'linearBits'>): boolean {
  return BigInt.asUintN(64, BigInt.asIntN(linearBits, value)) === value;
}

/** Only these bits may be 1. */
export function only(mask: bigint): MsrRule {
  return (value) => (value & ~mask) === 0n;
}

export function anyValue(): boolean {
  return true;
}

const MEMORY_TYPES = new Set([0n, 1n, 4n, 5n, 6n]);

/** IA32_PAT: eight memory types, where 7 (UC-) exists too (SDM "IA32_PAT MSR"). */
export function isPat(value: bigint): boolean {
  return eachByte(value, (type) => MEMORY_TYPES.has(type) || type === 7n);
}

/** Fixed-range MTRRs: eight memory types (SDM "Fixed Range MTRRs"). */
export function areMemoryTypes(value: bigint): boolean {
  return eachByte(value, (type) => MEMORY_TYPES.has(type));
}

function eachByte(value: bigint, holds: (byte: bigint) => boolean): boolean {
  for (let i = 0n; i < 64n; i += 8n) {
    if (!holds((value >> i) & 0xffn)) return false;
  }
  return true;
}

/** IA32_MTRR_DEF_TYPE: type, fixed-range enable (10), enable (11). */
export function isMtrrDefault(value: bigint): boolean {
  return (value & ~0xcffn) === 0n && MEMORY_TYPES.has(value & 0xffn);
}

/** IA32_MTRR_PHYSBASEn: type in 7:0, base from bit 12. */
export function isMtrrBase(value: bigint): boolean {
  return value < PHYSICAL_LIMIT && (value & 0xf00n) === 0n && MEMORY_TYPES.has(value & 0xffn);
}

/** IA32_MTRR_PHYSMASKn: valid in bit 11, mask from bit 12. */
export function isMtrrMask(value: bigint): boolean {
  return value < PHYSICAL_LIMIT && (value & 0x7ffn) === 0n;
}
