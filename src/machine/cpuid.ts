// What CPUID answers: a GenuineIntel server processor, restricted to what this machine carries out
// (SDM "CPUID—CPU Identification"). Leaf 1FH is the highest basic leaf, 80000008H the highest extended one.
import {
  APIC_BASE,
  CPUID_EAX,
  CR4,
  EFER,
  CS,
  MISC_ENABLE,
  SEG_RIGHTS,
  SEGMENT_SIZE,
  SEGMENTS,
} from '../core/layout.ts';
import { type CpuidRegister, cpuidMask } from '../spec/cpuid.ts';
import { type Core, readWord } from '../vmx/processor.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { CR4_OF_FEATURE } from '../vmx/choose-profile.ts';
import { FREQUENCY, linearBitsOf, PHYSICAL_BITS } from './hardware.ts';
import { CRYSTAL_HZ } from './devices/clock.ts';

export interface CpuidIdentity {
  readonly processors: number;
  readonly apicId: number;
  readonly features: CpuidFeatures;
}

/** What the processor's profile makes of the answers. */
export interface CpuidFeatures {
  /** CPUID.1:EAX. */
  readonly signature: number;
  readonly linearBits: number;
  /** Bits that are reported, by leaf and register, where the processor's state does not decide. */
  readonly basicEcx: number;
  readonly basicEdx: number;
  readonly featuresEbx: number;
  readonly featuresEcx: number;
  readonly featuresEdx: number;
  /** CPUID.(0DH,1):EAX. */
  readonly stateEax: number;
  readonly extendedEcx: number;
  readonly extendedEdx: number;
}

export type CpuidAnswer = readonly [eax: number, ebx: number, ecx: number, edx: number];

const HIGHEST_BASIC = 0x1f;
const HIGHEST_EXTENDED = 0x80000008;
const BRAND = 'Ringside simulated VT-x processor';
const NOTHING: CpuidAnswer = [0, 0, 0, 0];

// The features that this machine carries out, by the SDM's names (spec/cpuid.ts).
const BASIC_ECX = [
  'CMPXCHG16B',
  'PCID',
  'x2APIC',
  'MOVBE',
  'POPCNT',
  'TSC-deadline',
  'RDRAND',
  'VMX',
  'MONITOR',
  'XSAVE',
  'SSE3',
  'PCLMULQDQ',
  'SSSE3',
  'SSE4.1',
  'SSE4.2',
  'AESNI',
];
// biome-ignore format: one register
const BASIC_EDX = [
  'FPU', 'VME', 'DE', 'PSE', 'TSC', 'MSR', 'PAE', 'MCE', 'CX8', 'SEP', 'MTRR', 'PGE', 'MCA', 'CMOV', 'PAT', 'PSE-36', 'CLFSH',
  'FXSR', 'MMX', 'SSE', 'SSE2',
];
// biome-ignore format: one register
const FEATURES_EBX = [
  'FSGSBASE', 'IA32_TSC_ADJUST', 'BMI1', 'SMEP', 'BMI2', 'ERMS', 'INVPCID', 'FCS_FDS', 'RDSEED', 'ADX', 'SMAP', 'CLFLUSHOPT',
  'CLWB', 'SHA',
];
const STATE_EAX = ['XSAVEOPT', 'XSAVEC', 'XGETBV1'];
const FEATURES_ECX = ['UMIP', 'PKU', 'WAITPKG', 'LA57', 'RDPID', 'MOVDIRI', 'PKS'];
const FEATURES_EDX = ['FSRM', 'IBRS', 'STIBP', 'IA32_ARCH_CAPABILITIES', 'SSBD'];
const EXTENDED_ECX = ['LAHF', 'LZCNT', 'PREFETCHW'];
const EXTENDED_EDX = ['Page1GB', 'RDTSCP', 'LM'];

/** Features of the machine that CPUID does not report on a processor of a profile. */
export function hiddenFeatures(profile: CapabilityProfile): ReadonlySet<string> {
  const hidden = new Set(profile.hidden);
  if (profile.vmx === 'absent') hidden.add('VMX');
  for (const [feature, bit] of Object.entries(CR4_OF_FEATURE))
    if (!profile.cr4Fixed1.includes(bit)) hidden.add(feature);
  return hidden;
}

