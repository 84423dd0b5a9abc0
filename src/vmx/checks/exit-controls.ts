// SDM "Checks on VMX Controls", "VM-Exit Control Fields".

import { reservedControls } from './reserved-controls.ts';
import { msrArea, mustBe } from './rules.ts';
import { control, not } from './state.ts';
import type { SectionCheck } from './types.ts';

export const EXIT_CONTROL_CHECKS: readonly SectionCheck[] = [
  reservedControls('exit-reserved', 'exit'),
  reservedControls('secondary-exit-reserved', 'secondary exit'),
  mustBe(
    'preemption-timer-save',
    'Primary VM-exit controls',
    0,
    control('exit', 'save VMX-preemption timer value'),
    'save VMX-preemption timer value',
    'If “activate VMX-preemption timer” is 0, ',
    not(control('pin', 'activate VMX-preemption timer')),
  ),
  ...msrArea('msr-store', 'VM-exit MSR-store address', 'VM-exit MSR-store count'),
  ...msrArea('msr-load', 'VM-exit MSR-load address', 'VM-exit MSR-load count'),
];
