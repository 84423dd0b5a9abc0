// Moves the guest's state between the VMCS and the processor (SDM "Loading Guest State", "Saving Guest State") and records
// what a VM exit reports (SDM "Recording VM-Exit Information and Updating VM-Entry Control Fields").
// The decisions around them (checks, MSR areas, injection) are in src/vmx.
import {
  F_EXIT_QUALIFICATION,
  F_EXIT_REASON,
  F_GUEST_ACTIVITY_STATE,
  F_GUEST_CR0,
  F_GUEST_CR3,
  F_GUEST_CR4,
  F_GUEST_DR7,
  F_GUEST_ES_ACCESS_RIGHTS,
  F_GUEST_ES_BASE,
  F_GUEST_ES_LIMIT,
  F_GUEST_ES_SELECTOR,
  F_GUEST_GDTR_BASE,
  F_GUEST_GDTR_LIMIT,
  F_GUEST_IA32_BNDCFGS,
  F_GUEST_IA32_DEBUGCTL,
  F_GUEST_IA32_EFER,
  F_GUEST_IA32_INTERRUPT_SSP_TABLE_ADDR,
  F_GUEST_IA32_PAT,
  F_GUEST_IA32_PERF_GLOBAL_CTRL,
  F_GUEST_IA32_PKRS,
  F_GUEST_IA32_S_CET,
  F_GUEST_IA32_SPEC_CTRL,
  F_GUEST_IA32_SYSENTER_CS,
  F_GUEST_IA32_SYSENTER_EIP,
  F_GUEST_IA32_SYSENTER_ESP,
  F_GUEST_IDTR_BASE,
  F_GUEST_IDTR_LIMIT,
  F_GUEST_INTERRUPTIBILITY_STATE,
  F_GUEST_LINEAR_ADDRESS,
  F_GUEST_PDPTE0,
  F_GUEST_PENDING_DEBUG_EXCEPTIONS,
  F_GUEST_PHYSICAL_ADDRESS,
  F_GUEST_RFLAGS,
  F_GUEST_RIP,
  F_GUEST_RSP,
  F_GUEST_SSP,
  F_IDT_VECTORING_ERROR_CODE,
  F_IDT_VECTORING_INFORMATION,
  F_IO_RCX,
  F_PML_INDEX,
  F_VM_ENTRY_CONTROLS,
  F_VM_ENTRY_INTERRUPTION_INFORMATION,
  F_VM_EXIT_INSTRUCTION_INFORMATION,
  F_VM_EXIT_INSTRUCTION_LENGTH,
  F_VM_EXIT_INTERRUPTION_ERROR_CODE,
  F_VM_EXIT_INTERRUPTION_INFORMATION,
  F_VMX_PREEMPTION_TIMER_VALUE,
} from '../generated/vmcs-offsets.ts';
import {
  ACTIVITY,
  ACTIVITY_MWAIT,
  APIC_TAG,
  BNDCFGS,
  COUNT_EXITS,
  CR0,
  CR3,
  CR4,
  DEBUGCTL,
  DELIVERING_VALID,
  DR7,
  EFER,
  ENTRY_CONTROLS,
  EPTP,
  EVENT_VALID,
  EXIT_CONTROLS,
  EXIT_GUEST_LINEAR,
  EXIT_GUEST_PHYSICAL,
  EXIT_IDT_ERROR,
  EXIT_IDT_INFO,
  EXIT_INSTRUCTION_INFO,
  EXIT_INTERRUPTION_ERROR,
  EXIT_INTERRUPTION_INFO,
  EXIT_IO_RCX,
  EXIT_LENGTH,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_RIP,
  EXIT_TIME,
  EXIT_VMCS,
  GDTR_BASE,
  GDTR_LIMIT,
  GUEST_TAG,
  IDTR_BASE,
  IDTR_LIMIT,
  INTERRUPT_SSP_TABLE,
  INTERRUPTIBILITY,
  LAST_EXIT,
  MONITOR_ADDRESS,
  NON_ROOT,
  OWN_EXITS,
  PAT,
  PDPTE0,
  PENDING_DEBUG,
  PERF_GLOBAL_CTRL,
  PIN_CONTROLS,
  PKRS,
  PKRS_TAG,
  PML_INDEX,
  PREEMPTION_DEADLINE,
  PREEMPTION_RATE,
  ROOT_INTERRUPTIBILITY,
  ROOT_TAG,
  RSP,
  S_CET,
  SECONDARY_CONTROLS,
  SEG_BASE,
  SEG_LIMIT,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEGMENT_SIZE,
  SEGMENTS,
  SPEC_CTRL,
  SSP,
  SYSENTER_CS,
  SYSENTER_EIP,
  SYSENTER_ESP,
  TSC_BASE,
  VIRTUAL_NMI_BLOCKING,
  VMCS_ADDRESS,
  VMCS_POINTER,
  VPID,
} from '../layout.ts';
import { CR0_PG, CR4_PAE, EFER_LMA, EFER_LME } from '../bits.ts';
import { flushTlb } from '../tlb.ts';
import { getFlags, setFlags } from '../flags.ts';
import { getRip, modeChanged, segmentChanged, setRip, time } from '../state.ts';
import { loadPdptes } from '../paging.ts';
import { apicAccessTag, beginVirtualApic, saveVirtualApic } from '../virtual-apic.ts';
import { compileControls, PIN_PREEMPTION_TIMER, PIN_VIRTUAL_NMIS } from './controls.ts';

