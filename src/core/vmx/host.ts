// Loads the host's state from the current VMCS (SDM "Loading Host State"); VMX root operation begins.
import {
  F_HOST_CR0,
  F_HOST_CR3,
  F_HOST_CR4,
  F_HOST_ES_SELECTOR,
  F_HOST_FS_BASE,
  F_HOST_GDTR_BASE,
  F_HOST_GS_BASE,
  F_HOST_IA32_EFER,
  F_HOST_IA32_INTERRUPT_SSP_TABLE_ADDR,
  F_HOST_IA32_PAT,
  F_HOST_IA32_PERF_GLOBAL_CTRL,
  F_HOST_IA32_PKRS,
  F_HOST_IA32_S_CET,
  F_HOST_IA32_SPEC_CTRL,
  F_HOST_IA32_SYSENTER_CS,
  F_HOST_IA32_SYSENTER_EIP,
  F_HOST_IA32_SYSENTER_ESP,
  F_HOST_IDTR_BASE,
  F_HOST_RIP,
  F_HOST_RSP,
  F_HOST_SSP,
  F_HOST_TR_BASE,
  F_HOST_TR_SELECTOR,
  F_SECONDARY_VM_EXIT_CONTROLS,
  F_VM_EXIT_CONTROLS,
} from '../generated/vmcs-offsets.ts';
import {
  ACTIVITY,
  BNDCFGS,
  CR0,
  CR3,
  CR4,
  CS,
  DEBUGCTL,
  DELIVERING_VALID,
  DR7,
  EFER,
  ENTRY_INJECTION,
  EVENT_VALID,
  EXIT_INTERRUPTION_INFO,
  EXIT_REASON,
  FS,
  GDTR_BASE,
  GDTR_LIMIT,
  GS,
  IDTR_BASE,
  IDTR_LIMIT,
  INTERRUPT_SSP_TABLE,
  INTERRUPTIBILITY,
  LDTR,
  MONITOR_ADDRESS,
  NON_ROOT,
  PAT,
  PENDING_DEBUG,
  PERF_GLOBAL_CTRL,
  PIN_CONTROLS,
  PKRS,
  ROOT_INTERRUPTIBILITY,
  RSP,
  S_CET,
  SEG_BASE,
  SEG_FLAT,
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
  TR,
  VIRTUAL_NMI_BLOCKING,
  VMCS_ADDRESS,
  VPID,
} from '../layout.ts';
import { CR4_PAE, CR4_PCIDE, EFER_LMA, EFER_LME } from '../bits.ts';
import { loadPdptes } from '../paging.ts';
import { setFlags } from '../flags.ts';
import { modeChanged, setRip } from '../state.ts';
import { clearControls, PIN_VIRTUAL_NMIS } from './controls.ts';
import { CR0_KEPT, flushForRoot, rememberGuest, vmxSaveGuest } from './guest.ts';

const EXIT_HOST_64: u32 = 1 << 9;
const EXIT_LOAD_PERF: u32 = 1 << 12;
const EXIT_LOAD_PAT: u32 = 1 << 19;
const EXIT_LOAD_EFER: u32 = 1 << 21;
const EXIT_CLEAR_BNDCFGS: u32 = 1 << 23;
const EXIT_LOAD_CET: u32 = 1 << 28;
const EXIT_LOAD_PKRS: u32 = 1 << 29;
const EXIT_SECONDARY: u32 = 0x80000000;
const EXIT2_LOAD_SPEC_CTRL: u64 = 1 << 2;
const BLOCKING_NMI: u32 = 8;
const REASON_EXCEPTION_OR_NMI: u32 = 0;
const ENTRY_FAILURE: u32 = 0x80000000;
const TYPE: u32 = 0x80000700;
const NMI: u32 = 0x80000200;

// Access rights that a VM exit gives: accessed code and data at DPL 0, 4-GByte limits; busy TSS of 104 bytes.
const CODE_64: u32 = 0xa09b;
const CODE_32: u32 = 0xc09b;
const DATA: u32 = 0xc093;
const TSS: u32 = 0x8b;
const UNUSABLE: u32 = 1 << 16;
// What SEG_FLAT says of them.
const READABLE: u32 = 1;
const WRITABLE: u32 = 2;

/** A VM exit without an MSR-store area: saves the guest's state and loads the host's, answering as `vmxLoadHost`. */
export function vmxLeaveGuest(): u32 {
  vmxSaveGuest();
  return vmxLoadHost();
}

