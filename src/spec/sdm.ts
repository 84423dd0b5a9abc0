// Citations: keys for section titles of the Intel SDM (volumes 3A to 3D), edition 325384-092US of June 2026. Titles, not
// numbers: numbers move between editions.

export const SDM_EDITION = 'Intel 64 and IA-32 Architectures Software Developer’s Manual, 325384-092US (June 2026)';

export const SDM = {
  basicEntryChecks: 'Basic VM-Entry Checks',
  vmxControls: 'Checks on VMX Controls',
  executionControls: 'VM-Execution Control Fields',
  exitControls: 'VM-Exit Control Fields',
  entryControls: 'VM-Entry Control Fields',
  hostRegisters: 'Checks on Host Control Registers, MSRs, and SSP',
  hostSegments: 'Checks on Host Segment and Descriptor-Table Registers',
  addressSpace: 'Checks Related to Address-Space Size',
  guestState: 'Checks on the Guest State Area',
  guestRegisters: 'Checks on Guest Control Registers, Debug Registers, and MSRs',
  guestSegments: 'Checks on Guest Segment Registers',
  guestTables: 'Checks on Guest Descriptor-Table Registers',
  guestRip: 'Checks on Guest RIP, RFLAGS, and SSP',
  guestNonRegister: 'Checks on Guest Non-Register State',
  guestPdptes: 'Checks on Guest Page-Directory-Pointer-Table Entries',
  loadingMsrs: 'Loading MSRs',
  entryFailures: 'VM-Entry Failures During or After Loading Guest State',
  eventInjection: 'VM-Entry Controls for Event Injection',
  exitInformation: 'Basic VM-Exit Information',
  instructionErrors: 'VM Instruction Error Numbers',
  exitReasons: 'VMX Basic Exit Reasons',
  fieldEncoding: 'Field Encoding in VMCS',
  capabilities: 'VMX Capability Reporting Facility',
  paging32: '32-Bit Paging',
  pagingPae: 'PAE Paging',
  paging4: '4-Level Paging and 5-Level Paging',
  accessRights: 'Access Rights',
  ept: 'EPT Translation Mechanism',
  eptMisconfigurations: 'EPT Misconfigurations',
  eptViolations: 'EPT Violations',
} as const;

export type SdmKey = keyof typeof SDM;
