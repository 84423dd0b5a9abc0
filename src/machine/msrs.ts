// Every MSR that the machine answers: where its value lives, which values it accepts, what a write sets in motion.
// Anything else is #GP(0), as on a processor that lacks the MSR (SDM "Model-Specific Registers (MSRs)").
import {
  APIC_BASE,
  CSTAR,
  DEBUGCTL,
  EFER,
  FEATURE_CONTROL,
  FMASK,
  FS,
  CR0,
  GS,
  KERNEL_GS_BASE,
  LSTAR,
  MISC_ENABLE,
  NON_ROOT,
  PAT,
  PERF_GLOBAL_CTRL,
  PKRS,
  PLAIN_MSRS,
  SEG_BASE,
  SEGMENT_SIZE,
  SEGMENTS,
  SPEC_CTRL,
  STAR,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  TERTIARY_CONTROLS,
  TSC_ADJUST,
  TSC_AUX,
  TSC_BASE,
  TSC_MULTIPLIER,
  TSC_OFFSET,
  UMWAIT_CONTROL,
} from '../core/layout.ts';
import { F_IA32_SPEC_CTRL_MASK, F_IA32_SPEC_CTRL_SHADOW } from '../core/generated/vmcs-offsets.ts';
import { MSRS as NAMED_MSRS } from '../spec/msrs.ts';
import { setVmcsQuad, vmcsQuad } from '../vmx/operation.ts';
import { type Core, readQuad, readWord, writeQuad } from '../vmx/processor.ts';
import { FREQUENCY, type Hardware } from './hardware.ts';
import {
  anyValue,
  areMemoryTypes,
  isCanonical,
  isMtrrBase,
  isMtrrDefault,
  isMtrrMask,
  isPat,
  type MsrRule,
  only,
  PHYSICAL_LIMIT,
} from './msr-rules.ts';

// Answers of host_wrmsr (src/core/README.md).
export const MSR_FAULT = 0;
export const MSR_DONE = 1;
export const MSR_DEVICES = 2;
export const MSR_MODE = 4;

export interface Msr {
  /** CPUID feature without which the processor lacks the MSR. */
  readonly feature?: string;
  readonly read: (hardware: Hardware, index: number) => bigint | undefined;
  /** MSR_* bits; absent: read-only. */
  readonly write?: (hardware: Hardware, value: bigint, index: number) => number;
}

const BUS_HZ = 100_000_000;
const EFER_SCE_LME_NXE = 0x901n;
const EFER_LME = 0x100n;
const EFER_LMA = 0x400n;
const CR0_PG = 0x80000000n;
const MISC_ENABLE_WRITABLE = 0x4_0044_0009n; // XD disable, limit CPUID, MONITOR, thermal control, fast strings
const MISC_ENABLE_FIXED = 0x1800n; // no branch-trace store, no PEBS
const DEBUGCTL_LBR = 1n;
const DEBUGCTL_BTF = 2n;
const FEATURE_CONTROL_LOCK = 1n;
const TERTIARY_SPEC_CTRL = 1 << 7;
const APIC_BSP = 0x100n;
const APIC_X2 = 0x400n;
const APIC_ENABLE = 0x800n;

/** A value in a cell of layout.ts. */
function cell(address: number, rule: MsrRule = anyValue, answer = MSR_DONE): Msr {
  return {
    read: ({ core }) => readQuad(core, address),
    write: (hardware, value) => {
      if (!rule(value, hardware)) return MSR_FAULT;
      writeQuad(hardware.core, address, value);
      return answer;
    },
  };
}

let plainCells = 0;

/** A value that nothing but this table looks at. */
function plain(rule: MsrRule = anyValue): Msr {
  plainCells += 1;
  if (plainCells > 128) throw new Error('PLAIN_MSRS in layout.ts holds 128 values');
  return cell(PLAIN_MSRS + 8 * (plainCells - 1), rule);
}

function constant(value: bigint): Msr {
  return { read: () => value };
}

/** Time-stamp counter without a guest's offset: time plus what software wrote. */
export function timeStamp(hardware: Hardware, now: number): bigint {
  return BigInt.asUintN(64, BigInt(now) + readQuad(hardware.core, TSC_BASE));
}