/** Answers 0, or the VMX-abort indicator 2 when the host's PDPTEs are not valid. */
export function vmxLoadHost(): u32 {
  const region = usize(load<u32>(VMCS_ADDRESS));
  const exit = load<u32>(region + F_VM_EXIT_CONTROLS);
  const long = (exit & EXIT_HOST_64) != 0;
  const withVpid = load<u32>(VPID) != 0;
  const blocked = nmiBlockingAfterExit();
  rememberGuest();
  clearControls();
  store<u32>(NON_ROOT, 0);
  store<u64>(CR0, (load<u64>(region + F_HOST_CR0) & ~CR0_KEPT) | (load<u64>(CR0) & CR0_KEPT));
  store<u64>(CR3, load<u64>(region + F_HOST_CR3));
  const cr4 = load<u64>(region + F_HOST_CR4);
  store<u64>(CR4, long ? cr4 | CR4_PAE : cr4 & ~CR4_PCIDE);
  store<u64>(DR7, 0x400);
  store<u64>(DEBUGCTL, 0);
  store<u64>(SYSENTER_CS, u64(load<u32>(region + F_HOST_IA32_SYSENTER_CS)));
  store<u64>(SYSENTER_ESP, load<u64>(region + F_HOST_IA32_SYSENTER_ESP));
  store<u64>(SYSENTER_EIP, load<u64>(region + F_HOST_IA32_SYSENTER_EIP));
  const efer = load<u64>((exit & EXIT_LOAD_EFER) != 0 ? region + F_HOST_IA32_EFER : EFER);
  store<u64>(EFER, long ? efer | EFER_LMA | EFER_LME : efer & ~(EFER_LMA | EFER_LME));
  if ((exit & EXIT_LOAD_PAT) != 0) store<u64>(PAT, load<u64>(region + F_HOST_IA32_PAT));
  if ((exit & EXIT_LOAD_PERF) != 0) store<u64>(PERF_GLOBAL_CTRL, load<u64>(region + F_HOST_IA32_PERF_GLOBAL_CTRL));
  if ((exit & EXIT_CLEAR_BNDCFGS) != 0) store<u64>(BNDCFGS, 0);
  if ((exit & EXIT_LOAD_PKRS) != 0) store<u64>(PKRS, load<u64>(region + F_HOST_IA32_PKRS));
  if ((exit & EXIT_SECONDARY) != 0 && (load<u64>(region + F_SECONDARY_VM_EXIT_CONTROLS) & EXIT2_LOAD_SPEC_CTRL) != 0)
    store<u64>(SPEC_CTRL, load<u64>(region + F_HOST_IA32_SPEC_CTRL));
  if ((exit & EXIT_LOAD_CET) != 0) {
    store<u64>(S_CET, load<u64>(region + F_HOST_IA32_S_CET));
    store<u64>(SSP, load<u64>(region + F_HOST_SSP));
    store<u64>(INTERRUPT_SSP_TABLE, load<u64>(region + F_HOST_IA32_INTERRUPT_SSP_TABLE_ADDR));
  }
  loadSegments(region, long);
  store<u64>(RSP, load<u64>(region + F_HOST_RSP));
  setFlags(2);
  store<u32>(INTERRUPTIBILITY, blocked);
  store<u32>(VIRTUAL_NMI_BLOCKING, 0);
  store<u32>(ACTIVITY, 0);
  store<u64>(PENDING_DEBUG, 0);
  store<u64>(MONITOR_ADDRESS, u64.MAX_VALUE);
  store<u32>(EVENT_VALID, 0);
  store<u32>(DELIVERING_VALID, 0);
  store<u32>(ENTRY_INJECTION, 0);
  const pdptes = long || (load<u64>(CR4) & CR4_PAE) == 0 || loadPdptes(load<u64>(CR3));
  flushForRoot(withVpid);
  modeChanged();
  setRip(load<u64>(region + F_HOST_RIP));
  return pdptes ? 0 : 2;
}

/**
 * A VM exit due to an NMI blocks further ones; any other leaves blocking as it was (none under virtual NMIs). After a failed
 * entry it is what it was before (SDM "VM-Entry Failures During or After Loading Guest State").
 */
function nmiBlockingAfterExit(): u32 {
  if ((load<u32>(EXIT_REASON) & ENTRY_FAILURE) != 0) {
    return load<u32>(load<u32>(NON_ROOT) != 0 ? ROOT_INTERRUPTIBILITY : INTERRUPTIBILITY) & BLOCKING_NMI;
  }
  const nmi = load<u32>(EXIT_REASON) == REASON_EXCEPTION_OR_NMI && (load<u32>(EXIT_INTERRUPTION_INFO) & TYPE) == NMI;
  if (nmi) return BLOCKING_NMI;
  return (load<u32>(PIN_CONTROLS) & PIN_VIRTUAL_NMIS) != 0 ? 0 : load<u32>(INTERRUPTIBILITY) & BLOCKING_NMI;
}

function loadSegments(region: usize, long: bool): void {
  for (let i: usize = 0; i < 6; i++) {
    const selector = u32(load<u16>(region + F_HOST_ES_SELECTOR + i * 8));
    if (i == CS) setSegment(i, selector, long ? CODE_64 : CODE_32, 0xffffffff, 0, READABLE);
    else if (selector == 0) setSegment(i, selector, DATA | UNUSABLE, 0xffffffff, 0, 0);
    else setSegment(i, selector, DATA, 0xffffffff, 0, READABLE | WRITABLE);
  }
  store<u64>(SEGMENTS + FS * SEGMENT_SIZE + SEG_BASE, load<u64>(region + F_HOST_FS_BASE));
  store<u64>(SEGMENTS + GS * SEGMENT_SIZE + SEG_BASE, load<u64>(region + F_HOST_GS_BASE));
  setSegment(TR, u32(load<u16>(region + F_HOST_TR_SELECTOR)), TSS, 0x67, load<u64>(region + F_HOST_TR_BASE), 0);
  setSegment(LDTR, 0, UNUSABLE, 0, 0, 0);
  store<u64>(GDTR_BASE, load<u64>(region + F_HOST_GDTR_BASE));
  store<u32>(GDTR_LIMIT, 0xffff);
  store<u64>(IDTR_BASE, load<u64>(region + F_HOST_IDTR_BASE));
  store<u32>(IDTR_LIMIT, 0xffff);
}

/** @inline */
function setSegment(index: usize, selector: u32, rights: u32, limit: u32, base: u64, flat: u32): void {
  const segment = SEGMENTS + index * SEGMENT_SIZE;
  store<u32>(segment + SEG_SELECTOR, selector);
  store<u32>(segment + SEG_RIGHTS, rights);
  store<u32>(segment + SEG_LIMIT, limit);
  store<u32>(segment + SEG_FLAT, flat);
  store<u64>(segment + SEG_BASE, base);
}