/** What CPUID reports on a processor of a profile. */
export function cpuidFeatures(profile: CapabilityProfile): CpuidFeatures {
  const hidden = hiddenFeatures(profile);
  const mask = (leaf: number, register: CpuidRegister, names: readonly string[]) =>
    cpuidMask(
      leaf,
      register,
      names.filter((name) => !hidden.has(name)),
    );
  return {
    signature: profile.signature,
    linearBits: linearBitsOf(profile),
    basicEcx: mask(1, 'ecx', BASIC_ECX),
    basicEdx: mask(1, 'edx', BASIC_EDX),
    featuresEbx: mask(7, 'ebx', FEATURES_EBX),
    featuresEcx: mask(7, 'ecx', FEATURES_ECX),
    featuresEdx: mask(7, 'edx', FEATURES_EDX),
    stateEax: mask(0xd, 'eax', STATE_EAX),
    extendedEcx: mask(0x80000001, 'ecx', EXTENDED_ECX),
    extendedEdx: mask(0x80000001, 'edx', EXTENDED_EDX),
  };
}

// Features that follow the state of the processor.
const MONITOR = cpuidMask(1, 'ecx', ['MONITOR']);
const XSAVE = cpuidMask(1, 'ecx', ['XSAVE']);
const XSAVEC = cpuidMask(0xd, 'eax', ['XSAVEC']);
const OSXSAVE = cpuidMask(1, 'ecx', ['OSXSAVE']);
const APIC = cpuidMask(1, 'edx', ['APIC']);
const HTT = cpuidMask(1, 'edx', ['HTT']);
const OSPKE = cpuidMask(7, 'ecx', ['OSPKE']);
const SYSCALL = cpuidMask(0x80000001, 'edx', ['SYSCALL']);
const NX = cpuidMask(0x80000001, 'edx', ['NX']);
const MISC_MONITOR = 1 << 18;
const MISC_LIMIT = 1 << 22;
const MISC_XD_DISABLE_HIGH = 1 << 2; // bit 34
const CR4_OSXSAVE = 1 << 18;
const CR4_PKE = 1 << 22;
const EFER_LMA = 1 << 10;
const CS_LONG = 1 << 13;

/** The four registers for a leaf and subleaf; some bits follow the state of the processor in `core`. */
export function cpuid(core: Core, identity: CpuidIdentity, leaf: number, subleaf: number): CpuidAnswer {
  const limited = (readWord(core, MISC_ENABLE) & MISC_LIMIT) !== 0;
  const highest = limited ? 2 : HIGHEST_BASIC;
  const known = leaf >= 0x80000000 ? leaf <= HIGHEST_EXTENDED : leaf <= highest;
  return answer(core, identity, known ? leaf : highest, subleaf, highest);
}