const TIME_STAMP: Msr = {
  read: (hardware) => {
    const value = timeStamp(hardware, hardware.now());
    if (readWord(hardware.core, NON_ROOT) === 0) return value;
    const scaled = (value * readQuad(hardware.core, TSC_MULTIPLIER)) >> 48n;
    return BigInt.asUintN(64, scaled + readQuad(hardware.core, TSC_OFFSET));
  },
  write: (hardware, value) => moveTimeStamp(hardware, value - timeStamp(hardware, hardware.now())),
};

const ADJUST: Msr = {
  read: ({ core }) => readQuad(core, TSC_ADJUST),
  write: (hardware, value) => moveTimeStamp(hardware, value - readQuad(hardware.core, TSC_ADJUST)),
};

/** A write to either of the two moves both (SDM "IA32_TSC_ADJUST"). */
function moveTimeStamp({ core }: Hardware, delta: bigint): number {
  writeQuad(core, TSC_BASE, BigInt.asUintN(64, readQuad(core, TSC_BASE) + delta));
  writeQuad(core, TSC_ADJUST, BigInt.asUintN(64, readQuad(core, TSC_ADJUST) + delta));
  return MSR_DONE;
}

const DEADLINE: Msr = {
  read: ({ core, board }) => {
    const time = board.readDeadline();
    return time === 0 ? 0n : BigInt.asUintN(64, BigInt(time) + readQuad(core, TSC_BASE));
  },
  write: ({ core, board }, value) => {
    const time = BigInt.asIntN(64, value - readQuad(core, TSC_BASE));
    const latest = BigInt(Number.MAX_SAFE_INTEGER);
    board.writeDeadline(value === 0n ? 0 : Number(time < 1n ? 1n : time > latest ? latest : time));
    return MSR_DEVICES;
  },
};

const APIC_BASE_MSR: Msr = {
  read: ({ core }) => readQuad(core, APIC_BASE),
  write: ({ core, board, profile }, value) => {
    const old = readQuad(core, APIC_BASE);
    if (value >= PHYSICAL_LIMIT || (value & 0x2ffn) !== 0n) return MSR_FAULT;
    if ((value & APIC_X2) !== 0n && profile.hidden.includes('x2APIC')) return MSR_FAULT;
    if (!apicModeAllowed(old, value)) return MSR_FAULT;
    writeQuad(core, APIC_BASE, (value & ~APIC_BSP) | (old & APIC_BSP));
    board.setApicBase(Number(value & 0xffffffffn));
    return MSR_DEVICES | MSR_MODE;
  },
};

/** Transitions of SDM "x2APIC State Transitions": never x2APIC without enable, never straight into or back out of it. */
function apicModeAllowed(old: bigint, value: bigint): boolean {
  const x2 = (value & APIC_X2) !== 0n;
  const enabled = (value & APIC_ENABLE) !== 0n;
  const wasX2 = (old & APIC_X2) !== 0n;
  const wasEnabled = (old & APIC_ENABLE) !== 0n;
  if (x2 && !enabled) return false;
  if (x2 && !wasEnabled) return false;
  return !(wasX2 && enabled && !x2);
}

const FEATURE_CONTROL_MSR: Msr = {
  read: ({ core, profile }) => (profile.vmx === 'absent' ? undefined : readQuad(core, FEATURE_CONTROL)),
  write: ({ core, profile }, value) => {
    if (profile.vmx === 'absent') return MSR_FAULT;
    if ((readQuad(core, FEATURE_CONTROL) & FEATURE_CONTROL_LOCK) !== 0n || (value & ~5n) !== 0n) return MSR_FAULT;
    writeQuad(core, FEATURE_CONTROL, value);
    return MSR_DONE;
  },
};

const EFER_MSR: Msr = {
  read: ({ core }) => readQuad(core, EFER),
  write: ({ core }, value) => {
    const old = readQuad(core, EFER);
    if ((value & ~(EFER_SCE_LME_NXE | EFER_LMA)) !== 0n) return MSR_FAULT;
    if (((old ^ value) & EFER_LME) !== 0n && (readQuad(core, CR0) & CR0_PG) !== 0n) return MSR_FAULT;
    writeQuad(core, EFER, (value & EFER_SCE_LME_NXE) | (old & EFER_LMA));
    return MSR_DONE | MSR_MODE;
  },
};

