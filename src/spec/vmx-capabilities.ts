// Layouts of the VMX capability MSRs (SDM "VMX Capability Reporting Facility").

import { type BitLayout, bit, group } from './bits.ts';

/** IA32_VMX_BASIC. */
export const VMX_BASIC: BitLayout = [
  group(30, 0, 'revision', 'VMCS revision identifier.'),
  group(44, 32, 'region size', 'Bytes of a VMXON or VMCS region.'),
  bit(48, '32-bit addresses', 'Addresses of VMX structures are limited to 32 bits.'),
  bit(49, 'dual monitor', 'Dual-monitor treatment of SMIs and SMM.'),
  group(53, 50, 'memory type', 'Memory type of VMX structures.', { 0: 'UC', 6: 'WB' }),
  bit(54, 'INS/OUTS information', 'VM exits due to INS and OUTS report instruction information.'),
  bit(55, 'TRUE controls', 'Default-1 controls may be 0: the TRUE capability MSRs exist.'),
  bit(56, 'any error code', 'Hardware exceptions may be injected with or without error code.'),
  bit(58, 'nested exception', 'The nested-exception bits exist (FRED).'),
];

/** IA32_VMX_MISC. */
export const VMX_MISC: BitLayout = [
  group(4, 0, 'timer rate', 'The preemption timer counts when this bit of the TSC changes.'),
  bit(5, 'LMA stored', 'VM exits store IA32_EFER.LMA into the “IA-32e mode guest” control.'),
  bit(6, 'HLT', 'Activity state HLT is supported.'),
  bit(7, 'shutdown', 'Activity state shutdown is supported.'),
  bit(8, 'wait-for-SIPI', 'Activity state wait-for-SIPI is supported.'),
  bit(14, 'PT in VMX', 'Processor Trace can be used in VMX operation.'),
  bit(15, 'SMBASE', 'RDMSR can read IA32_SMBASE in SMM.'),
  group(24, 16, 'CR3 targets', 'Number of CR3-target values.'),
  group(27, 25, 'MSR list', 'Recommended limit of MSRs in each list: 512 × (N + 1).'),
  bit(28, 'block SMI', 'IA32_SMM_MONITOR_CTL[2] can be 1.'),
  bit(29, 'write all fields', 'VMWRITE can write VM-exit information fields.'),
  bit(30, 'length 0', 'Software events may be injected with instruction length 0.'),
  group(63, 32, 'MSEG revision', 'MSEG revision identifier.'),
];

/** IA32_VMX_VMCS_ENUM. */
export const VMX_VMCS_ENUM: BitLayout = [group(9, 1, 'highest index', 'Highest index value of any VMCS encoding.')];

/** IA32_VMX_EPT_VPID_CAP. */
export const VMX_EPT_VPID_CAP: BitLayout = [
  bit(0, 'execute-only', 'EPT entries may allow execution without reading.'),
  bit(6, 'walk length 4', 'Page-walk length of 4.'),
  bit(7, 'walk length 5', 'Page-walk length of 5.'),
  bit(8, 'UC structures', 'EPT paging structures may be uncacheable.'),
  bit(14, 'WB structures', 'EPT paging structures may be write-back.'),
  bit(16, '2-MByte pages', 'EPT entries may map 2-MByte pages.'),
  bit(17, '1-GByte pages', 'EPT entries may map 1-GByte pages.'),
  bit(20, 'INVEPT', 'INVEPT is supported.'),
  bit(21, 'accessed and dirty flags', 'EPT accessed and dirty flags.'),
  bit(22, 'advanced information', 'Advanced VM-exit information for EPT violations.'),
  bit(23, 'supervisor shadow stack', 'Supervisor shadow-stack control.'),
  bit(25, 'INVEPT single-context', 'INVEPT type 1.'),
  bit(26, 'INVEPT all-context', 'INVEPT type 2.'),
  bit(32, 'INVVPID', 'INVVPID is supported.'),
  bit(40, 'INVVPID individual-address', 'INVVPID type 0.'),
  bit(41, 'INVVPID single-context', 'INVVPID type 1.'),
  bit(42, 'INVVPID all-context', 'INVVPID type 2.'),
  bit(43, 'INVVPID retaining globals', 'INVVPID type 3.'),
  group(53, 48, 'HLAT prefix size', 'Largest HLAT prefix.'),
];
