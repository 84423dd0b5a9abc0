// Compiles the VM-execution controls of the current VMCS into the intercept words that the core tests.
import {
  F_APIC_ACCESS_ADDRESS,
  F_CR0_GUEST_HOST_MASK,
  F_CR0_READ_SHADOW,
  F_CR3_TARGET_COUNT,
  F_CR3_TARGET_VALUE_0,
  F_CR4_GUEST_HOST_MASK,
  F_CR4_READ_SHADOW,
  F_ENCLS_EXITING_BITMAP,
  F_EPT_POINTER,
  F_EPTP_LIST_ADDRESS,
  F_EXCEPTION_BITMAP,
  F_IO_BITMAP_A_ADDRESS,
  F_IO_BITMAP_B_ADDRESS,
  F_MSR_BITMAPS_ADDRESS,
  F_PAGE_FAULT_ERROR_CODE_MASK,
  F_PAGE_FAULT_ERROR_CODE_MATCH,
  F_PIN_BASED_VM_EXECUTION_CONTROLS,
  F_PLE_GAP,
  F_PLE_WINDOW,
  F_PML_ADDRESS,
  F_PML_INDEX,
  F_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
  F_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
  F_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
  F_TPR_THRESHOLD,
  F_TSC_MULTIPLIER,
  F_TSC_OFFSET,
  F_VIRTUAL_APIC_ADDRESS,
  F_VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS,
  F_VM_ENTRY_CONTROLS,
  F_VM_EXIT_CONTROLS,
  F_VM_FUNCTION_CONTROLS,
  F_VMREAD_BITMAP_ADDRESS,
  F_VMWRITE_BITMAP_ADDRESS,
  F_VPID,
  F_VMCS_LINK_POINTER,
  F_XSS_EXITING_BITMAP,
} from '../generated/vmcs-offsets.ts';
import {
  APIC_ACCESS,
  APIC_WRITE,
  CR0_MASK,
  CR0_SHADOW,
  CR3_TARGET0,
  CR3_TARGET_COUNT,
  CR4_MASK,
  CR4_SHADOW,
  ENCLS_BITMAP,
  ENTRY_CONTROLS,
  EPTP,
  EPTP_LIST,
  EXCEPTION_BITMAP,
  EXIT_CONTROLS,
  IO_BITMAP_A,
  IO_BITMAP_B,
  MSR_BITMAPS,
  MTF_PENDING,
  PFEC_MASK,
  PFEC_MATCH,
  PIN_CONTROLS,
  PLE_FIRST,
  PLE_GAP,
  PLE_LAST,
  PLE_WINDOW,
  PML_ADDRESS,
  PML_INDEX,
  PREEMPTION_DEADLINE,
  PRIMARY_CONTROLS,
  RAM,
  SECONDARY_CONTROLS,
  SHADOW_VMCS_ADDRESS,
  TERTIARY_CONTROLS,
  TPR_EXIT,
  TPR_THRESHOLD,
  TSC_MULTIPLIER,
  TSC_OFFSET,
  VE_INFORMATION,
  VIRTUAL_APIC,
  VIRTUAL_INTERRUPT,
  VM_FUNCTION_CONTROLS,
  VMREAD_BITMAP,
  VMWRITE_BITMAP,
  VPID,
  XSS_EXITING_BITMAP,
} from '../layout.ts';
import { pageWritten } from '../snapshot.ts';

export const PIN_VIRTUAL_NMIS: u32 = 1 << 5;
export const PIN_PREEMPTION_TIMER: u32 = 1 << 6;
const PRIMARY_TSC_OFFSETTING: u32 = 1 << 3;
const PRIMARY_TERTIARY: u32 = 1 << 17;
const PRIMARY_SECONDARY: u32 = 0x80000000;
const SECONDARY_EPT: u32 = 1 << 1;
const SECONDARY_VPID: u32 = 1 << 5;
const SECONDARY_VM_FUNCTIONS: u32 = 1 << 13;
const SECONDARY_VMCS_SHADOWING: u32 = 1 << 14;
const SECONDARY_PML: u32 = 1 << 17;
const SECONDARY_TSC_SCALING: u32 = 1 << 25;

/** @inline */
function copy64(cell: usize, field: usize): void {
  store<u64>(cell, load<u64>(field));
}

/** @inline */
function copy32(cell: usize, field: usize): void {
  store<u32>(cell, load<u32>(field));
}

