// A processor after power-on and firmware, which every entry state starts from; and after INIT and SIPI.
import {
  ABSENT,
  ACTIVITY,
  ACTIVITY_ACTIVE,
  ACTIVITY_WAIT_FOR_SIPI,
  APIC_BASE,
  BUDGET,
  CR0,
  CR2,
  CR3,
  CR4,
  CR4_ALLOWED,
  CR8,
  CS,
  DELIVERING_VALID,
  DR0,
  DR6,
  DR7,
  EFER,
  EVENT_VALID,
  FEATURE_CONTROL,
  GDTR_LIMIT,
  GDTR_BASE,
  IDLE,
  IDTR_BASE,
  IDTR_LIMIT,
  INTERRUPT_LINE,
  INTERRUPTIBILITY,
  LDTR,
  MISC_ENABLE,
  MONITOR_ADDRESS,
  MXCSR,
  NMI_PENDING,
  PAT,
  PENDING_DEBUG,
  PREEMPTION_DEADLINE,
  PREEMPTION_RATE,
  PROCESSOR,
  RAM_SIZE,
  RANDOM_STATE,
  RAX,
  RDX,
  REMAINING,
  RESERVED_PHYSICAL,
  SEG_BASE,
  SEG_LIMIT,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEGMENT_SIZE,
  SEGMENTS,
  TR,
  TSC_MULTIPLIER,
  VMCS_FIELD_TABLE,
  VMCS_POINTER,
  VMX_OFFERS,
  VMXON_POINTER,
  X87_CONTROL,
  X87_TAGS,
  XCR0,
} from '../core/layout.ts';
import { type CapabilityProfile, fixedBits, profileFieldTable, supportsEptVpid } from '../vmx/capabilities.ts';
import { type Core, readQuad, readWord, writeQuad, writeWord } from '../vmx/processor.ts';
import { absentFeatures } from './absent-features.ts';
import { cpuidFeatures } from './cpuid.ts';
import { type Hardware, PHYSICAL_BITS } from './hardware.ts';
import { writeMsr } from './msrs.ts';

const ALL_ONES = 0xffffffffffffffffn;
const APIC_ENABLED = 0xfee00800n;
const APIC_BSP = 0x100n;
const CR0_CD_NW = 0x60000000n;
const CR0_ET = 0x10n;
const FIRMWARE_CR0 = CR0_ET; // caches on
// IA32_FEATURE_CONTROL as firmware leaves it: bit 0 locked, bit 2 VMX outside SMX operation.
const FEATURE_CONTROL_VALUES = { ready: 5n, unlocked: 0n, 'locked-off': 1n, absent: 0n } as const;
const CR4_VMXE = 0x2000n;
/** Bits of VMX_OFFERS by what IA32_VMX_EPT_VPID_CAP offers. */
const OFFERS = [
  'INVEPT',
  'INVVPID',
  '',
  'advanced information',
  'walk length 5',
  'accessed and dirty flags',
  '2-MByte pages',
  '1-GByte pages',
  '',
  'INVEPT single-context',
  'INVEPT all-context',
  '',
  'INVVPID individual-address',
  'INVVPID single-context',
  'INVVPID all-context',
  'INVVPID retaining globals',
  'execute-only',
] as const;
const FAST_STRINGS_NO_BTS_NO_PEBS_MONITOR = 0x41801n;
const PAT_AT_RESET = 0x0007040600070406n;
const X87_CONTROL_AT_RESET = 0x40;
const X87_NONE_EMPTY = 0xff; // every tag says zero
const MXCSR_AT_RESET = 0x1f80;
const SEED = 0x9e3779b97f4a7c15n;
const MTRRS_ENABLED_WRITE_BACK = 0xc06n;
const MICROCODE_REVISION = 1n << 32n;

/** Segment state as the core keeps it; `rights` in VMCS format. */
export interface SegmentState {
  readonly selector: number;
  readonly rights: number;
  readonly limit: number;
  readonly base: number;
}

export function writeSegment(core: Core, index: number, state: SegmentState): void {
  const at = SEGMENTS + index * SEGMENT_SIZE;
  writeWord(core, at + SEG_SELECTOR, state.selector);
  writeWord(core, at + SEG_RIGHTS, state.rights);
  writeWord(core, at + SEG_LIMIT, state.limit);
  writeQuad(core, at + SEG_BASE, BigInt(state.base));
}

const REAL_DATA: SegmentState = { selector: 0, rights: 0x93, limit: 0xffff, base: 0 };

/** VMX_OFFERS of a processor. */
function vmxOffers(profile: CapabilityProfile): number {
  return OFFERS.reduce((bits, name, bit) => bits | (supportsEptVpid(profile, name) ? 1 << bit : 0), 0);
}

