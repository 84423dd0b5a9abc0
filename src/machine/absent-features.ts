// Instructions and formats that a processor of an older profile lacks.
import {
  ABSENT_FCS_FDS,
  ABSENT_SIMD,
  ABSENT_WAITPKG,
  ABSENT_XSAVEC,
  ABSENT_XSAVEOPT,
  ABSENT_ADX,
  ABSENT_BMI1,
  ABSENT_BMI2,
  ABSENT_CLWB,
  ABSENT_INVPCID,
  ABSENT_LZCNT,
  ABSENT_MOVBE,
  ABSENT_MOVDIRI,
  ABSENT_PAGE_1G,
  ABSENT_POPCNT,
  ABSENT_RDPID,
  ABSENT_RDRAND,
  ABSENT_RDSEED,
  ABSENT_RDTSCP,
  ABSENT_SMAP,
} from '../core/layout.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { hiddenFeatures } from './cpuid.ts';

/** In the order of FEATURES in core/ops/simd/row.ts. */
// biome-ignore format: a list
const SIMD_FEATURES = ['MMX', 'SSE', 'SSE2', 'SSE3', 'SSSE3', 'SSE4.1', 'SSE4.2', 'AESNI', 'PCLMULQDQ', 'SHA'];

/** Bits of ABSENT by the CPUID feature that reports what they stand for. */
const BIT_OF_FEATURE: Readonly<Record<string, number>> = {
  Page1GB: ABSENT_PAGE_1G,
  MOVBE: ABSENT_MOVBE,
  POPCNT: ABSENT_POPCNT,
  RDRAND: ABSENT_RDRAND,
  RDSEED: ABSENT_RDSEED,
  BMI1: ABSENT_BMI1,
  BMI2: ABSENT_BMI2,
  LZCNT: ABSENT_LZCNT,
  ADX: ABSENT_ADX,
  INVPCID: ABSENT_INVPCID,
  SMAP: ABSENT_SMAP,
  CLWB: ABSENT_CLWB,
  RDTSCP: ABSENT_RDTSCP,
  RDPID: ABSENT_RDPID,
  MOVDIRI: ABSENT_MOVDIRI,
  WAITPKG: ABSENT_WAITPKG,
  FCS_FDS: ABSENT_FCS_FDS,
  XSAVEOPT: ABSENT_XSAVEOPT,
  XSAVEC: ABSENT_XSAVEC,
  ...Object.fromEntries(SIMD_FEATURES.map((name, index) => [name, 1 << (ABSENT_SIMD + index)])),
};

/** ABSENT of a processor: what CPUID does not report there. */
export function absentFeatures(profile: CapabilityProfile): number {
  const hidden = hiddenFeatures(profile);
  return Object.entries(BIT_OF_FEATURE).reduce((bits, [name, bit]) => bits | (hidden.has(name) ? bit : 0), 0);
}