// CR0 bits that VM entry and VM exit leave as they are: ET, NW, CD and the reserved ones 15:6, 17, 28:19.
export const CR0_KEPT: u64 = 0x7ffaffd0;
const RIGHTS: u32 = 0x1f0ff;
const DR7_ONE: u64 = 0x400;
const DR7_KEPT: u64 = 0xffff2fff;

export const ENTRY_LOAD_DEBUG: u32 = 1 << 2;
export const ENTRY_IA32E: u32 = 1 << 9;
const ENTRY_LOAD_PERF: u32 = 1 << 13;
const ENTRY_LOAD_PAT: u32 = 1 << 14;
const ENTRY_LOAD_EFER: u32 = 1 << 15;
const ENTRY_LOAD_BNDCFGS: u32 = 1 << 16;
const ENTRY_LOAD_CET: u32 = 1 << 20;
const ENTRY_LOAD_PKRS: u32 = 1 << 22;
const ENTRY_LOAD_SPEC_CTRL: u32 = 1 << 24;
const EXIT_SAVE_DEBUG: u32 = 1 << 2;
const EXIT_SAVE_PAT: u32 = 1 << 18;
const EXIT_SAVE_EFER: u32 = 1 << 20;
const EXIT_SAVE_TIMER: u32 = 1 << 22;
const EXIT_SAVE_PERF: u32 = 1 << 30;
const SECONDARY_PML: u32 = 1 << 17;