function answer(core: Core, identity: CpuidIdentity, leaf: number, subleaf: number, highest: number): CpuidAnswer {
  switch (leaf) {
    case 0:
      return [highest, 0x756e6547, 0x6c65746e, 0x49656e69]; // "GenuineIntel" in EBX, EDX, ECX
    case 1:
      return features(core, identity);
    case 2:
      return [0x00feff01, 0xf0, 0, 0]; // see leaf 4; 64-byte prefetching
    case 4:
      return caches(identity, subleaf);
    case 5:
      return [64, 64, 3, 0x20];
    case 6:
      return [4, 0, 0, 0]; // the APIC timer always runs
    case 7:
      return subleaf === 0 ? extendedFeatures(core, identity.features) : NOTHING;
    case 0xb:
    case 0x1f:
      return topology(identity, subleaf);
    case 0xd:
      return extendedState(identity.features, subleaf);
    case 0x15:
      return [1, FREQUENCY / CRYSTAL_HZ, CRYSTAL_HZ, 0];
    case 0x16:
      return [FREQUENCY / 1_000_000, FREQUENCY / 1_000_000, 100, 0];
    case 0x80000000:
      return [HIGHEST_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return extended(core, identity.features);
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
      return brand(leaf - 0x80000002);
    case 0x80000006:
      return [0, 0, 0x04006040, 0]; // L2: 1 MiB, 8-way, 64-byte lines
    case 0x80000007:
      return [0, 0, 0, 0x100]; // invariant TSC
    case 0x80000008:
      return [PHYSICAL_BITS | (identity.features.linearBits << 8), 0, 0, 0];
    default:
      return NOTHING;
  }
}

function features(core: Core, { features: offered, processors, apicId }: CpuidIdentity): CpuidAnswer {
  const monitor = (readWord(core, MISC_ENABLE) & MISC_MONITOR) !== 0 ? 0 : MONITOR;
  const osxsave = (readWord(core, CR4) & CR4_OSXSAVE) !== 0 ? OSXSAVE : 0;
  const apic = (readWord(core, APIC_BASE) & 0x800) !== 0 ? APIC : 0;
  return [
    offered.signature,
    ((apicId << 24) | (addressableIds(processors) << 16) | (8 << 8)) >>> 0,
    (offered.basicEcx & ~monitor) | osxsave,
    offered.basicEdx | apic | (processors > 1 ? HTT : 0),
  ];
}

/** x87 and SSE state: the legacy region and the header, whatever XCR0 enables. */
const XSAVE_BYTES = 576;
const XCR0_X87_SSE = 3;

function extendedState(offered: CpuidFeatures, subleaf: number): CpuidAnswer {
  if ((offered.basicEcx & XSAVE) === 0) return NOTHING;
  if (subleaf === 0) return [XCR0_X87_SSE, XSAVE_BYTES, XSAVE_BYTES, 0];
  if (subleaf === 1) return [offered.stateEax, (offered.stateEax & XSAVEC) === 0 ? 0 : XSAVE_BYTES, 0, 0];
  return NOTHING;
}

function extendedFeatures(core: Core, offered: CpuidFeatures): CpuidAnswer {
  const ospke = (readWord(core, CR4) & CR4_PKE) !== 0 ? OSPKE : 0;
  return [0, offered.featuresEbx, offered.featuresEcx | ospke, offered.featuresEdx];
}

function extended(core: Core, offered: CpuidFeatures): CpuidAnswer {
  const longCode =
    (readWord(core, EFER) & EFER_LMA) !== 0 &&
    (readWord(core, SEGMENTS + CS * SEGMENT_SIZE + SEG_RIGHTS) & CS_LONG) !== 0;
  const nx = (readWord(core, MISC_ENABLE + 4) & MISC_XD_DISABLE_HIGH) === 0 ? NX : 0;
  return [0, 0, offered.extendedEcx, offered.extendedEdx | nx | (longCode ? SYSCALL : 0)];
}

// Leaf 4: type and level, ways and line size, sets - 1: 32 KiB of data, 32 KiB of code, 1 MiB, 16 MiB.
const CACHES: readonly CpuidAnswer[] = [
  [0x121, 0x01c0003f, 63, 0],
  [0x122, 0x01c0003f, 63, 0],
  [0x143, 0x01c0003f, 2047, 0],
  [0x163, 0x03c0003f, 16383, 4],
];

/** APIC IDs that a package of so many processors sets aside: a power of two. */
function addressableIds(processors: number): number {
  return 2 ** (32 - Math.clz32(processors - 1));
}

/** Who shares a cache (the last level: all) in EAX[25:14], cores of the package in EAX[31:26], each less one. */
function caches({ processors }: CpuidIdentity, subleaf: number): CpuidAnswer {
  const cache = CACHES[subleaf];
  if (cache === undefined) return NOTHING;
  const [eax, ebx, ecx, edx] = cache;
  const others = addressableIds(processors) - 1;
  return [(eax | (others << 26) | (subleaf === CACHES.length - 1 ? others << 14 : 0)) >>> 0, ebx, ecx, edx];
}

/** Every logical processor is a core of its own: one thread, then all cores of the package. */
function topology({ processors, apicId }: CpuidIdentity, subleaf: number): CpuidAnswer {
  if (subleaf === 0) return [0, 1, 0x100, apicId];
  if (subleaf === 1) return [32 - Math.clz32(processors - 1), processors, 0x201, apicId];
  return [0, 0, subleaf & 0xff, apicId];
}

function brand(part: number): CpuidAnswer {
  const registers = [0, 1, 2, 3].map((register) => {
    let value = 0;
    for (let byte = 0; byte < 4; byte++)
      value |= (BRAND.charCodeAt(part * 16 + register * 4 + byte) || 0) << (8 * byte);
    return value >>> 0;
  });
  return registers as unknown as CpuidAnswer;
}

/** The core's import: leaves the answer in CPUID_EAX and the three words after it. */
export function answerCpuid(core: Core, identity: CpuidIdentity, leaf: number, subleaf: number): void {
  core.words.set(cpuid(core, identity, leaf, subleaf), CPUID_EAX >>> 2);
}
