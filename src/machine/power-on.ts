// The processor after power-on and firmware: what every entry state starts from.
import {
  ACTIVITY,
  APIC_BASE,
  BUDGET,
  CR0,
  CR3,
  CR4,
  CR4_ALLOWED,
  CS,
  DR6,
  DR7,
  EFER,
  FEATURE_CONTROL,
  GDTR_LIMIT,
  GDTR_BASE,
  IDTR_BASE,
  IDTR_LIMIT,
  LDTR,
  MISC_ENABLE,
  MONITOR_ADDRESS,
  PAT,
  PREEMPTION_DEADLINE,
  PREEMPTION_RATE,
  RAM_SIZE,
  RANDOM_STATE,
  REMAINING,
  RESERVED_PHYSICAL,
  RSP,
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
  XCR0,
} from '../core/layout.ts';
import { type CapabilityProfile, fixedBits, profileFieldTable, supportsEptVpid } from '../vmx/capabilities.ts';
import { type Core, writeQuad, writeWord } from '../vmx/processor.ts';
import { type Hardware, PHYSICAL_BITS } from './hardware.ts';
import { writeMsr } from './msrs.ts';

const ALL_ONES = 0xffffffffffffffffn;
const APIC_ENABLED_BSP = 0xfee00900n;
// IA32_FEATURE_CONTROL as firmware leaves it: bit 0 locked, bit 2 VMX outside SMX operation.
const FEATURE_CONTROL_VALUES = { ready: 5n, unlocked: 0n, 'locked-off': 1n, absent: 0n } as const;
const CR4_VMXE = 0x2000n;
const OFFERS_INVEPT = 1;
const OFFERS_INVVPID = 2;
const FAST_STRINGS_NO_BTS_NO_PEBS_MONITOR = 0x41801n;
const PAT_AT_RESET = 0x0007040600070406n;
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

/** Instructions that exist on this processor (VMX_OFFERS). */
function vmxOffers(profile: CapabilityProfile): number {
  return (
    (supportsEptVpid(profile, 'INVEPT') ? OFFERS_INVEPT : 0) |
    (supportsEptVpid(profile, 'INVVPID') ? OFFERS_INVVPID : 0)
  );
}

/** Power-on state with what firmware leaves behind: features locked, MTRRs set, real mode, interrupts off. */
export function powerOn(hardware: Hardware, profile: CapabilityProfile): void {
  const { core } = hardware;
  writeQuad(core, RAM_SIZE, BigInt(core.ramSize));
  writeQuad(core, RESERVED_PHYSICAL, ((1n << 52n) - 1n) & ~((1n << BigInt(PHYSICAL_BITS)) - 1n));
  writeQuad(core, CR4_ALLOWED, fixedBits(profile).cr4Fixed1 & ~(profile.vmx === 'absent' ? CR4_VMXE : 0n));
  writeWord(core, VMX_OFFERS, vmxOffers(profile));
  writeQuad(core, RANDOM_STATE, SEED);
  core.words.set(profileFieldTable(profile), VMCS_FIELD_TABLE >>> 2);
  writeWord(core, PREEMPTION_RATE, profile.preemptionTimerRate);
  writeQuad(core, VMCS_POINTER, ALL_ONES);
  writeQuad(core, VMXON_POINTER, ALL_ONES);
  writeQuad(core, MONITOR_ADDRESS, ALL_ONES);
  writeQuad(core, PREEMPTION_DEADLINE, ALL_ONES);
  writeQuad(core, TSC_MULTIPLIER, 1n << 48n);
  writeWord(core, BUDGET, 0);
  writeWord(core, REMAINING, 0);
  writeWord(core, ACTIVITY, 0);
  core.exports.init();
  for (let index = 0; index < LDTR; index++) writeSegment(core, index, REAL_DATA);
  writeSegment(core, CS, { ...REAL_DATA, rights: 0x9b });
  writeSegment(core, LDTR, { selector: 0, rights: 0x82, limit: 0xffff, base: 0 });
  writeSegment(core, TR, { selector: 0, rights: 0x8b, limit: 0xffff, base: 0 });
  writeQuad(core, GDTR_BASE, 0n);
  writeWord(core, GDTR_LIMIT, 0xffff);
  writeQuad(core, IDTR_BASE, 0n);
  writeWord(core, IDTR_LIMIT, 0xffff);
  writeQuad(core, CR0, 0x10n); // as firmware leaves it: caches on
  writeQuad(core, CR3, 0n);
  writeQuad(core, CR4, 0n);
  writeQuad(core, EFER, 0n);
  writeQuad(core, DR6, 0xffff0ff0n);
  writeQuad(core, DR7, 0x400n);
  writeQuad(core, XCR0, 1n);
  writeQuad(core, RSP, 0n);
  writeQuad(core, APIC_BASE, APIC_ENABLED_BSP);
  writeQuad(core, FEATURE_CONTROL, FEATURE_CONTROL_VALUES[profile.vmx]);
  writeQuad(core, MISC_ENABLE, FAST_STRINGS_NO_BTS_NO_PEBS_MONITOR);
  writeQuad(core, PAT, PAT_AT_RESET);
  writeMsr(hardware, 0x2ff, MTRRS_ENABLED_WRITE_BACK);
  writeMsr(hardware, 0x8b, MICROCODE_REVISION);
  core.exports.setFlags(2n);
  core.exports.updateMode();
}