/** Guest state from the current VMCS; VMX non-root operation begins. The checks on it have passed. */
export function vmxLoadGuest(): void {
  const region = usize(load<u32>(VMCS_ADDRESS));
  rememberRoot();
  compileControls(region);
  const entry = load<u32>(ENTRY_CONTROLS);
  store<u32>(NON_ROOT, 1);
  const cr0 = (load<u64>(region + F_GUEST_CR0) & ~CR0_KEPT) | (load<u64>(CR0) & CR0_KEPT);
  store<u64>(CR0, cr0);
  store<u64>(CR3, load<u64>(region + F_GUEST_CR3));
  store<u64>(CR4, load<u64>(region + F_GUEST_CR4));
  if ((entry & ENTRY_LOAD_DEBUG) != 0) {
    store<u64>(DR7, (load<u64>(region + F_GUEST_DR7) & DR7_KEPT) | DR7_ONE);
    store<u64>(DEBUGCTL, load<u64>(region + F_GUEST_IA32_DEBUGCTL));
  }
  store<u64>(SYSENTER_CS, u64(load<u32>(region + F_GUEST_IA32_SYSENTER_CS)));
  store<u64>(SYSENTER_ESP, load<u64>(region + F_GUEST_IA32_SYSENTER_ESP));
  store<u64>(SYSENTER_EIP, load<u64>(region + F_GUEST_IA32_SYSENTER_EIP));
  loadGuestEfer(region, entry, cr0);
  if ((entry & ENTRY_LOAD_PAT) != 0) store<u64>(PAT, load<u64>(region + F_GUEST_IA32_PAT));
  if ((entry & ENTRY_LOAD_PERF) != 0) store<u64>(PERF_GLOBAL_CTRL, load<u64>(region + F_GUEST_IA32_PERF_GLOBAL_CTRL));
  if ((entry & ENTRY_LOAD_BNDCFGS) != 0) store<u64>(BNDCFGS, load<u64>(region + F_GUEST_IA32_BNDCFGS));
  if ((entry & ENTRY_LOAD_PKRS) != 0) store<u64>(PKRS, load<u64>(region + F_GUEST_IA32_PKRS));
  if ((entry & ENTRY_LOAD_SPEC_CTRL) != 0) store<u64>(SPEC_CTRL, load<u64>(region + F_GUEST_IA32_SPEC_CTRL));
  if ((entry & ENTRY_LOAD_CET) != 0) {
    store<u64>(S_CET, load<u64>(region + F_GUEST_IA32_S_CET));
    store<u64>(SSP, load<u64>(region + F_GUEST_SSP));
    store<u64>(INTERRUPT_SSP_TABLE, load<u64>(region + F_GUEST_IA32_INTERRUPT_SSP_TABLE_ADDR));
  }
  for (let i: usize = 0; i < 8; i++) {
    const segment = SEGMENTS + i * SEGMENT_SIZE;
    store<u32>(segment + SEG_SELECTOR, u32(load<u16>(region + F_GUEST_ES_SELECTOR + i * 8)));
    store<u32>(segment + SEG_RIGHTS, load<u32>(region + F_GUEST_ES_ACCESS_RIGHTS + i * 8) & RIGHTS);
    store<u32>(segment + SEG_LIMIT, load<u32>(region + F_GUEST_ES_LIMIT + i * 8));
    store<u64>(segment + SEG_BASE, load<u64>(region + F_GUEST_ES_BASE + i * 8));
    segmentChanged(<u32>i);
  }
  store<u64>(GDTR_BASE, load<u64>(region + F_GUEST_GDTR_BASE));
  store<u32>(GDTR_LIMIT, load<u32>(region + F_GUEST_GDTR_LIMIT));
  store<u64>(IDTR_BASE, load<u64>(region + F_GUEST_IDTR_BASE));
  store<u32>(IDTR_LIMIT, load<u32>(region + F_GUEST_IDTR_LIMIT));
  store<u64>(RSP, load<u64>(region + F_GUEST_RSP));
  setFlags(load<u64>(region + F_GUEST_RFLAGS));
  loadNonRegister(region);
  if ((cr0 & CR0_PG) != 0 && (load<u64>(CR4) & CR4_PAE) != 0 && (load<u64>(EFER) & EFER_LMA) == 0) {
    if (load<u64>(EPTP) != 0) memory.copy(PDPTE0, region + F_GUEST_PDPTE0, 32);
    else loadPdptes(load<u64>(CR3));
  }
  startTimer(region);
  flushForGuest();
  modeChanged();
  setRip(load<u64>(region + F_GUEST_RIP));
  beginVirtualApic(region);
}

function loadGuestEfer(region: usize, entry: u32, cr0: u64): void {
  let efer = load<u64>(EFER);
  if ((entry & ENTRY_LOAD_EFER) != 0) efer = load<u64>(region + F_GUEST_IA32_EFER);
  else {
    const long = (entry & ENTRY_IA32E) != 0;
    efer = long ? efer | EFER_LMA : efer & ~EFER_LMA;
    if ((cr0 & CR0_PG) != 0) efer = long ? efer | EFER_LME : efer & ~EFER_LME;
  }
  store<u64>(EFER, efer);
}