const MISC_ENABLE_MSR: Msr = {
  read: ({ core }) => readQuad(core, MISC_ENABLE),
  write: ({ core }, value) => {
    if ((value & ~(MISC_ENABLE_WRITABLE | MISC_ENABLE_FIXED)) !== 0n) return MSR_FAULT;
    writeQuad(core, MISC_ENABLE, (value & MISC_ENABLE_WRITABLE) | MISC_ENABLE_FIXED);
    return MSR_DONE;
  },
};

/** IBRS, STIBP, SSBD: kept, without effect on a processor that does not speculate. */
const SPEC_CTRL_MSR: Msr = {
  read: ({ core }) =>
    isSpecCtrlVirtualized(core) ? vmcsQuad(core, F_IA32_SPEC_CTRL_SHADOW) : readQuad(core, SPEC_CTRL),
  write: ({ core }, value) => {
    if ((value & ~7n) !== 0n) return MSR_FAULT;
    if (isSpecCtrlVirtualized(core)) {
      const mask = vmcsQuad(core, F_IA32_SPEC_CTRL_MASK);
      setVmcsQuad(core, F_IA32_SPEC_CTRL_SHADOW, value);
      writeQuad(core, SPEC_CTRL, (readQuad(core, SPEC_CTRL) & mask) | (value & ~mask));
    } else writeQuad(core, SPEC_CTRL, value);
    return MSR_DONE;
  },
};

/** A guest under “virtualize IA32_SPEC_CTRL” sees the shadow, and its writes leave the bits of the mask alone. */
function isSpecCtrlVirtualized(core: Core): boolean {
  return readWord(core, NON_ROOT) !== 0 && (readWord(core, TERTIARY_CONTROLS) & TERTIARY_SPEC_CTRL) !== 0;
}

const DEBUGCTL_MSR: Msr = {
  read: ({ core }) => readQuad(core, DEBUGCTL),
  write: ({ core, notice }, value) => {
    if ((value & ~(DEBUGCTL_LBR | DEBUGCTL_BTF)) !== 0n) return MSR_FAULT;
    if ((value & DEBUGCTL_LBR) !== 0n) notice('IA32_DEBUGCTL.LBR was set: this machine records no last branches.');
    writeQuad(core, DEBUGCTL, value);
    return MSR_DONE | MSR_MODE;
  },
};

const X2APIC: Msr = {
  read: ({ core, board }, index) => {
    if (!isX2Apic(readQuad(core, APIC_BASE))) return undefined;
    const value = board.readApicMsr(index);
    return value === undefined ? undefined : (BigInt(value.high) << 32n) | BigInt(value.low);
  },
  write: ({ core, board }, value, index) => {
    if (!isX2Apic(readQuad(core, APIC_BASE))) return MSR_FAULT;
    return board.writeApicMsr(index, Number(value & 0xffffffffn), Number(value >> 32n)) ? MSR_DEVICES : MSR_FAULT;
  },
};

function isX2Apic(base: bigint): boolean {
  return (base & (APIC_X2 | APIC_ENABLE)) === (APIC_X2 | APIC_ENABLE);
}

const UPDATE_TRIGGER: Msr = {
  read: () => undefined,
  write: ({ notice }) => {
    notice('A microcode update was offered and ignored.');
    return MSR_DONE;
  },
};

// No speculation, so none of its weaknesses: RDCL_NO, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO,
// SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO.
const ARCH_CAPABILITIES = 0xd10e179n;

const FIXED_MTRRS = [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f];
const VARIABLE_MTRRS = 8;

function mtrrs(): [number, Msr][] {
  const rows: [number, Msr][] = [[0xfe, constant(0x500n | BigInt(VARIABLE_MTRRS))]];
  for (let i = 0; i < VARIABLE_MTRRS; i++) {
    rows.push([0x200 + 2 * i, plain(isMtrrBase)]);
    rows.push([0x201 + 2 * i, plain(isMtrrMask)]);
  }
  for (const index of FIXED_MTRRS) rows.push([index, plain(areMemoryTypes)]);
  rows.push([0x2ff, plain(isMtrrDefault)]);
  return rows;
}

