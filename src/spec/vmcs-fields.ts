// Every field of the VMCS, keyed by its SDM name, in the order of the appendix "Field Encoding in VMCS".
// Names are those that hypervisors, kernels and debuggers know; the newest edition calls the "interruption" and
// "IDT-vectoring" fields "injected event", "exiting event" and "original event": those are aliases here.

import type { BitLayoutName } from './bit-layouts.ts';

export type VmcsWidth = 16 | 32 | 64 | 'natural';
export type VmcsArea = 'control' | 'read-only' | 'guest' | 'host';

/** How a value reads best: `bits` by the layout in `bits`, `decimal` for counts, addresses by what they address. */
export type VmcsDisplay = 'hex' | 'decimal' | 'bits' | 'selector' | 'linear' | 'guest-physical' | 'host-physical';

/** A setting that the processor must support for a field to exist: a control word and the SDM's name of the bit. */
export type FieldRequirement =
  `${'pin' | 'primary' | 'secondary' | 'tertiary' | 'exit' | 'secondary exit' | 'entry' | 'vmfunc' | 'cpuid'}: ${string}`;

export interface VmcsField {
  /** Name in expressions, views and C headers. */
  readonly identifier: string;
  /** Full-access encoding; 64-bit fields also have `encoding + 1`, the high 32 bits. */
  readonly encoding: number;
  readonly width: VmcsWidth;
  readonly area: VmcsArea;
  readonly display: VmcsDisplay;
  readonly bits?: BitLayoutName;
  /** The field exists when the processor supports any of these; always when absent. */
  readonly requires?: readonly FieldRequirement[];
  /** Which VM-entry checks a write makes necessary again: none, the one line for RIP, or all. */
  readonly dirty: 'none' | 'rip' | 'any';
  /** Other names in use: Linux and Xen headers, newer SDM editions. */
  readonly aliases?: readonly string[];
  readonly meaning: string;
}