/** Power-on state of the processor in STATE with what firmware leaves behind: features locked, MTRRs set, real mode, interrupts off. */
export function powerOn(hardware: Hardware, profile: CapabilityProfile): void {
  const { core } = hardware;
  const processor = readWord(core, PROCESSOR);
  writeQuad(core, RAM_SIZE, BigInt(core.ramSize));
  writeQuad(core, RESERVED_PHYSICAL, ((1n << 52n) - 1n) & ~((1n << BigInt(PHYSICAL_BITS)) - 1n));
  writeQuad(core, CR4_ALLOWED, fixedBits(profile).cr4Fixed1 & ~(profile.vmx === 'absent' ? CR4_VMXE : 0n));
  writeWord(core, VMX_OFFERS, vmxOffers(profile));
  writeWord(core, ABSENT, absentFeatures(profile));
  writeQuad(core, RANDOM_STATE, BigInt.asUintN(64, SEED * BigInt(2 * processor + 1)));
  core.words.set(profileFieldTable(profile), VMCS_FIELD_TABLE >>> 2);
  writeWord(core, PREEMPTION_RATE, profile.preemptionTimerRate);
  writeQuad(core, VMCS_POINTER, ALL_ONES);
  writeQuad(core, VMXON_POINTER, ALL_ONES);
  writeQuad(core, PREEMPTION_DEADLINE, ALL_ONES);
  writeQuad(core, TSC_MULTIPLIER, 1n << 48n);
  writeWord(core, BUDGET, 0);
  writeWord(core, REMAINING, 0);
  if (processor === 0) core.exports.init();
  writeQuad(core, CR0, FIRMWARE_CR0);
  writeQuad(core, XCR0, 1n);
  // An INIT leaves these and the registers themselves as they are (SDM "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT").
  writeWord(core, X87_CONTROL, X87_CONTROL_AT_RESET);
  writeWord(core, X87_TAGS, X87_NONE_EMPTY);
  writeWord(core, MXCSR, MXCSR_AT_RESET);
  resetRegisters(core);
  writeQuad(core, APIC_BASE, processor === 0 ? APIC_ENABLED | APIC_BSP : APIC_ENABLED);
  writeQuad(core, FEATURE_CONTROL, FEATURE_CONTROL_VALUES[profile.vmx]);
  writeQuad(core, MISC_ENABLE, FAST_STRINGS_NO_BTS_NO_PEBS_MONITOR);
  writeQuad(core, PAT, PAT_AT_RESET);
  writeMsr(hardware, 0x2ff, MTRRS_ENABLED_WRITE_BACK);
  writeMsr(hardware, 0x8b, MICROCODE_REVISION);
  // Firmware has left application processors waiting (SDM "Multiple-Processor (MP) Initialization").
  writeWord(core, ACTIVITY, processor === 0 ? ACTIVITY_ACTIVE : ACTIVITY_WAIT_FOR_SIPI);
  core.exports.setFlags(2n);
  core.exports.updateMode();
}

/** Registers that RESET and INIT both set; CR0 keeps its cache bits (SDM "Processor State After Reset"). */
function resetRegisters(core: Core): void {
  for (let index = 0; index < 16; index++) writeQuad(core, RAX + 8 * index, 0n);
  for (let index = 0; index < LDTR; index++) writeSegment(core, index, REAL_DATA);
  writeSegment(core, CS, { ...REAL_DATA, rights: 0x9b });
  writeSegment(core, LDTR, { selector: 0, rights: 0x82, limit: 0xffff, base: 0 });
  writeSegment(core, TR, { selector: 0, rights: 0x8b, limit: 0xffff, base: 0 });
  writeQuad(core, GDTR_BASE, 0n);
  writeWord(core, GDTR_LIMIT, 0xffff);
  writeQuad(core, IDTR_BASE, 0n);
  writeWord(core, IDTR_LIMIT, 0xffff);
  writeQuad(core, CR0, (readQuad(core, CR0) & CR0_CD_NW) | CR0_ET);
  for (const register of [CR2, CR3, CR4, CR8, EFER, DR0, DR0 + 8, DR0 + 16, DR0 + 24]) writeQuad(core, register, 0n);
  writeQuad(core, DR6, 0xffff0ff0n);
  writeQuad(core, DR7, 0x400n);
  writeQuad(core, MONITOR_ADDRESS, ALL_ONES);
}

/** An INIT outside VMX operation: registers and local APIC are reset, MSRs and the TSC stay, and the processor waits for a SIPI. */
export function initProcessor({ core, board, profile }: Hardware): void {
  resetRegisters(core);
  writeQuad(core, RDX, BigInt(cpuidFeatures(profile).signature));
  for (const word of [INTERRUPTIBILITY, NMI_PENDING, EVENT_VALID, DELIVERING_VALID, INTERRUPT_LINE])
    writeWord(core, word, 0);
  writeQuad(core, PENDING_DEBUG, 0n);
  writeWord(core, ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
  writeWord(core, IDLE, 0);
  board.resetApic();
  core.exports.flushTlb(3);
  core.exports.setFlags(2n);
  core.exports.updateMode();
}

/** A SIPI: real-address mode at vector << 12. */
export function startProcessor(core: Core, vector: number): void {
  writeSegment(core, CS, { ...REAL_DATA, rights: 0x9b, selector: vector << 8, base: vector << 12 });
  writeWord(core, ACTIVITY, ACTIVITY_ACTIVE);
  writeWord(core, IDLE, 0);
  core.exports.updateMode();
  core.exports.setRip(0n);
}