/** By MSR index; VMX capability MSRs and x2APIC registers are found by range. */
export const MSRS: ReadonlyMap<number, Msr> = new Map<number, Msr>([
  [0x10, TIME_STAMP],
  [0x17, constant(0n)],
  [0x1b, APIC_BASE_MSR],
  [0x3a, FEATURE_CONTROL_MSR],
  [0x3b, { ...ADJUST, feature: 'IA32_TSC_ADJUST' }],
  [0x48, { ...SPEC_CTRL_MSR, feature: 'IBRS' }],
  [0x49, { read: () => undefined, write: (_, value) => (value > 1n ? MSR_FAULT : MSR_DONE), feature: 'IBRS' }],
  [0x79, UPDATE_TRIGGER],
  [0xe1, { ...cell(UMWAIT_CONTROL, only(0xfffffffdn)), feature: 'WAITPKG' }],
  [0x8b, plain()],
  [0xce, constant(BigInt(FREQUENCY / BUS_HZ) << 8n)],
  [0x10a, constant(ARCH_CAPABILITIES)],
  [0x174, cell(SYSENTER_CS, only(0xffffffffn))],
  [0x175, cell(SYSENTER_ESP, isCanonical)],
  [0x176, cell(SYSENTER_EIP, isCanonical)],
  [0x179, constant(0n)],
  [0x17a, plain(only(7n))],
  [0x1a0, MISC_ENABLE_MSR],
  [0x1d9, DEBUGCTL_MSR],
  [0x1fc, plain(only(3n))], // of the processor's power control only these bits: nothing here saves power
  ...mtrrs(),
  [0x277, cell(PAT, isPat)],
  [0x38f, cell(PERF_GLOBAL_CTRL, only(0n))],
  [0x6e1, { ...cell(PKRS, only(0xffffffffn), MSR_DONE | MSR_MODE), feature: 'PKS' }],
  [0x6e0, { ...DEADLINE, feature: 'TSC-deadline' }],
  [0xc0000080, EFER_MSR],
  [0xc0000081, cell(STAR)],
  [0xc0000082, cell(LSTAR, isCanonical)],
  [0xc0000083, cell(CSTAR, isCanonical)],
  [0xc0000084, cell(FMASK, only(0xffffffffn))],
  [0xc0000100, cell(SEGMENTS + FS * SEGMENT_SIZE + SEG_BASE, isCanonical)],
  [0xc0000101, cell(SEGMENTS + GS * SEGMENT_SIZE + SEG_BASE, isCanonical)],
  [0xc0000102, cell(KERNEL_GS_BASE, isCanonical)],
  [0xc0000103, { ...cell(TSC_AUX, only(0xffffffffn)), feature: 'RDTSCP' }],
]);

function find(hardware: Hardware, index: number): Msr | undefined {
  const row = MSRS.get(index);
  if (row !== undefined)
    return row.feature !== undefined && hardware.profile.hidden.includes(row.feature) ? undefined : row;
  if (index >= 0x800 && index <= 0x8ff) return X2APIC;
  const capability = hardware.vmxCapability(index);
  return capability === undefined ? undefined : constant(capability);
}

/** Value of an MSR as RDMSR gives it, or undefined: #GP(0). */
export function readMsr(hardware: Hardware, index: number): bigint | undefined {
  return find(hardware, index)?.read(hardware, index);
}

/** Writes an MSR as WRMSR does; MSR_FAULT is #GP(0), otherwise MSR_* bits say what must follow. */
export function writeMsr(hardware: Hardware, index: number, value: bigint): number {
  return find(hardware, index)?.write?.(hardware, value, index) ?? MSR_FAULT;
}

/** MSR indices by lower-case name; spec/msrs.ts names more than this processor has. */
export const MSR_INDICES: ReadonlyMap<string, number> = new Map(
  Object.entries(NAMED_MSRS).map(([name, { index }]) => [name.toLowerCase(), index]),
);

/** True when the machine knows the MSR at all; an access to any other deserves a notice. */
export function knowsMsr(hardware: Hardware, index: number): boolean {
  return find(hardware, index) !== undefined;
}
