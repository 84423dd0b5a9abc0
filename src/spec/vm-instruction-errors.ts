// VM-instruction error numbers (SDM "VM Instruction Error Numbers"). The numbers that are missing are not used.

export interface VmInstructionError {
  readonly number: number;
  readonly text: string;
  /** What usually leads to it, for a person. */
  readonly hint: string;
}

// biome-ignore format: one row an error
export const VM_INSTRUCTION_ERRORS = {
  VMCALL_IN_ROOT: { number: 1, text: 'VMCALL executed in VMX root operation', hint: 'VMCALL calls the hypervisor from a guest; the hypervisor itself executed it.' },
  VMCLEAR_ADDRESS: { number: 2, text: 'VMCLEAR with invalid physical address', hint: 'The address is not 4-KByte aligned or exceeds the physical-address width.' },
  VMCLEAR_VMXON: { number: 3, text: 'VMCLEAR with VMXON pointer', hint: 'The VMXON region is not a VMCS: use another page.' },
  VMLAUNCH_NOT_CLEAR: { number: 4, text: 'VMLAUNCH with non-clear VMCS', hint: 'The VMCS is already launched: use VMRESUME, or VMCLEAR first.' },
  VMRESUME_NOT_LAUNCHED: { number: 5, text: 'VMRESUME with non-launched VMCS', hint: 'The first entry after VMCLEAR must be VMLAUNCH.' },
  VMRESUME_AFTER_VMXOFF: { number: 6, text: 'VMRESUME after VMXOFF (VMXOFF and VMXON between VMLAUNCH and VMRESUME)', hint: 'VMCLEAR, VMPTRLD and VMLAUNCH again after VMXON.' },
  ENTRY_CONTROLS: { number: 7, text: 'VM entry with invalid control field(s)', hint: 'A VM-execution, VM-exit or VM-entry control field breaks a rule.' },
  ENTRY_HOST_STATE: { number: 8, text: 'VM entry with invalid host-state field(s)', hint: 'A field of the host-state area breaks a rule.' },
  VMPTRLD_ADDRESS: { number: 9, text: 'VMPTRLD with invalid physical address', hint: 'The address is not 4-KByte aligned or exceeds the physical-address width.' },
  VMPTRLD_VMXON: { number: 10, text: 'VMPTRLD with VMXON pointer', hint: 'The VMXON region is not a VMCS: use another page.' },
  VMPTRLD_REVISION: { number: 11, text: 'VMPTRLD with incorrect VMCS revision identifier', hint: 'Write IA32_VMX_BASIC[30:0] into the first 4 bytes of the VMCS region.' },
  UNSUPPORTED_FIELD: { number: 12, text: 'VMREAD/VMWRITE from/to unsupported VMCS component', hint: 'The encoding names no field of this processor.' },
  READ_ONLY_FIELD: { number: 13, text: 'VMWRITE to read-only VMCS component', hint: 'VM-exit information fields cannot be written on this processor.' },
  VMXON_IN_ROOT: { number: 15, text: 'VMXON executed in VMX root operation', hint: 'The processor is already in VMX operation.' },
  EXECUTIVE_POINTER: { number: 16, text: 'VM entry with invalid executive-VMCS pointer', hint: 'Only with the dual-monitor treatment of SMM.' },
  EXECUTIVE_NOT_LAUNCHED: { number: 17, text: 'VM entry with non-launched executive VMCS', hint: 'Only with the dual-monitor treatment of SMM.' },
  EXECUTIVE_NOT_VMXON: { number: 18, text: 'VM entry with executive-VMCS pointer not VMXON pointer (when attempting to deactivate the dual-monitor treatment of SMIs and SMM)', hint: 'Only with the dual-monitor treatment of SMM.' },
  VMCALL_NOT_CLEAR: { number: 19, text: 'VMCALL with non-clear VMCS (when attempting to activate the dual-monitor treatment of SMIs and SMM)', hint: 'Only with the dual-monitor treatment of SMM.' },
  VMCALL_EXIT_CONTROLS: { number: 20, text: 'VMCALL with invalid VM-exit control fields', hint: 'Only with the dual-monitor treatment of SMM.' },
  VMCALL_MSEG_REVISION: { number: 22, text: 'VMCALL with incorrect MSEG revision identifier (when attempting to activate the dual-monitor treatment of SMIs and SMM)', hint: 'Only with the dual-monitor treatment of SMM.' },
  VMXOFF_DUAL_MONITOR: { number: 23, text: 'VMXOFF under dual-monitor treatment of SMIs and SMM', hint: 'Only with the dual-monitor treatment of SMM.' },
  VMCALL_SMM_FEATURES: { number: 24, text: 'VMCALL with invalid SMM-monitor features (when attempting to activate the dual-monitor treatment of SMIs and SMM)', hint: 'Only with the dual-monitor treatment of SMM.' },
  EXECUTIVE_CONTROLS: { number: 25, text: 'VM entry with invalid VM-execution control fields in executive VMCS (when attempting to return from SMM)', hint: 'Only with the dual-monitor treatment of SMM.' },
  BLOCKED_BY_MOV_SS: { number: 26, text: 'VM entry with events blocked by MOV SS', hint: 'VMLAUNCH or VMRESUME directly after MOV SS or POP SS: put an instruction between.' },
  INVEPT_INVVPID_OPERAND: { number: 28, text: 'Invalid operand to INVEPT/INVVPID', hint: 'The type is not supported, or the descriptor has reserved bits or a non-canonical address.' },
} as const satisfies Record<string, VmInstructionError>;

const BY_NUMBER = new Map<number, VmInstructionError>(
  Object.values(VM_INSTRUCTION_ERRORS).map((row) => [row.number, row]),
);

/** The row of an error number, or undefined for numbers that are not used. */
export function vmInstructionError(number: number): VmInstructionError | undefined {
  return BY_NUMBER.get(number);
}