/** `region` is the address of the current VMCS in this memory. */
export function compileControls(region: usize): void {
  const primary = load<u32>(region + F_PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
  const secondary =
    (primary & PRIMARY_SECONDARY) != 0 ? load<u32>(region + F_SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) : 0;
  copy32(PIN_CONTROLS, region + F_PIN_BASED_VM_EXECUTION_CONTROLS);
  store<u32>(PRIMARY_CONTROLS, primary);
  store<u32>(SECONDARY_CONTROLS, secondary);
  store<u64>(
    TERTIARY_CONTROLS,
    (primary & PRIMARY_TERTIARY) != 0 ? load<u64>(region + F_TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) : 0,
  );
  copy32(EXIT_CONTROLS, region + F_VM_EXIT_CONTROLS);
  copy32(ENTRY_CONTROLS, region + F_VM_ENTRY_CONTROLS);
  copy32(EXCEPTION_BITMAP, region + F_EXCEPTION_BITMAP);
  copy32(PFEC_MASK, region + F_PAGE_FAULT_ERROR_CODE_MASK);
  copy32(PFEC_MATCH, region + F_PAGE_FAULT_ERROR_CODE_MATCH);
  copy64(CR0_MASK, region + F_CR0_GUEST_HOST_MASK);
  copy64(CR0_SHADOW, region + F_CR0_READ_SHADOW);
  copy64(CR4_MASK, region + F_CR4_GUEST_HOST_MASK);
  copy64(CR4_SHADOW, region + F_CR4_READ_SHADOW);
  copy32(CR3_TARGET_COUNT, region + F_CR3_TARGET_COUNT);
  for (let i: usize = 0; i < 32; i += 8) copy64(CR3_TARGET0 + i, region + F_CR3_TARGET_VALUE_0 + i);
  copy64(IO_BITMAP_A, region + F_IO_BITMAP_A_ADDRESS);
  copy64(IO_BITMAP_B, region + F_IO_BITMAP_B_ADDRESS);
  copy64(MSR_BITMAPS, region + F_MSR_BITMAPS_ADDRESS);
  store<u64>(EPTP, (secondary & SECONDARY_EPT) != 0 ? load<u64>(region + F_EPT_POINTER) : 0);
  store<u32>(VPID, (secondary & SECONDARY_VPID) != 0 ? u32(load<u16>(region + F_VPID)) : 0);
  copy32(TPR_THRESHOLD, region + F_TPR_THRESHOLD);
  copy64(VIRTUAL_APIC, region + F_VIRTUAL_APIC_ADDRESS);
  copy64(APIC_ACCESS, region + F_APIC_ACCESS_ADDRESS);
  const offsetting = (primary & PRIMARY_TSC_OFFSETTING) != 0;
  store<u64>(TSC_OFFSET, offsetting ? load<u64>(region + F_TSC_OFFSET) : 0);
  const scaling = offsetting && (secondary & SECONDARY_TSC_SCALING) != 0;
  store<u64>(TSC_MULTIPLIER, scaling ? load<u64>(region + F_TSC_MULTIPLIER) : u64(1) << 48);
  copy32(PLE_GAP, region + F_PLE_GAP);
  copy32(PLE_WINDOW, region + F_PLE_WINDOW);
  store<u64>(PLE_FIRST, 0);
  store<u64>(PLE_LAST, 0);
  copy64(XSS_EXITING_BITMAP, region + F_XSS_EXITING_BITMAP);
  store<u64>(
    VM_FUNCTION_CONTROLS,
    (secondary & SECONDARY_VM_FUNCTIONS) != 0 ? load<u64>(region + F_VM_FUNCTION_CONTROLS) : 0,
  );
  copy64(EPTP_LIST, region + F_EPTP_LIST_ADDRESS);
  copy64(VMREAD_BITMAP, region + F_VMREAD_BITMAP_ADDRESS);
  copy64(VMWRITE_BITMAP, region + F_VMWRITE_BITMAP_ADDRESS);
  const link = load<u64>(region + F_VMCS_LINK_POINTER);
  store<u32>(SHADOW_VMCS_ADDRESS, (secondary & SECONDARY_VMCS_SHADOWING) != 0 && ~link != 0 ? RAM + u32(link) : 0);
  if (load<u32>(SHADOW_VMCS_ADDRESS)) pageWritten(load<u32>(SHADOW_VMCS_ADDRESS)); // VMWRITEs of the guest are not noticed one by one
  copy64(VE_INFORMATION, region + F_VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS);
  store<u64>(PML_ADDRESS, (secondary & SECONDARY_PML) != 0 ? load<u64>(region + F_PML_ADDRESS) : 0);
  store<u32>(PML_INDEX, u32(load<u16>(region + F_PML_INDEX)));
  copy64(ENCLS_BITMAP, region + F_ENCLS_EXITING_BITMAP);
}

/** Outside VMX non-root operation every intercept word is 0, so that a test of one needs no test of the mode. */
export function clearControls(): void {
  // Loops: a call of the engine's memory.fill costs more than these few words.
  for (let at: usize = PIN_CONTROLS; at < PREEMPTION_DEADLINE; at += 8) store<u64>(at, 0);
  for (let at: usize = XSS_EXITING_BITMAP; at < MTF_PENDING; at += 4) store<u32>(at, 0);
  store<u32>(SHADOW_VMCS_ADDRESS, 0);
  store<u64>(TSC_MULTIPLIER, u64(1) << 48);
  store<u64>(PREEMPTION_DEADLINE, u64.MAX_VALUE);
  store<u32>(MTF_PENDING, 0);
  store<u32>(APIC_WRITE, 0);
  store<u32>(VIRTUAL_INTERRUPT, 0);
  store<u32>(TPR_EXIT, 0);
}
