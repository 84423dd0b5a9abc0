// SDM "Basic VM-Entry Checks": those that end in VMfailValid. The faults (#UD, #GP) and VMfailInvalid come before and are
// the instruction's own.

import { VM_INSTRUCTION_ERRORS } from '../../spec/vm-instruction-errors.ts';
import type { SectionCheck } from './types.ts';

export const BASIC_CHECKS: readonly SectionCheck[] = [
  {
    id: 'mov-ss',
    outcome: { kind: 'vm-fail-valid', error: VM_INSTRUCTION_ERRORS.BLOCKED_BY_MOV_SS.number },
    fields: [],
    rule: 'VM entry must not directly follow MOV SS or POP SS',
    applies: (v) => v.env.instruction !== undefined,
    holds: (v) => v.env.instruction?.blockedByMovSs !== true,
    fix: 'put another instruction between MOV SS or POP SS and the VM entry',
  },
  {
    id: 'launch-clear',
    outcome: { kind: 'vm-fail-valid', error: VM_INSTRUCTION_ERRORS.VMLAUNCH_NOT_CLEAR.number },
    fields: [],
    rule: 'VMLAUNCH needs a VMCS whose launch state is clear',
    applies: (v) => v.env.instruction?.name === 'VMLAUNCH',
    holds: (v) => v.env.instruction?.launched === false,
    fix: 'use VMRESUME, or VMCLEAR and VMPTRLD the VMCS first',
  },
  {
    id: 'resume-launched',
    outcome: { kind: 'vm-fail-valid', error: VM_INSTRUCTION_ERRORS.VMRESUME_NOT_LAUNCHED.number },
    fields: [],
    rule: 'VMRESUME needs a VMCS whose launch state is launched',
    applies: (v) => v.env.instruction?.name === 'VMRESUME',
    holds: (v) => v.env.instruction?.launched === true,
    fix: 'the first entry after VMCLEAR must be VMLAUNCH',
  },
];