function loadNonRegister(region: usize): void {
  const state = load<u32>(region + F_GUEST_INTERRUPTIBILITY_STATE);
  store<u32>(INTERRUPTIBILITY, state); // with virtual NMIs bit 3 blocks those; NMIs themselves are not blocked then
  store<u32>(VIRTUAL_NMI_BLOCKING, (load<u32>(PIN_CONTROLS) & PIN_VIRTUAL_NMIS) != 0 ? (state >> 3) & 1 : 0);
  store<u32>(ACTIVITY, load<u32>(region + F_GUEST_ACTIVITY_STATE));
  // In shutdown and wait-for-SIPI no debug exception is delivered.
  store<u64>(PENDING_DEBUG, load<u32>(ACTIVITY) < 2 ? load<u64>(region + F_GUEST_PENDING_DEBUG_EXCEPTIONS) : 0);
  store<u64>(MONITOR_ADDRESS, u64.MAX_VALUE);
  store<u32>(EVENT_VALID, 0);
  store<u32>(DELIVERING_VALID, 0);
}

function tsc(): u64 {
  return time() + load<u64>(TSC_BASE);
}

function startTimer(region: usize): void {
  if ((load<u32>(PIN_CONTROLS) & PIN_PREEMPTION_TIMER) == 0) {
    store<u64>(PREEMPTION_DEADLINE, u64.MAX_VALUE);
    return;
  }
  const rate = u64(load<u32>(PREEMPTION_RATE));
  const value = u64(load<u32>(region + F_VMX_PREEMPTION_TIMER_VALUE));
  const deadline = value == 0 ? tsc() : ((tsc() >> rate) + value) << rate;
  store<u64>(PREEMPTION_DEADLINE, deadline - load<u64>(TSC_BASE));
}

/** Records EXIT_* in the current VMCS and saves the guest's state there. The processor still holds that state afterwards. */
export function vmxSaveGuest(): void {
  const region = usize(load<u32>(VMCS_ADDRESS));
  recordExit(region);
  const exit = load<u32>(EXIT_CONTROLS);
  store<u64>(region + F_GUEST_CR0, load<u64>(CR0));
  store<u64>(region + F_GUEST_CR3, load<u64>(CR3));
  store<u64>(region + F_GUEST_CR4, load<u64>(CR4));
  if ((exit & EXIT_SAVE_DEBUG) != 0) {
    store<u64>(region + F_GUEST_DR7, load<u64>(DR7));
    store<u64>(region + F_GUEST_IA32_DEBUGCTL, load<u64>(DEBUGCTL));
  }
  store<u64>(region + F_GUEST_IA32_SYSENTER_CS, load<u64>(SYSENTER_CS) & 0xffffffff);
  store<u64>(region + F_GUEST_IA32_SYSENTER_ESP, load<u64>(SYSENTER_ESP));
  store<u64>(region + F_GUEST_IA32_SYSENTER_EIP, load<u64>(SYSENTER_EIP));
  if ((exit & EXIT_SAVE_PAT) != 0) store<u64>(region + F_GUEST_IA32_PAT, load<u64>(PAT));
  if ((exit & EXIT_SAVE_EFER) != 0) store<u64>(region + F_GUEST_IA32_EFER, load<u64>(EFER));
  if ((exit & EXIT_SAVE_PERF) != 0) store<u64>(region + F_GUEST_IA32_PERF_GLOBAL_CTRL, load<u64>(PERF_GLOBAL_CTRL));
  // Saved wherever the processor can load them.
  store<u64>(region + F_GUEST_IA32_PKRS, load<u64>(PKRS));
  store<u64>(region + F_GUEST_IA32_SPEC_CTRL, load<u64>(SPEC_CTRL));
  const entry = load<u32>(region + F_VM_ENTRY_CONTROLS);
  const long = (load<u64>(EFER) & EFER_LMA) != 0;
  store<u32>(region + F_VM_ENTRY_CONTROLS, long ? entry | ENTRY_IA32E : entry & ~ENTRY_IA32E);
  saveSegments(region);
  store<u64>(region + F_GUEST_RSP, load<u64>(RSP));
  store<u64>(region + F_GUEST_RIP, getRip());
  store<u64>(region + F_GUEST_RFLAGS, getFlags());
  saveNonRegister(region, exit);
  saveVirtualApic(region);
  if ((load<u64>(CR0) & CR0_PG) != 0 && (load<u64>(CR4) & CR4_PAE) != 0 && !long && load<u64>(EPTP) != 0) {
    memory.copy(region + F_GUEST_PDPTE0, PDPTE0, 32);
  }
  noteExit();
}

