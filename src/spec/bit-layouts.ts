// The bit layouts by name: what `bits` of a table row refers to.

import { type BitLayout, type DescribedBits, describeBits } from './bits.ts';
import { controlLayout } from './controls.ts';
import { EXCEPTION_BITMAP, PAGE_FAULT_ERROR } from './exceptions.ts';
import {
  ENTRY_INTERRUPTION_INFORMATION,
  EXIT_INTERRUPTION_INFORMATION,
  IDT_VECTORING_INFORMATION,
} from './interruption-info.ts';
import {
  ACCESS_RIGHTS,
  APIC_BASE,
  BNDCFGS,
  CR0,
  CR3,
  CR4,
  CR8,
  DEBUGCTL,
  DR6,
  DR7,
  EFER,
  FEATURE_CONTROL,
  MISC_ENABLE,
  PAT,
  PERF_GLOBAL_CTRL,
  RFLAGS,
  S_CET,
  SELECTOR,
  FCW,
  FSW,
  MXCSR,
  XCR0,
} from './registers.ts';
import {
  ACTIVITY_STATE,
  EPTP,
  EXIT_REASON,
  GUEST_INTERRUPT_STATUS,
  HLATP,
  INTERRUPTIBILITY,
  PDPTE_PAE,
  PENDING_DEBUG_EXCEPTIONS,
} from './vmcs-bits.ts';
import { VMX_BASIC, VMX_EPT_VPID_CAP, VMX_MISC, VMX_VMCS_ENUM } from './vmx-capabilities.ts';

export const BIT_LAYOUTS = {
  'access-rights': ACCESS_RIGHTS,
  'activity-state': ACTIVITY_STATE,
  'apic-base': APIC_BASE,
  bndcfgs: BNDCFGS,
  cr0: CR0,
  cr3: CR3,
  cr4: CR4,
  cr8: CR8,
  debugctl: DEBUGCTL,
  dr6: DR6,
  dr7: DR7,
  efer: EFER,
  'entry-controls': controlLayout('entry'),
  'entry-interruption-information': ENTRY_INTERRUPTION_INFORMATION,
  eptp: EPTP,
  'exception-bitmap': EXCEPTION_BITMAP,
  'exit-controls': controlLayout('exit'),
  'exit-interruption-information': EXIT_INTERRUPTION_INFORMATION,
  'exit-reason': EXIT_REASON,
  'feature-control': FEATURE_CONTROL,
  'guest-interrupt-status': GUEST_INTERRUPT_STATUS,
  hlatp: HLATP,
  'idt-vectoring-information': IDT_VECTORING_INFORMATION,
  interruptibility: INTERRUPTIBILITY,
  'misc-enable': MISC_ENABLE,
  'page-fault-error': PAGE_FAULT_ERROR,
  pat: PAT,
  'pdpte-pae': PDPTE_PAE,
  'pending-debug-exceptions': PENDING_DEBUG_EXCEPTIONS,
  'perf-global-ctrl': PERF_GLOBAL_CTRL,
  'pin-controls': controlLayout('pin'),
  'primary-controls': controlLayout('primary'),
  rflags: RFLAGS,
  's-cet': S_CET,
  'secondary-controls': controlLayout('secondary'),
  'secondary-exit-controls': controlLayout('secondary exit'),
  selector: SELECTOR,
  'tertiary-controls': controlLayout('tertiary'),
  'vm-function-controls': controlLayout('vmfunc'),
  'vmx-basic': VMX_BASIC,
  'vmx-ept-vpid-cap': VMX_EPT_VPID_CAP,
  'vmx-misc': VMX_MISC,
  'vmx-vmcs-enum': VMX_VMCS_ENUM,
  xcr0: XCR0,
} satisfies Record<string, BitLayout>;

export type BitLayoutName = keyof typeof BIT_LAYOUTS;

/** Decodes a value by the layout of this name. */
export function describe(name: BitLayoutName, value: bigint): DescribedBits {
  return describeBits(BIT_LAYOUTS[name], value);
}

/** Layout of a register by its name in lower case (`cr0`, `rflags`, `es`, `es.rights`, `efer`), or undefined. */
export function registerLayout(name: string): BitLayout | undefined {
  if (/^(?:es|cs|ss|ds|fs|gs|ldtr|tr)$/.test(name)) {
    return SELECTOR;
  }
  if (/^(?:es|cs|ss|ds|fs|gs|ldtr|tr)\.rights$/.test(name)) {
    return ACCESS_RIGHTS;
  }
  const registers: Readonly<Record<string, BitLayout>> = {
    cr0: CR0,
    cr3: CR3,
    cr4: CR4,
    cr8: CR8,
    dr6: DR6,
    dr7: DR7,
    efer: EFER,
    rflags: RFLAGS,
    xcr0: XCR0,
    fcw: FCW,
    fsw: FSW,
    mxcsr: MXCSR,
  };
  return registers[name];
}