// biome-ignore format: one row a field
export const VMCS_FIELDS = {
  // 16-bit control fields
  'Virtual-processor identifier (VPID)': { identifier: 'VPID', encoding: 0x0000, width: 16, area: 'control', display: 'decimal', requires: ['secondary: enable VPID'], dirty: 'any', aliases: ['VIRTUAL_PROCESSOR_ID'], meaning: 'Tag of the guest’s translations in the TLB; 0 belongs to the host.' },
  'Posted-interrupt notification vector': { identifier: 'POSTED_INTERRUPT_NOTIFICATION_VECTOR', encoding: 0x0002, width: 16, area: 'control', display: 'hex', requires: ['pin: process posted interrupts'], dirty: 'any', aliases: ['POSTED_INTR_NV'], meaning: 'Interrupt vector that makes the processor handle posted interrupts instead of exiting.' },
  'EPTP index': { identifier: 'EPTP_INDEX', encoding: 0x0004, width: 16, area: 'control', display: 'decimal', requires: ['secondary: EPT-violation #VE'], dirty: 'none', meaning: 'Index of the current EPTP in the EPTP list; VMFUNC 0 and #VE use it.' },
  'HLAT prefix size': { identifier: 'HLAT_PREFIX_SIZE', encoding: 0x0006, width: 16, area: 'control', display: 'decimal', requires: ['tertiary: enable HLAT'], dirty: 'none', meaning: 'How many leading 1-bits of a linear address select HLAT paging.' },
  'Last PID-pointer index': { identifier: 'LAST_PID_POINTER_INDEX', encoding: 0x0008, width: 16, area: 'control', display: 'decimal', requires: ['tertiary: IPI virtualization'], dirty: 'any', meaning: 'Index of the last entry of the PID-pointer table.' },
  'Virtual timer vector': { identifier: 'VIRTUAL_TIMER_VECTOR', encoding: 0x000a, width: 16, area: 'control', display: 'hex', requires: ['tertiary: APIC-timer virtualization'], dirty: 'any', aliases: ['GUEST_APIC_TIMER_VECTOR'], meaning: 'Vector of the virtual timer interrupt.' },
  // 16-bit guest fields
  'Guest ES selector': { identifier: 'GUEST_ES_SELECTOR', encoding: 0x0800, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in ES.' },
  'Guest CS selector': { identifier: 'GUEST_CS_SELECTOR', encoding: 0x0802, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in CS.' },
  'Guest SS selector': { identifier: 'GUEST_SS_SELECTOR', encoding: 0x0804, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in SS.' },
  'Guest DS selector': { identifier: 'GUEST_DS_SELECTOR', encoding: 0x0806, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in DS.' },
  'Guest FS selector': { identifier: 'GUEST_FS_SELECTOR', encoding: 0x0808, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in FS.' },
  'Guest GS selector': { identifier: 'GUEST_GS_SELECTOR', encoding: 0x080a, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in GS.' },
  'Guest LDTR selector': { identifier: 'GUEST_LDTR_SELECTOR', encoding: 0x080c, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in LDTR.' },
  'Guest TR selector': { identifier: 'GUEST_TR_SELECTOR', encoding: 0x080e, width: 16, area: 'guest', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector in TR.' },
  'Guest interrupt status': { identifier: 'GUEST_INTERRUPT_STATUS', encoding: 0x0810, width: 16, area: 'guest', display: 'bits', bits: 'guest-interrupt-status', requires: ['secondary: virtual-interrupt delivery'], dirty: 'none', aliases: ['GUEST_INTR_STATUS'], meaning: 'Requesting (RVI) and servicing (SVI) virtual interrupt.' },
  'PML index': { identifier: 'PML_INDEX', encoding: 0x0812, width: 16, area: 'guest', display: 'decimal', requires: ['secondary: enable PML'], dirty: 'none', aliases: ['GUEST_PML_INDEX'], meaning: 'Next entry of the page-modification log; counts down from 511.' },
  'Guest UINV': { identifier: 'GUEST_UINV', encoding: 0x0814, width: 16, area: 'guest', display: 'hex', requires: ['exit: clear UINV', 'entry: load UINV'], dirty: 'any', meaning: 'User-interrupt notification vector.' },
  // 16-bit host fields
  'Host ES selector': { identifier: 'HOST_ES_SELECTOR', encoding: 0x0c00, width: 16, area: 'host', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector that a VM exit loads into ES.' },
  'Host CS selector': { identifier: 'HOST_CS_SELECTOR', encoding: 0x0c02, width: 16, area: 'host', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector that a VM exit loads into CS.' },
  'Host SS selector': { identifier: 'HOST_SS_SELECTOR', encoding: 0x0c04, width: 16, area: 'host', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector that a VM exit loads into SS.' },
  'Host DS selector': { identifier: 'HOST_DS_SELECTOR', encoding: 0x0c06, width: 16, area: 'host', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector that a VM exit loads into DS.' },
  'Host FS selector': { identifier: 'HOST_FS_SELECTOR', encoding: 0x0c08, width: 16, area: 'host', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector that a VM exit loads into FS.' },
  'Host GS selector': { identifier: 'HOST_GS_SELECTOR', encoding: 0x0c0a, width: 16, area: 'host', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector that a VM exit loads into GS.' },
  'Host TR selector': { identifier: 'HOST_TR_SELECTOR', encoding: 0x0c0c, width: 16, area: 'host', display: 'selector', bits: 'selector', dirty: 'any', meaning: 'Selector that a VM exit loads into TR.' },
  // 64-bit control fields
  'Address of I/O bitmap A': { identifier: 'IO_BITMAP_A_ADDRESS', encoding: 0x2000, width: 64, area: 'control', display: 'host-physical', dirty: 'any', aliases: ['IO_BITMAP_A'], meaning: 'Page with one bit for each port 0000H to 7FFFH: 1 exits.' },
  'Address of I/O bitmap B': { identifier: 'IO_BITMAP_B_ADDRESS', encoding: 0x2002, width: 64, area: 'control', display: 'host-physical', dirty: 'any', aliases: ['IO_BITMAP_B'], meaning: 'Page with one bit for each port 8000H to FFFFH: 1 exits.' },
  'Address of MSR bitmaps': { identifier: 'MSR_BITMAPS_ADDRESS', encoding: 0x2004, width: 64, area: 'control', display: 'host-physical', requires: ['primary: use MSR bitmaps'], dirty: 'any', aliases: ['MSR_BITMAP'], meaning: 'Page of four 1-KByte bitmaps: reads and writes of low and high MSRs.' },
  'VM-exit MSR-store address': { identifier: 'VM_EXIT_MSR_STORE_ADDRESS', encoding: 0x2006, width: 64, area: 'control', display: 'host-physical', dirty: 'any', aliases: ['VM_EXIT_MSR_STORE_ADDR'], meaning: 'List of MSRs that a VM exit saves.' },
  'VM-exit MSR-load address': { identifier: 'VM_EXIT_MSR_LOAD_ADDRESS', encoding: 0x2008, width: 64, area: 'control', display: 'host-physical', dirty: 'any', aliases: ['VM_EXIT_MSR_LOAD_ADDR'], meaning: 'List of MSRs that a VM exit loads.' },
  'VM-entry MSR-load address': { identifier: 'VM_ENTRY_MSR_LOAD_ADDRESS', encoding: 0x200a, width: 64, area: 'control', display: 'host-physical', dirty: 'any', aliases: ['VM_ENTRY_MSR_LOAD_ADDR'], meaning: 'List of MSRs that a VM entry loads.' },
  'Executive-VMCS pointer': { identifier: 'EXECUTIVE_VMCS_POINTER', encoding: 0x200c, width: 64, area: 'control', display: 'host-physical', dirty: 'none', meaning: 'For the dual-monitor treatment of SMM.' },
  'PML address': { identifier: 'PML_ADDRESS', encoding: 0x200e, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: enable PML'], dirty: 'any', meaning: 'Page that logs guest-physical addresses whose dirty flag is set.' },
  'TSC offset': { identifier: 'TSC_OFFSET', encoding: 0x2010, width: 64, area: 'control', display: 'hex', dirty: 'none', meaning: 'Signed value added to the time-stamp counter that the guest reads.' },
  'Virtual-APIC address': { identifier: 'VIRTUAL_APIC_ADDRESS', encoding: 0x2012, width: 64, area: 'control', display: 'host-physical', requires: ['primary: use TPR shadow'], dirty: 'any', aliases: ['VIRTUAL_APIC_PAGE_ADDR'], meaning: 'Page that holds the virtual APIC registers.' },
  'APIC-access address': { identifier: 'APIC_ACCESS_ADDRESS', encoding: 0x2014, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: virtualize APIC accesses'], dirty: 'any', aliases: ['APIC_ACCESS_ADDR'], meaning: 'Page whose accesses are virtualized or exit.' },
  'Posted-interrupt descriptor address': { identifier: 'POSTED_INTERRUPT_DESCRIPTOR_ADDRESS', encoding: 0x2016, width: 64, area: 'control', display: 'host-physical', requires: ['pin: process posted interrupts'], dirty: 'any', aliases: ['POSTED_INTR_DESC_ADDR'], meaning: '64-byte descriptor of posted interrupts.' },
  'VM-function controls': { identifier: 'VM_FUNCTION_CONTROLS', encoding: 0x2018, width: 64, area: 'control', display: 'bits', bits: 'vm-function-controls', requires: ['secondary: enable VM functions'], dirty: 'any', aliases: ['VM_FUNCTION_CONTROL'], meaning: 'VM functions that the guest may invoke with VMFUNC.' },
  'EPT pointer (EPTP)': { identifier: 'EPT_POINTER', encoding: 0x201a, width: 64, area: 'control', display: 'bits', bits: 'eptp', requires: ['secondary: enable EPT'], dirty: 'any', aliases: ['EPTP'], meaning: 'Root of the extended page tables, their memory type and walk length.' },
  'EOI-exit bitmap 0 (EOI_EXIT0)': { identifier: 'EOI_EXIT_BITMAP_0', encoding: 0x201c, width: 64, area: 'control', display: 'hex', requires: ['secondary: virtual-interrupt delivery'], dirty: 'none', aliases: ['EOI_EXIT_BITMAP0'], meaning: 'Virtual EOI of vectors 0 to 63: 1 exits.' },
  'EOI-exit bitmap 1 (EOI_EXIT1)': { identifier: 'EOI_EXIT_BITMAP_1', encoding: 0x201e, width: 64, area: 'control', display: 'hex', requires: ['secondary: virtual-interrupt delivery'], dirty: 'none', aliases: ['EOI_EXIT_BITMAP1'], meaning: 'Virtual EOI of vectors 64 to 127: 1 exits.' },
  'EOI-exit bitmap 2 (EOI_EXIT2)': { identifier: 'EOI_EXIT_BITMAP_2', encoding: 0x2020, width: 64, area: 'control', display: 'hex', requires: ['secondary: virtual-interrupt delivery'], dirty: 'none', aliases: ['EOI_EXIT_BITMAP2'], meaning: 'Virtual EOI of vectors 128 to 191: 1 exits.' },
  'EOI-exit bitmap 3 (EOI_EXIT3)': { identifier: 'EOI_EXIT_BITMAP_3', encoding: 0x2022, width: 64, area: 'control', display: 'hex', requires: ['secondary: virtual-interrupt delivery'], dirty: 'none', aliases: ['EOI_EXIT_BITMAP3'], meaning: 'Virtual EOI of vectors 192 to 255: 1 exits.' },
  'EPTP-list address': { identifier: 'EPTP_LIST_ADDRESS', encoding: 0x2024, width: 64, area: 'control', display: 'host-physical', requires: ['vmfunc: EPTP switching'], dirty: 'any', meaning: 'Page with 512 EPTPs for VM function 0.' },
  'VMREAD-bitmap address': { identifier: 'VMREAD_BITMAP_ADDRESS', encoding: 0x2026, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: VMCS shadowing'], dirty: 'any', aliases: ['VMREAD_BITMAP'], meaning: 'Page with one bit a field encoding: 1 makes VMREAD exit.' },
  'VMWRITE-bitmap address': { identifier: 'VMWRITE_BITMAP_ADDRESS', encoding: 0x2028, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: VMCS shadowing'], dirty: 'any', aliases: ['VMWRITE_BITMAP'], meaning: 'Page with one bit a field encoding: 1 makes VMWRITE exit.' },
  'Virtualization-exception information address': { identifier: 'VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS', encoding: 0x202a, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: EPT-violation #VE'], dirty: 'any', aliases: ['VE_INFORMATION_ADDRESS'], meaning: 'Page where #VE stores what happened.' },
  'XSS-exiting bitmap': { identifier: 'XSS_EXITING_BITMAP', encoding: 0x202c, width: 64, area: 'control', display: 'hex', requires: ['secondary: enable XSAVES/XRSTORS'], dirty: 'none', aliases: ['XSS_EXIT_BITMAP'], meaning: 'XSAVES and XRSTORS of these components exit.' },
  'ENCLS-exiting bitmap': { identifier: 'ENCLS_EXITING_BITMAP', encoding: 0x202e, width: 64, area: 'control', display: 'hex', requires: ['secondary: enable ENCLS exiting'], dirty: 'none', meaning: 'ENCLS leaves that exit.' },
  'Sub-page-permission-table pointer': { identifier: 'SUB_PAGE_PERMISSION_TABLE_POINTER', encoding: 0x2030, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: sub-page write permissions for EPT'], dirty: 'any', aliases: ['SPPTP'], meaning: 'Root of the sub-page-permission table.' },
  'TSC multiplier': { identifier: 'TSC_MULTIPLIER', encoding: 0x2032, width: 64, area: 'control', display: 'hex', requires: ['secondary: use TSC scaling'], dirty: 'any', meaning: 'Factor of the time-stamp counter, 48 fraction bits.' },
  'Tertiary processor-based VM-execution controls': { identifier: 'TERTIARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS', encoding: 0x2034, width: 64, area: 'control', display: 'bits', bits: 'tertiary-controls', requires: ['primary: activate tertiary controls'], dirty: 'any', aliases: ['TERTIARY_VM_EXEC_CONTROL'], meaning: 'Third word of what makes instructions exit.' },
  'ENCLV-exiting bitmap': { identifier: 'ENCLV_EXITING_BITMAP', encoding: 0x2036, width: 64, area: 'control', display: 'hex', requires: ['secondary: enable ENCLV exiting'], dirty: 'none', meaning: 'ENCLV leaves that exit.' },
  'Low PASID directory address': { identifier: 'LOW_PASID_DIRECTORY_ADDRESS', encoding: 0x2038, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: PASID translation'], dirty: 'any', meaning: 'PASID directory for PASIDs with bit 19 clear.' },
  'High PASID directory address': { identifier: 'HIGH_PASID_DIRECTORY_ADDRESS', encoding: 0x203a, width: 64, area: 'control', display: 'host-physical', requires: ['secondary: PASID translation'], dirty: 'any', meaning: 'PASID directory for PASIDs with bit 19 set.' },
  'SEAM shared EPT pointer': { identifier: 'SEAM_SHARED_EPT_POINTER', encoding: 0x203c, width: 64, area: 'control', display: 'host-physical', requires: ['tertiary: SEAM guest-physical address width'], dirty: 'none', aliases: ['SHARED_EPT_POINTER'], meaning: 'EPT of the shared half of a SEAM guest’s memory.' },
  'PCONFIG-exiting bitmap': { identifier: 'PCONFIG_EXITING_BITMAP', encoding: 0x203e, width: 64, area: 'control', display: 'hex', requires: ['secondary: enable PCONFIG'], dirty: 'none', meaning: 'PCONFIG leaves that exit.' },
  'Hypervisor-managed linear-address translation pointer (HLATP)': { identifier: 'HLAT_POINTER', encoding: 0x2040, width: 64, area: 'control', display: 'bits', bits: 'hlatp', requires: ['tertiary: enable HLAT'], dirty: 'any', aliases: ['HLATP'], meaning: 'Root of HLAT paging.' },
  'PID-pointer table address': { identifier: 'PID_POINTER_TABLE_ADDRESS', encoding: 0x2042, width: 64, area: 'control', display: 'host-physical', requires: ['tertiary: IPI virtualization'], dirty: 'any', aliases: ['PID_POINTER_TABLE'], meaning: 'Table of posted-interrupt descriptors, by virtual APIC identifier.' },
  'Secondary VM-exit controls': { identifier: 'SECONDARY_VM_EXIT_CONTROLS', encoding: 0x2044, width: 64, area: 'control', display: 'bits', bits: 'secondary-exit-controls', requires: ['exit: activate secondary controls'], dirty: 'any', meaning: 'Second word of what a VM exit does.' },
  'IA32_SPEC_CTRL mask': { identifier: 'IA32_SPEC_CTRL_MASK', encoding: 0x204a, width: 64, area: 'control', display: 'hex', requires: ['tertiary: virtualize IA32_SPEC_CTRL'], dirty: 'none', meaning: 'Bits of IA32_SPEC_CTRL that the guest cannot change.' },
  'IA32_SPEC_CTRL shadow': { identifier: 'IA32_SPEC_CTRL_SHADOW', encoding: 0x204c, width: 64, area: 'control', display: 'hex', requires: ['tertiary: virtualize IA32_SPEC_CTRL'], dirty: 'none', meaning: 'Value of IA32_SPEC_CTRL that the guest reads.' },
  'Guest deadline shadow': { identifier: 'GUEST_DEADLINE_SHADOW', encoding: 0x204e, width: 64, area: 'control', display: 'hex', requires: ['tertiary: APIC-timer virtualization'], dirty: 'none', aliases: ['GUEST_DEADLINE_VIR'], meaning: 'TSC deadline of the guest timer as the guest sees it.' },
  'Injected-event data': { identifier: 'INJECTED_EVENT_DATA', encoding: 0x2052, width: 64, area: 'control', display: 'hex', requires: ['cpuid: FRED'], dirty: 'none', meaning: 'FRED event data of the event that VM entry injects.' },
  // 64-bit read-only fields
  'Guest-physical address': { identifier: 'GUEST_PHYSICAL_ADDRESS', encoding: 0x2400, width: 64, area: 'read-only', display: 'guest-physical', requires: ['secondary: enable EPT'], dirty: 'none', meaning: 'Guest-physical address of an EPT violation or misconfiguration.' },
  'MSR data': { identifier: 'MSR_DATA', encoding: 0x2402, width: 64, area: 'read-only', display: 'hex', requires: ['tertiary: enable MSR-list instructions'], dirty: 'none', meaning: 'Value that WRMSRLIST or WRMSRNS would have written.' },
  'Original-event data': { identifier: 'ORIGINAL_EVENT_DATA', encoding: 0x2404, width: 64, area: 'read-only', display: 'hex', requires: ['cpuid: FRED'], dirty: 'none', meaning: 'FRED event data of the event whose delivery led to the VM exit.' },
  // 64-bit guest fields
  'VMCS link pointer': { identifier: 'VMCS_LINK_POINTER', encoding: 0x2800, width: 64, area: 'guest', display: 'host-physical', dirty: 'any', meaning: 'Shadow VMCS under VMCS shadowing; all ones otherwise.' },
  'Guest IA32_DEBUGCTL': { identifier: 'GUEST_IA32_DEBUGCTL', encoding: 0x2802, width: 64, area: 'guest', display: 'bits', bits: 'debugctl', dirty: 'any', meaning: 'Debug features: branch records, single-step on branches.' },
  'Guest IA32_PAT': { identifier: 'GUEST_IA32_PAT', encoding: 0x2804, width: 64, area: 'guest', display: 'bits', bits: 'pat', requires: ['entry: load IA32_PAT', 'exit: save IA32_PAT'], dirty: 'any', meaning: 'Memory types of the page attribute table.' },
  'Guest IA32_EFER': { identifier: 'GUEST_IA32_EFER', encoding: 0x2806, width: 64, area: 'guest', display: 'bits', bits: 'efer', requires: ['entry: load IA32_EFER', 'exit: save IA32_EFER'], dirty: 'any', meaning: 'Extended features: SYSCALL, long mode, no-execute.' },
  'Guest IA32_PERF_GLOBAL_CTRL': { identifier: 'GUEST_IA32_PERF_GLOBAL_CTRL', encoding: 0x2808, width: 64, area: 'guest', display: 'bits', bits: 'perf-global-ctrl', requires: ['entry: load IA32_PERF_GLOBAL_CTRL', 'exit: save IA32_PERF_GLOBAL_CTRL'], dirty: 'any', meaning: 'Enables of performance counters.' },
  'Guest PDPTE0': { identifier: 'GUEST_PDPTE0', encoding: 0x280a, width: 64, area: 'guest', display: 'bits', bits: 'pdpte-pae', requires: ['secondary: enable EPT'], dirty: 'any', aliases: ['GUEST_PDPTR0'], meaning: 'Page-directory-pointer-table entry 0 under PAE paging with EPT.' },
  'Guest PDPTE1': { identifier: 'GUEST_PDPTE1', encoding: 0x280c, width: 64, area: 'guest', display: 'bits', bits: 'pdpte-pae', requires: ['secondary: enable EPT'], dirty: 'any', aliases: ['GUEST_PDPTR1'], meaning: 'Page-directory-pointer-table entry 1 under PAE paging with EPT.' },
  'Guest PDPTE2': { identifier: 'GUEST_PDPTE2', encoding: 0x280e, width: 64, area: 'guest', display: 'bits', bits: 'pdpte-pae', requires: ['secondary: enable EPT'], dirty: 'any', aliases: ['GUEST_PDPTR2'], meaning: 'Page-directory-pointer-table entry 2 under PAE paging with EPT.' },
  'Guest PDPTE3': { identifier: 'GUEST_PDPTE3', encoding: 0x2810, width: 64, area: 'guest', display: 'bits', bits: 'pdpte-pae', requires: ['secondary: enable EPT'], dirty: 'any', aliases: ['GUEST_PDPTR3'], meaning: 'Page-directory-pointer-table entry 3 under PAE paging with EPT.' },
  'Guest IA32_BNDCFGS': { identifier: 'GUEST_IA32_BNDCFGS', encoding: 0x2812, width: 64, area: 'guest', display: 'bits', bits: 'bndcfgs', requires: ['entry: load IA32_BNDCFGS', 'exit: clear IA32_BNDCFGS'], dirty: 'any', aliases: ['GUEST_BNDCFGS'], meaning: 'Supervisor MPX configuration.' },
  'Guest IA32_RTIT_CTL': { identifier: 'GUEST_IA32_RTIT_CTL', encoding: 0x2814, width: 64, area: 'guest', display: 'hex', requires: ['entry: load IA32_RTIT_CTL', 'exit: clear IA32_RTIT_CTL'], dirty: 'any', meaning: 'Intel Processor Trace control.' },
  'Guest IA32_LBR_CTL': { identifier: 'GUEST_IA32_LBR_CTL', encoding: 0x2816, width: 64, area: 'guest', display: 'hex', requires: ['entry: load guest IA32_LBR_CTL', 'exit: clear IA32_LBR_CTL'], dirty: 'any', meaning: 'Architectural last-branch-record control.' },
  'Guest IA32_PKRS': { identifier: 'GUEST_IA32_PKRS', encoding: 0x2818, width: 64, area: 'guest', display: 'hex', requires: ['entry: load PKRS'], dirty: 'any', meaning: 'Protection-key rights for supervisor pages.' },
  'Guest IA32_FRED_CONFIG': { identifier: 'GUEST_IA32_FRED_CONFIG', encoding: 0x281a, width: 64, area: 'guest', display: 'hex', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'any', meaning: 'FRED configuration and handler address.' },
  'Guest IA32_FRED_RSP1': { identifier: 'GUEST_IA32_FRED_RSP1', encoding: 0x281c, width: 64, area: 'guest', display: 'linear', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'any', meaning: 'Stack pointer of FRED stack level 1.' },
  'Guest IA32_FRED_RSP2': { identifier: 'GUEST_IA32_FRED_RSP2', encoding: 0x281e, width: 64, area: 'guest', display: 'linear', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'any', meaning: 'Stack pointer of FRED stack level 2.' },
  'Guest IA32_FRED_RSP3': { identifier: 'GUEST_IA32_FRED_RSP3', encoding: 0x2820, width: 64, area: 'guest', display: 'linear', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'any', meaning: 'Stack pointer of FRED stack level 3.' },
  'Guest IA32_FRED_STKLVLS': { identifier: 'GUEST_IA32_FRED_STKLVLS', encoding: 0x2822, width: 64, area: 'guest', display: 'hex', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'none', meaning: 'FRED stack level of each exception.' },
  'Guest IA32_FRED_SSP1': { identifier: 'GUEST_IA32_FRED_SSP1', encoding: 0x2824, width: 64, area: 'guest', display: 'linear', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'any', meaning: 'Shadow-stack pointer of FRED stack level 1.' },
  'Guest IA32_FRED_SSP2': { identifier: 'GUEST_IA32_FRED_SSP2', encoding: 0x2826, width: 64, area: 'guest', display: 'linear', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'any', meaning: 'Shadow-stack pointer of FRED stack level 2.' },
  'Guest IA32_FRED_SSP3': { identifier: 'GUEST_IA32_FRED_SSP3', encoding: 0x2828, width: 64, area: 'guest', display: 'linear', requires: ['entry: load FRED', 'secondary exit: save FRED'], dirty: 'any', meaning: 'Shadow-stack pointer of FRED stack level 3.' },
  'Guest IA32_SPEC_CTRL': { identifier: 'GUEST_IA32_SPEC_CTRL', encoding: 0x282e, width: 64, area: 'guest', display: 'hex', requires: ['entry: load IA32_SPEC_CTRL'], dirty: 'any', meaning: 'Speculation control.' },
  'Guest deadline': { identifier: 'GUEST_DEADLINE', encoding: 0x2830, width: 64, area: 'guest', display: 'hex', requires: ['tertiary: APIC-timer virtualization'], dirty: 'none', aliases: ['GUEST_DEADLINE_PHY'], meaning: 'TSC deadline of the guest timer.' },
  // 64-bit host fields
  'Host IA32_PAT': { identifier: 'HOST_IA32_PAT', encoding: 0x2c00, width: 64, area: 'host', display: 'bits', bits: 'pat', requires: ['exit: load IA32_PAT'], dirty: 'any', meaning: 'Memory types that a VM exit loads into the page attribute table.' },
  'Host IA32_EFER': { identifier: 'HOST_IA32_EFER', encoding: 0x2c02, width: 64, area: 'host', display: 'bits', bits: 'efer', requires: ['exit: load IA32_EFER'], dirty: 'any', meaning: 'IA32_EFER that a VM exit loads.' },
  'Host IA32_PERF_GLOBAL_CTRL': { identifier: 'HOST_IA32_PERF_GLOBAL_CTRL', encoding: 0x2c04, width: 64, area: 'host', display: 'bits', bits: 'perf-global-ctrl', requires: ['exit: load IA32_PERF_GLOBAL_CTRL'], dirty: 'any', meaning: 'Enables of performance counters that a VM exit loads.' },
  'Host IA32_PKRS': { identifier: 'HOST_IA32_PKRS', encoding: 0x2c06, width: 64, area: 'host', display: 'hex', requires: ['exit: load PKRS'], dirty: 'any', meaning: 'Supervisor protection-key rights that a VM exit loads.' },
  'Host IA32_FRED_CONFIG': { identifier: 'HOST_IA32_FRED_CONFIG', encoding: 0x2c08, width: 64, area: 'host', display: 'hex', requires: ['secondary exit: load FRED'], dirty: 'any', meaning: 'FRED configuration and handler address, loaded by a VM exit.' },
  'Host IA32_FRED_RSP1': { identifier: 'HOST_IA32_FRED_RSP1', encoding: 0x2c0a, width: 64, area: 'host', display: 'linear', requires: ['secondary exit: load FRED'], dirty: 'any', meaning: 'Stack pointer of FRED stack level 1, loaded by a VM exit.' },
  'Host IA32_FRED_RSP2': { identifier: 'HOST_IA32_FRED_RSP2', encoding: 0x2c0c, width: 64, area: 'host', display: 'linear', requires: ['secondary exit: load FRED'], dirty: 'any', meaning: 'Stack pointer of FRED stack level 2, loaded by a VM exit.' },
  'Host IA32_FRED_RSP3': { identifier: 'HOST_IA32_FRED_RSP3', encoding: 0x2c0e, width: 64, area: 'host', display: 'linear', requires: ['secondary exit: load FRED'], dirty: 'any', meaning: 'Stack pointer of FRED stack level 3, loaded by a VM exit.' },
  'Host IA32_FRED_STKLVLS': { identifier: 'HOST_IA32_FRED_STKLVLS', encoding: 0x2c10, width: 64, area: 'host', display: 'hex', requires: ['secondary exit: load FRED'], dirty: 'none', meaning: 'FRED stack level of each exception, loaded by a VM exit.' },
  'Host IA32_FRED_SSP1': { identifier: 'HOST_IA32_FRED_SSP1', encoding: 0x2c12, width: 64, area: 'host', display: 'linear', requires: ['secondary exit: load FRED'], dirty: 'any', meaning: 'Shadow-stack pointer of FRED stack level 1, loaded by a VM exit.' },
  'Host IA32_FRED_SSP2': { identifier: 'HOST_IA32_FRED_SSP2', encoding: 0x2c14, width: 64, area: 'host', display: 'linear', requires: ['secondary exit: load FRED'], dirty: 'any', meaning: 'Shadow-stack pointer of FRED stack level 2, loaded by a VM exit.' },
  'Host IA32_FRED_SSP3': { identifier: 'HOST_IA32_FRED_SSP3', encoding: 0x2c16, width: 64, area: 'host', display: 'linear', requires: ['secondary exit: load FRED'], dirty: 'any', meaning: 'Shadow-stack pointer of FRED stack level 3, loaded by a VM exit.' },
  'Host IA32_SPEC_CTRL': { identifier: 'HOST_IA32_SPEC_CTRL', encoding: 0x2c1a, width: 64, area: 'host', display: 'hex', requires: ['secondary exit: load IA32_SPEC_CTRL'], dirty: 'any', meaning: 'Speculation control that a VM exit loads.' },
  // 32-bit control fields
  'Pin-based VM-execution controls': { identifier: 'PIN_BASED_VM_EXECUTION_CONTROLS', encoding: 0x4000, width: 32, area: 'control', display: 'bits', bits: 'pin-controls', dirty: 'any', aliases: ['PIN_BASED_VM_EXEC_CONTROL'], meaning: 'Which asynchronous events exit.' },
  'Primary processor-based VM-execution controls': { identifier: 'PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS', encoding: 0x4002, width: 32, area: 'control', display: 'bits', bits: 'primary-controls', dirty: 'any', aliases: ['CPU_BASED_VM_EXEC_CONTROL'], meaning: 'Which instructions and windows exit.' },
  'Exception bitmap': { identifier: 'EXCEPTION_BITMAP', encoding: 0x4004, width: 32, area: 'control', display: 'bits', bits: 'exception-bitmap', dirty: 'none', meaning: 'Exceptions that exit, one bit a vector.' },
  'Page-fault error-code mask': { identifier: 'PAGE_FAULT_ERROR_CODE_MASK', encoding: 0x4006, width: 32, area: 'control', display: 'bits', bits: 'page-fault-error', dirty: 'none', meaning: 'Error-code bits of #PF that count for the exit decision.' },
  'Page-fault error-code match': { identifier: 'PAGE_FAULT_ERROR_CODE_MATCH', encoding: 0x4008, width: 32, area: 'control', display: 'bits', bits: 'page-fault-error', dirty: 'none', meaning: 'A #PF whose masked error code equals this goes by the exception bitmap, others the opposite way.' },
  'CR3-target count': { identifier: 'CR3_TARGET_COUNT', encoding: 0x400a, width: 32, area: 'control', display: 'decimal', dirty: 'any', meaning: 'How many CR3-target values do not exit.' },
  'Primary VM-exit controls': { identifier: 'VM_EXIT_CONTROLS', encoding: 0x400c, width: 32, area: 'control', display: 'bits', bits: 'exit-controls', dirty: 'any', aliases: ['PRIMARY_VM_EXIT_CONTROLS'], meaning: 'What a VM exit saves and loads.' },
  'VM-exit MSR-store count': { identifier: 'VM_EXIT_MSR_STORE_COUNT', encoding: 0x400e, width: 32, area: 'control', display: 'decimal', dirty: 'any', meaning: 'Entries of the VM-exit MSR-store area.' },
  'VM-exit MSR-load count': { identifier: 'VM_EXIT_MSR_LOAD_COUNT', encoding: 0x4010, width: 32, area: 'control', display: 'decimal', dirty: 'any', meaning: 'Entries of the VM-exit MSR-load area.' },
  'VM-entry controls': { identifier: 'VM_ENTRY_CONTROLS', encoding: 0x4012, width: 32, area: 'control', display: 'bits', bits: 'entry-controls', dirty: 'any', meaning: 'What a VM entry loads and which mode the guest starts in.' },
  'VM-entry MSR-load count': { identifier: 'VM_ENTRY_MSR_LOAD_COUNT', encoding: 0x4014, width: 32, area: 'control', display: 'decimal', dirty: 'any', meaning: 'Entries of the VM-entry MSR-load area.' },
  'VM-entry interruption-information field': { identifier: 'VM_ENTRY_INTERRUPTION_INFORMATION', encoding: 0x4016, width: 32, area: 'control', display: 'bits', bits: 'entry-interruption-information', dirty: 'any', aliases: ['VM_ENTRY_INTR_INFO_FIELD', 'INJECTED_EVENT_IDENTIFICATION'], meaning: 'Event that VM entry injects.' },
  'VM-entry exception error code': { identifier: 'VM_ENTRY_EXCEPTION_ERROR_CODE', encoding: 0x4018, width: 32, area: 'control', display: 'hex', dirty: 'any', aliases: ['INJECTED_EVENT_ERROR_CODE'], meaning: 'Error code of the event that VM entry injects.' },
  'VM-entry instruction length': { identifier: 'VM_ENTRY_INSTRUCTION_LENGTH', encoding: 0x401a, width: 32, area: 'control', display: 'decimal', dirty: 'any', aliases: ['VM_ENTRY_INSTRUCTION_LEN'], meaning: 'Length of the instruction whose software event VM entry injects.' },
  'TPR threshold': { identifier: 'TPR_THRESHOLD', encoding: 0x401c, width: 32, area: 'control', display: 'decimal', requires: ['primary: use TPR shadow'], dirty: 'any', meaning: 'A virtual task priority below this exits.' },
  'Secondary processor-based VM-execution controls': { identifier: 'SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS', encoding: 0x401e, width: 32, area: 'control', display: 'bits', bits: 'secondary-controls', requires: ['primary: activate secondary controls'], dirty: 'any', aliases: ['SECONDARY_VM_EXEC_CONTROL'], meaning: 'EPT, VPID and other features, when the primary controls activate them.' },
  'PLE_Gap': { identifier: 'PLE_GAP', encoding: 0x4020, width: 32, area: 'control', display: 'decimal', requires: ['secondary: PAUSE-loop exiting'], dirty: 'none', meaning: 'Cycles between two PAUSEs of one loop.' },
  'PLE_Window': { identifier: 'PLE_WINDOW', encoding: 0x4022, width: 32, area: 'control', display: 'decimal', requires: ['secondary: PAUSE-loop exiting'], dirty: 'none', meaning: 'Cycles that a guest may spend in a PAUSE loop.' },
  'Instruction-timeout control': { identifier: 'INSTRUCTION_TIMEOUT_CONTROL', encoding: 0x4024, width: 32, area: 'control', display: 'decimal', requires: ['secondary: instruction timeout'], dirty: 'none', aliases: ['NOTIFY_WINDOW'], meaning: 'Crystal-clock cycles before an instruction times out.' },
  'SEAM-guest KeyID': { identifier: 'SEAM_GUEST_KEYID', encoding: 0x4026, width: 32, area: 'control', display: 'hex', requires: ['tertiary: SEAM guest-physical address width'], dirty: 'none', meaning: 'Memory-encryption key of a SEAM guest.' },
  // 32-bit read-only fields
  'VM-instruction error': { identifier: 'VM_INSTRUCTION_ERROR', encoding: 0x4400, width: 32, area: 'read-only', display: 'decimal', dirty: 'none', meaning: 'Why the last VMX instruction failed (VMfailValid).' },
  'Exit reason': { identifier: 'EXIT_REASON', encoding: 0x4402, width: 32, area: 'read-only', display: 'bits', bits: 'exit-reason', dirty: 'none', aliases: ['VM_EXIT_REASON'], meaning: 'What caused the VM exit, and whether it is a failed VM entry.' },
  'VM-exit interruption information': { identifier: 'VM_EXIT_INTERRUPTION_INFORMATION', encoding: 0x4404, width: 32, area: 'read-only', display: 'bits', bits: 'exit-interruption-information', dirty: 'none', aliases: ['VM_EXIT_INTR_INFO', 'EXITING_EVENT_IDENTIFICATION'], meaning: 'The exception, NMI or acknowledged interrupt that exited.' },
  'VM-exit interruption error code': { identifier: 'VM_EXIT_INTERRUPTION_ERROR_CODE', encoding: 0x4406, width: 32, area: 'read-only', display: 'hex', dirty: 'none', aliases: ['VM_EXIT_INTR_ERROR_CODE', 'EXITING_EVENT_ERROR_CODE'], meaning: 'Error code of the exception that exited.' },
  'IDT-vectoring information field': { identifier: 'IDT_VECTORING_INFORMATION', encoding: 0x4408, width: 32, area: 'read-only', display: 'bits', bits: 'idt-vectoring-information', dirty: 'none', aliases: ['IDT_VECTORING_INFO_FIELD', 'ORIGINAL_EVENT_IDENTIFICATION'], meaning: 'The event whose delivery led to the VM exit.' },
  'IDT-vectoring error code': { identifier: 'IDT_VECTORING_ERROR_CODE', encoding: 0x440a, width: 32, area: 'read-only', display: 'hex', dirty: 'none', aliases: ['ORIGINAL_EVENT_ERROR_CODE'], meaning: 'Error code of the event whose delivery led to the VM exit.' },
  'VM-exit instruction length': { identifier: 'VM_EXIT_INSTRUCTION_LENGTH', encoding: 0x440c, width: 32, area: 'read-only', display: 'decimal', dirty: 'none', aliases: ['VM_EXIT_INSTRUCTION_LEN'], meaning: 'Length in bytes of the instruction that exited.' },
  'VM-exit instruction information': { identifier: 'VM_EXIT_INSTRUCTION_INFORMATION', encoding: 0x440e, width: 32, area: 'read-only', display: 'hex', dirty: 'none', aliases: ['VMX_INSTRUCTION_INFO'], meaning: 'Operands of the instruction that exited; the format depends on the exit reason.' },
  // 32-bit guest fields
  'Guest ES limit': { identifier: 'GUEST_ES_LIMIT', encoding: 0x4800, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of ES in bytes, granularity applied.' },
  'Guest CS limit': { identifier: 'GUEST_CS_LIMIT', encoding: 0x4802, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of CS in bytes, granularity applied.' },
  'Guest SS limit': { identifier: 'GUEST_SS_LIMIT', encoding: 0x4804, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of SS in bytes, granularity applied.' },
  'Guest DS limit': { identifier: 'GUEST_DS_LIMIT', encoding: 0x4806, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of DS in bytes, granularity applied.' },
  'Guest FS limit': { identifier: 'GUEST_FS_LIMIT', encoding: 0x4808, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of FS in bytes, granularity applied.' },
  'Guest GS limit': { identifier: 'GUEST_GS_LIMIT', encoding: 0x480a, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of GS in bytes, granularity applied.' },
  'Guest LDTR limit': { identifier: 'GUEST_LDTR_LIMIT', encoding: 0x480c, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of LDTR in bytes, granularity applied.' },
  'Guest TR limit': { identifier: 'GUEST_TR_LIMIT', encoding: 0x480e, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of TR in bytes, granularity applied.' },
  'Guest GDTR limit': { identifier: 'GUEST_GDTR_LIMIT', encoding: 0x4810, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of the global descriptor table.' },
  'Guest IDTR limit': { identifier: 'GUEST_IDTR_LIMIT', encoding: 0x4812, width: 32, area: 'guest', display: 'hex', dirty: 'any', meaning: 'Limit of the interrupt descriptor table.' },
  'Guest ES access rights': { identifier: 'GUEST_ES_ACCESS_RIGHTS', encoding: 0x4814, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_ES_AR_BYTES'], meaning: 'Type and attributes of ES; bit 16 marks it unusable.' },
  'Guest CS access rights': { identifier: 'GUEST_CS_ACCESS_RIGHTS', encoding: 0x4816, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_CS_AR_BYTES'], meaning: 'Type and attributes of CS; bit 16 marks it unusable.' },
  'Guest SS access rights': { identifier: 'GUEST_SS_ACCESS_RIGHTS', encoding: 0x4818, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_SS_AR_BYTES'], meaning: 'Type and attributes of SS; bit 16 marks it unusable.' },
  'Guest DS access rights': { identifier: 'GUEST_DS_ACCESS_RIGHTS', encoding: 0x481a, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_DS_AR_BYTES'], meaning: 'Type and attributes of DS; bit 16 marks it unusable.' },
  'Guest FS access rights': { identifier: 'GUEST_FS_ACCESS_RIGHTS', encoding: 0x481c, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_FS_AR_BYTES'], meaning: 'Type and attributes of FS; bit 16 marks it unusable.' },
  'Guest GS access rights': { identifier: 'GUEST_GS_ACCESS_RIGHTS', encoding: 0x481e, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_GS_AR_BYTES'], meaning: 'Type and attributes of GS; bit 16 marks it unusable.' },
  'Guest LDTR access rights': { identifier: 'GUEST_LDTR_ACCESS_RIGHTS', encoding: 0x4820, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_LDTR_AR_BYTES'], meaning: 'Type and attributes of LDTR; bit 16 marks it unusable.' },
  'Guest TR access rights': { identifier: 'GUEST_TR_ACCESS_RIGHTS', encoding: 0x4822, width: 32, area: 'guest', display: 'bits', bits: 'access-rights', dirty: 'any', aliases: ['GUEST_TR_AR_BYTES'], meaning: 'Type and attributes of TR; bit 16 marks it unusable.' },
  'Guest interruptibility state': { identifier: 'GUEST_INTERRUPTIBILITY_STATE', encoding: 0x4824, width: 32, area: 'guest', display: 'bits', bits: 'interruptibility', dirty: 'any', aliases: ['GUEST_INTERRUPTIBILITY_INFO'], meaning: 'What blocks interrupts and NMIs for the moment.' },
  'Guest activity state': { identifier: 'GUEST_ACTIVITY_STATE', encoding: 0x4826, width: 32, area: 'guest', display: 'bits', bits: 'activity-state', dirty: 'any', meaning: 'Active, HLT, shutdown or wait-for-SIPI.' },
  'Guest SMBASE': { identifier: 'GUEST_SMBASE', encoding: 0x4828, width: 32, area: 'guest', display: 'hex', dirty: 'none', meaning: 'Base of the system-management memory.' },
  'Guest IA32_SYSENTER_CS': { identifier: 'GUEST_IA32_SYSENTER_CS', encoding: 0x482a, width: 32, area: 'guest', display: 'hex', dirty: 'none', aliases: ['GUEST_SYSENTER_CS'], meaning: 'Code segment of SYSENTER.' },
  'VMX-preemption timer value': { identifier: 'VMX_PREEMPTION_TIMER_VALUE', encoding: 0x482e, width: 32, area: 'guest', display: 'decimal', requires: ['pin: activate VMX-preemption timer'], dirty: 'none', meaning: 'Ticks until the guest exits; counts down in VMX non-root operation.' },
  // 32-bit host fields
  'Host IA32_SYSENTER_CS': { identifier: 'HOST_IA32_SYSENTER_CS', encoding: 0x4c00, width: 32, area: 'host', display: 'hex', dirty: 'none', meaning: 'Code segment of SYSENTER that a VM exit loads.' },
  // natural-width control fields
  'CR0 guest/host mask': { identifier: 'CR0_GUEST_HOST_MASK', encoding: 0x6000, width: 'natural', area: 'control', display: 'bits', bits: 'cr0', dirty: 'none', meaning: 'CR0 bits that the host owns: the guest reads them from the shadow.' },
  'CR4 guest/host mask': { identifier: 'CR4_GUEST_HOST_MASK', encoding: 0x6002, width: 'natural', area: 'control', display: 'bits', bits: 'cr4', dirty: 'none', meaning: 'CR4 bits that the host owns: the guest reads them from the shadow.' },
  'CR0 read shadow': { identifier: 'CR0_READ_SHADOW', encoding: 0x6004, width: 'natural', area: 'control', display: 'bits', bits: 'cr0', dirty: 'none', meaning: 'What the guest reads in the CR0 bits that the host owns.' },
  'CR4 read shadow': { identifier: 'CR4_READ_SHADOW', encoding: 0x6006, width: 'natural', area: 'control', display: 'bits', bits: 'cr4', dirty: 'none', meaning: 'What the guest reads in the CR4 bits that the host owns.' },
  'CR3-target value 0': { identifier: 'CR3_TARGET_VALUE_0', encoding: 0x6008, width: 'natural', area: 'control', display: 'guest-physical', dirty: 'none', aliases: ['CR3_TARGET_VALUE0'], meaning: 'MOV to CR3 of this value does not exit.' },
  'CR3-target value 1': { identifier: 'CR3_TARGET_VALUE_1', encoding: 0x600a, width: 'natural', area: 'control', display: 'guest-physical', dirty: 'none', aliases: ['CR3_TARGET_VALUE1'], meaning: 'MOV to CR3 of this value does not exit.' },
  'CR3-target value 2': { identifier: 'CR3_TARGET_VALUE_2', encoding: 0x600c, width: 'natural', area: 'control', display: 'guest-physical', dirty: 'none', aliases: ['CR3_TARGET_VALUE2'], meaning: 'MOV to CR3 of this value does not exit.' },
  'CR3-target value 3': { identifier: 'CR3_TARGET_VALUE_3', encoding: 0x600e, width: 'natural', area: 'control', display: 'guest-physical', dirty: 'none', aliases: ['CR3_TARGET_VALUE3'], meaning: 'MOV to CR3 of this value does not exit.' },
  // natural-width read-only fields
  'Exit qualification': { identifier: 'EXIT_QUALIFICATION', encoding: 0x6400, width: 'natural', area: 'read-only', display: 'hex', dirty: 'none', meaning: 'What else there is to know about the VM exit; the format depends on the exit reason.' },
  'I/O RCX': { identifier: 'IO_RCX', encoding: 0x6402, width: 'natural', area: 'read-only', display: 'hex', dirty: 'none', meaning: 'RCX before an I/O instruction that a system-management interrupt followed.' },
  'I/O RSI': { identifier: 'IO_RSI', encoding: 0x6404, width: 'natural', area: 'read-only', display: 'hex', dirty: 'none', meaning: 'RSI before an I/O instruction that a system-management interrupt followed.' },
  'I/O RDI': { identifier: 'IO_RDI', encoding: 0x6406, width: 'natural', area: 'read-only', display: 'hex', dirty: 'none', meaning: 'RDI before an I/O instruction that a system-management interrupt followed.' },
  'I/O RIP': { identifier: 'IO_RIP', encoding: 0x6408, width: 'natural', area: 'read-only', display: 'hex', dirty: 'none', meaning: 'RIP before an I/O instruction that a system-management interrupt followed.' },
  'Guest-linear address': { identifier: 'GUEST_LINEAR_ADDRESS', encoding: 0x640a, width: 'natural', area: 'read-only', display: 'linear', dirty: 'none', meaning: 'Linear address of the access that exited.' },
  // natural-width guest fields
  'Guest CR0': { identifier: 'GUEST_CR0', encoding: 0x6800, width: 'natural', area: 'guest', display: 'bits', bits: 'cr0', dirty: 'any', meaning: 'CR0 of the guest.' },
  'Guest CR3': { identifier: 'GUEST_CR3', encoding: 0x6802, width: 'natural', area: 'guest', display: 'bits', bits: 'cr3', dirty: 'any', meaning: 'Root of the guest’s paging structures.' },
  'Guest CR4': { identifier: 'GUEST_CR4', encoding: 0x6804, width: 'natural', area: 'guest', display: 'bits', bits: 'cr4', dirty: 'any', meaning: 'CR4 of the guest.' },
  'Guest ES base': { identifier: 'GUEST_ES_BASE', encoding: 0x6806, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of ES.' },
  'Guest CS base': { identifier: 'GUEST_CS_BASE', encoding: 0x6808, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of CS.' },
  'Guest SS base': { identifier: 'GUEST_SS_BASE', encoding: 0x680a, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of SS.' },
  'Guest DS base': { identifier: 'GUEST_DS_BASE', encoding: 0x680c, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of DS.' },
  'Guest FS base': { identifier: 'GUEST_FS_BASE', encoding: 0x680e, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of FS.' },
  'Guest GS base': { identifier: 'GUEST_GS_BASE', encoding: 0x6810, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of GS.' },
  'Guest LDTR base': { identifier: 'GUEST_LDTR_BASE', encoding: 0x6812, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of LDTR.' },
  'Guest TR base': { identifier: 'GUEST_TR_BASE', encoding: 0x6814, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base address of TR.' },
  'Guest GDTR base': { identifier: 'GUEST_GDTR_BASE', encoding: 0x6816, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base of the global descriptor table.' },
  'Guest IDTR base': { identifier: 'GUEST_IDTR_BASE', encoding: 0x6818, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', meaning: 'Base of the interrupt descriptor table.' },
  'Guest DR7': { identifier: 'GUEST_DR7', encoding: 0x681a, width: 'natural', area: 'guest', display: 'bits', bits: 'dr7', dirty: 'any', meaning: 'Debug control: enabled breakpoints.' },
  'Guest RSP': { identifier: 'GUEST_RSP', encoding: 0x681c, width: 'natural', area: 'guest', display: 'linear', dirty: 'none', meaning: 'Stack pointer of the guest.' },
  'Guest RIP': { identifier: 'GUEST_RIP', encoding: 0x681e, width: 'natural', area: 'guest', display: 'linear', dirty: 'rip', meaning: 'Instruction pointer of the guest.' },
  'Guest RFLAGS': { identifier: 'GUEST_RFLAGS', encoding: 0x6820, width: 'natural', area: 'guest', display: 'bits', bits: 'rflags', dirty: 'any', meaning: 'Flags of the guest.' },
  'Guest pending debug exceptions': { identifier: 'GUEST_PENDING_DEBUG_EXCEPTIONS', encoding: 0x6822, width: 'natural', area: 'guest', display: 'bits', bits: 'pending-debug-exceptions', dirty: 'any', aliases: ['GUEST_PENDING_DBG_EXCEPTIONS'], meaning: 'Debug exceptions that are recognised and not yet delivered.' },
  'Guest IA32_SYSENTER_ESP': { identifier: 'GUEST_IA32_SYSENTER_ESP', encoding: 0x6824, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', aliases: ['GUEST_SYSENTER_ESP'], meaning: 'Stack pointer of SYSENTER.' },
  'Guest IA32_SYSENTER_EIP': { identifier: 'GUEST_IA32_SYSENTER_EIP', encoding: 0x6826, width: 'natural', area: 'guest', display: 'linear', dirty: 'any', aliases: ['GUEST_SYSENTER_EIP'], meaning: 'Entry point of SYSENTER.' },
  'Guest IA32_S_CET': { identifier: 'GUEST_IA32_S_CET', encoding: 0x6828, width: 'natural', area: 'guest', display: 'bits', bits: 's-cet', requires: ['entry: load CET state'], dirty: 'any', aliases: ['GUEST_S_CET'], meaning: 'Supervisor control-flow enforcement.' },
  'Guest SSP': { identifier: 'GUEST_SSP', encoding: 0x682a, width: 'natural', area: 'guest', display: 'linear', requires: ['entry: load CET state'], dirty: 'any', meaning: 'Shadow-stack pointer.' },
  'Guest IA32_INTERRUPT_SSP_TABLE_ADDR': { identifier: 'GUEST_IA32_INTERRUPT_SSP_TABLE_ADDR', encoding: 0x682c, width: 'natural', area: 'guest', display: 'linear', requires: ['entry: load CET state'], dirty: 'any', aliases: ['GUEST_INTR_SSP_TABLE'], meaning: 'Table of interrupt shadow stacks.' },
  // natural-width host fields
  'Host CR0': { identifier: 'HOST_CR0', encoding: 0x6c00, width: 'natural', area: 'host', display: 'bits', bits: 'cr0', dirty: 'any', meaning: 'CR0 that a VM exit loads.' },
  'Host CR3': { identifier: 'HOST_CR3', encoding: 0x6c02, width: 'natural', area: 'host', display: 'bits', bits: 'cr3', dirty: 'any', meaning: 'CR3 that a VM exit loads.' },
  'Host CR4': { identifier: 'HOST_CR4', encoding: 0x6c04, width: 'natural', area: 'host', display: 'bits', bits: 'cr4', dirty: 'any', meaning: 'CR4 that a VM exit loads.' },
  'Host FS base': { identifier: 'HOST_FS_BASE', encoding: 0x6c06, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'Base of FS that a VM exit loads.' },
  'Host GS base': { identifier: 'HOST_GS_BASE', encoding: 0x6c08, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'Base of GS that a VM exit loads.' },
  'Host TR base': { identifier: 'HOST_TR_BASE', encoding: 0x6c0a, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'Base of TR that a VM exit loads.' },
  'Host GDTR base': { identifier: 'HOST_GDTR_BASE', encoding: 0x6c0c, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'Base of GDTR that a VM exit loads.' },
  'Host IDTR base': { identifier: 'HOST_IDTR_BASE', encoding: 0x6c0e, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'Base of IDTR that a VM exit loads.' },
  'Host IA32_SYSENTER_ESP': { identifier: 'HOST_IA32_SYSENTER_ESP', encoding: 0x6c10, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'SYSENTER stack pointer that a VM exit loads.' },
  'Host IA32_SYSENTER_EIP': { identifier: 'HOST_IA32_SYSENTER_EIP', encoding: 0x6c12, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'SYSENTER entry point that a VM exit loads.' },
  'Host RSP': { identifier: 'HOST_RSP', encoding: 0x6c14, width: 'natural', area: 'host', display: 'linear', dirty: 'none', meaning: 'Stack pointer that a VM exit loads.' },
  'Host RIP': { identifier: 'HOST_RIP', encoding: 0x6c16, width: 'natural', area: 'host', display: 'linear', dirty: 'any', meaning: 'Where a VM exit continues: the exit handler.' },
  'Host IA32_S_CET': { identifier: 'HOST_IA32_S_CET', encoding: 0x6c18, width: 'natural', area: 'host', display: 'bits', bits: 's-cet', requires: ['exit: load CET state'], dirty: 'any', aliases: ['HOST_S_CET'], meaning: 'Supervisor control-flow enforcement that a VM exit loads.' },
  'Host SSP': { identifier: 'HOST_SSP', encoding: 0x6c1a, width: 'natural', area: 'host', display: 'linear', requires: ['exit: load CET state'], dirty: 'any', meaning: 'Shadow-stack pointer that a VM exit loads.' },
  'Host IA32_INTERRUPT_SSP_TABLE_ADDR': { identifier: 'HOST_IA32_INTERRUPT_SSP_TABLE_ADDR', encoding: 0x6c1c, width: 'natural', area: 'host', display: 'linear', requires: ['exit: load CET state'], dirty: 'any', aliases: ['HOST_INTR_SSP_TABLE'], meaning: 'Table of interrupt shadow stacks that a VM exit loads.' },
} as const satisfies Record<string, VmcsField>;

export type VmcsFieldName = keyof typeof VMCS_FIELDS;

export interface NamedVmcsField extends VmcsField {
  readonly name: VmcsFieldName;
}

/** All fields with their names, in table order. */
export const VMCS_FIELD_LIST: readonly NamedVmcsField[] = Object.entries<VmcsField>(VMCS_FIELDS).map(
  ([name, field]) => ({ name: name as VmcsFieldName, ...field }),
);

const BY_ENCODING = new Map(VMCS_FIELD_LIST.map((field) => [field.encoding, field]));
const BY_NAME = new Map<string, NamedVmcsField>();
for (const field of VMCS_FIELD_LIST) {
  for (const name of [field.name, field.identifier, ...(field.aliases ?? [])]) {
    BY_NAME.set(name.toLowerCase(), field);
  }
}

/** The field of a full-access or high-access encoding, or undefined. */
export function vmcsFieldByEncoding(encoding: number): NamedVmcsField | undefined {
  const field = BY_ENCODING.get(encoding & ~1);
  return field !== undefined && ((encoding & 1) === 0 || field.width === 64) ? field : undefined;
}

/** The field by SDM name, identifier or alias, in any case, or undefined. */
export function vmcsFieldByName(name: string): NamedVmcsField | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Encoding of the field with this SDM name. */
export function vmcsEncoding(name: VmcsFieldName): number {
  return VMCS_FIELDS[name].encoding;
}