/** Counts the VM exit that EXIT_* describe and notes when, where and of which VMCS it was: all processors count together and each for itself. */
export function noteExit(): void {
  const number = load<u64>(COUNT_EXITS) + 1;
  store<u64>(COUNT_EXITS, number);
  store<u64>(LAST_EXIT, number);
  store<u64>(OWN_EXITS, load<u64>(OWN_EXITS) + 1);
  store<u64>(EXIT_TIME, time());
  store<u64>(EXIT_VMCS, load<u64>(VMCS_POINTER));
  store<u64>(EXIT_RIP, load<u64>(load<u32>(VMCS_ADDRESS) + F_GUEST_RIP));
}

function saveSegments(region: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    const segment = SEGMENTS + i * SEGMENT_SIZE;
    store<u64>(region + F_GUEST_ES_SELECTOR + i * 8, u64(load<u32>(segment + SEG_SELECTOR)));
    store<u64>(region + F_GUEST_ES_ACCESS_RIGHTS + i * 8, u64(load<u32>(segment + SEG_RIGHTS)));
    store<u64>(region + F_GUEST_ES_LIMIT + i * 8, u64(load<u32>(segment + SEG_LIMIT)));
    store<u64>(region + F_GUEST_ES_BASE + i * 8, load<u64>(segment + SEG_BASE));
  }
  store<u64>(region + F_GUEST_GDTR_BASE, load<u64>(GDTR_BASE));
  store<u32>(region + F_GUEST_GDTR_LIMIT, load<u32>(GDTR_LIMIT));
  store<u64>(region + F_GUEST_IDTR_BASE, load<u64>(IDTR_BASE));
  store<u32>(region + F_GUEST_IDTR_LIMIT, load<u32>(IDTR_LIMIT));
}

function saveNonRegister(region: usize, exit: u32): void {
  store<u32>(region + F_GUEST_INTERRUPTIBILITY_STATE, load<u32>(INTERRUPTIBILITY));
  const activity = load<u32>(ACTIVITY);
  store<u32>(region + F_GUEST_ACTIVITY_STATE, activity < ACTIVITY_MWAIT ? activity : 0);
  store<u64>(region + F_GUEST_PENDING_DEBUG_EXCEPTIONS, load<u64>(PENDING_DEBUG));
  if ((load<u32>(SECONDARY_CONTROLS) & SECONDARY_PML) != 0)
    store<u32>(region + F_PML_INDEX, load<u32>(PML_INDEX) & 0xffff);
  if ((exit & EXIT_SAVE_TIMER) != 0 && (load<u32>(PIN_CONTROLS) & PIN_PREEMPTION_TIMER) != 0) {
    const rate = u64(load<u32>(PREEMPTION_RATE));
    const end = (load<u64>(PREEMPTION_DEADLINE) + load<u64>(TSC_BASE)) >> rate;
    const now = tsc() >> rate;
    store<u32>(region + F_VMX_PREEMPTION_TIMER_VALUE, now < end ? u32(end - now) : 0);
  }
}

function recordExit(region: usize): void {
  store<u32>(region + F_EXIT_REASON, load<u32>(EXIT_REASON));
  store<u64>(region + F_EXIT_QUALIFICATION, load<u64>(EXIT_QUALIFICATION));
  store<u64>(region + F_GUEST_LINEAR_ADDRESS, load<u64>(EXIT_GUEST_LINEAR));
  store<u64>(region + F_GUEST_PHYSICAL_ADDRESS, load<u64>(EXIT_GUEST_PHYSICAL));
  store<u32>(region + F_VM_EXIT_INTERRUPTION_INFORMATION, load<u32>(EXIT_INTERRUPTION_INFO));
  store<u32>(region + F_VM_EXIT_INTERRUPTION_ERROR_CODE, load<u32>(EXIT_INTERRUPTION_ERROR));
  store<u32>(region + F_IDT_VECTORING_INFORMATION, load<u32>(EXIT_IDT_INFO));
  store<u32>(region + F_IDT_VECTORING_ERROR_CODE, load<u32>(EXIT_IDT_ERROR));
  store<u32>(region + F_VM_EXIT_INSTRUCTION_LENGTH, load<u32>(EXIT_LENGTH));
  store<u32>(region + F_VM_EXIT_INSTRUCTION_INFORMATION, load<u32>(EXIT_INSTRUCTION_INFO));
  for (let i: usize = 0; i < 32; i += 8) store<u64>(region + F_IO_RCX + i, load<u64>(EXIT_IO_RCX + i));
  const injected = load<u32>(region + F_VM_ENTRY_INTERRUPTION_INFORMATION);
  store<u32>(region + F_VM_ENTRY_INTERRUPTION_INFORMATION, injected & 0x7fffffff);
}

// ---- Which translations stay valid across a transition (SDM "Operations that Invalidate Cached Mappings") --------------

function rememberRoot(): void {
  store<u32>(ROOT_INTERRUPTIBILITY, load<u32>(INTERRUPTIBILITY));
  store<u64>(ROOT_TAG, load<u64>(CR0));
  store<u64>(ROOT_TAG, load<u64>(CR3), 8);
  store<u64>(ROOT_TAG, load<u64>(CR4), 16);
  store<u64>(ROOT_TAG, load<u64>(EFER), 24);
  store<u64>(PKRS_TAG, load<u64>(PKRS), 8);
}

/** Remembers whose translations the guest's TLB sets hold; called before the host's state is loaded. */
export function rememberGuest(): void {
  store<u64>(GUEST_TAG, load<u64>(CR0));
  store<u64>(GUEST_TAG, load<u64>(CR3), 8);
  store<u64>(GUEST_TAG, load<u64>(CR4), 16);
  store<u64>(GUEST_TAG, load<u64>(EFER), 24);
  store<u64>(GUEST_TAG, load<u64>(EPTP), 32);
  store<u64>(GUEST_TAG, u64(load<u32>(VPID)), 40);
  store<u64>(PKRS_TAG, load<u64>(PKRS));
}

function flushForGuest(): void {
  const vpid = u64(load<u32>(VPID));
  const same =
    vpid != 0 &&
    load<u64>(GUEST_TAG) == load<u64>(CR0) &&
    load<u64>(GUEST_TAG, 8) == load<u64>(CR3) &&
    load<u64>(GUEST_TAG, 16) == load<u64>(CR4) &&
    load<u64>(GUEST_TAG, 24) == load<u64>(EFER) &&
    load<u64>(GUEST_TAG, 32) == load<u64>(EPTP) &&
    load<u64>(GUEST_TAG, 40) == vpid &&
    load<u64>(APIC_TAG) == apicAccessTag() &&
    load<u64>(PKRS_TAG) == load<u64>(PKRS);
  if (!same) flushTlb(2);
  store<u64>(APIC_TAG, apicAccessTag());
}

/** Flushes what the root sets hold when the host's translations are other ones than at VM entry, or VPIDs are off. */
export function flushForRoot(withVpid: bool): void {
  const same =
    withVpid &&
    load<u64>(ROOT_TAG) == load<u64>(CR0) &&
    load<u64>(ROOT_TAG, 8) == load<u64>(CR3) &&
    load<u64>(ROOT_TAG, 16) == load<u64>(CR4) &&
    load<u64>(ROOT_TAG, 24) == load<u64>(EFER) &&
    load<u64>(PKRS_TAG, 8) == load<u64>(PKRS);
  if (!same) flushTlb(1);
}
