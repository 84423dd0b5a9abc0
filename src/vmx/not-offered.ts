// What the machine does not offer of the manual's VMX chapters, and why. Its capability MSRs and CPUID report it as absent, so a
// correct hypervisor never meets it. A test holds that every control, exit reason and field is either offered or here.

import type { ExitReasonName } from '../spec/exit-reasons.ts';
import type { NamedVmcsField } from '../spec/vmcs-fields.ts';

export interface Omission {
  readonly reason: string;
  /** `word: name`, as in the tables of controls; fields follow from them. */
  readonly controls?: readonly string[];
  readonly exits?: readonly ExitReasonName[];
  /** Bits of IA32_VMX_BASIC, IA32_VMX_MISC and IA32_VMX_EPT_VPID_CAP, as `basic: name`, `misc: name`, `ept: name`. */
  readonly capabilities?: readonly string[];
  /** Fields that no control decides about: `cpuid: feature`. */
  readonly features?: readonly string[];
}

export const NOT_OFFERED: readonly Omission[] = [
  {
    reason:
      'System-management mode is firmware’s: the machine has no SMM firmware, no SMI arrives, and so there is neither the dual-monitor treatment nor an entry to SMM. RSM is #UD outside SMM.',
    controls: ['entry: entry to SMM', 'entry: deactivate dual-monitor treatment'],
    exits: ['IO_SMI', 'OTHER_SMI', 'RSM'],
    capabilities: ['basic: dual monitor', 'misc: SMBASE', 'misc: block SMI'],
  },
  {
    reason:
      'Safer mode extensions need an authenticated code module: CPUID reports no SMX, CR4.SMXE is reserved, GETSEC is #UD.',
    exits: ['GETSEC'],
  },
  {
    reason: 'No machine check ever happens on a simulated processor, so no VM entry meets one.',
    exits: ['MACHINE_CHECK'],
  },
  {
    reason:
      'CPUID reports no XSAVES and no supervisor state component: IA32_XSS does not exist, and XSAVES and XRSTORS are #UD.',
    controls: ['secondary: enable XSAVES/XRSTORS'],
    exits: ['XSAVES', 'XRSTORS'],
  },
  {
    reason:
      'MPX left Intel processors before the recent server: CPUID does not report it and IA32_BNDCFGS does not exist.',
    controls: ['exit: clear IA32_BNDCFGS', 'entry: load IA32_BNDCFGS'],
  },
  {
    reason:
      'CPUID reports no control-flow enforcement: CR4.CET is reserved, the CET MSRs do not exist, and EPT has no supervisor shadow-stack bits.',
    controls: ['exit: load CET state', 'entry: load CET state', 'secondary exit: prematurely busy shadow stack'],
    capabilities: ['ept: supervisor shadow stack'],
    features: ['CET'],
  },
  {
    reason: 'CPUID reports no FRED: events are delivered through the IDT.',
    controls: ['entry: load FRED', 'secondary exit: save FRED', 'secondary exit: load FRED'],
    capabilities: ['basic: nested exception'],
    features: ['FRED'],
  },
  {
    reason: 'CPUID reports no SGX: there are no enclaves, and ENCLS, ENCLU and ENCLV are #UD.',
    controls: ['secondary: enable ENCLS exiting', 'secondary: enable ENCLV exiting'],
    exits: ['ENCLS', 'ENCLV'],
    features: ['SGX'],
  },
  {
    reason:
      'There is no Processor Trace, no last-branch records and no performance-event sampling to load, clear or redirect. (“Conceal VMX from PT” is offered: it has no effect then.)',
    controls: [
      'secondary: Intel PT uses guest physical addresses',
      'exit: clear IA32_RTIT_CTL',
      'entry: load IA32_RTIT_CTL',
      'exit: clear IA32_LBR_CTL',
      'entry: load guest IA32_LBR_CTL',
      'tertiary: PEBS uses guest physical addresses',
    ],
    capabilities: ['misc: PT in VMX'],
  },
  {
    reason: 'CPUID reports no user interrupts: IA32_UINTR_MISC does not exist.',
    controls: ['exit: clear UINV', 'entry: load UINV'],
  },
  {
    reason: 'CPUID reports no key locker and no memory encryption: LOADIWKEY, PCONFIG and PBNDKB are #UD.',
    controls: ['tertiary: LOADIWKEY exiting', 'secondary: enable PCONFIG', 'tertiary: enable PBNDKB'],
    exits: ['LOADIWKEY', 'PCONFIG'],
  },
  {
    reason: 'CPUID reports no ENQCMD: there is no device that takes work by PASID.',
    controls: ['secondary: PASID translation'],
    exits: ['ENQCMD', 'ENQCMDS'],
  },
  {
    reason:
      'Sub-page write permissions were on few processors and were withdrawn from later ones; EPT write permission is for whole pages.',
    controls: ['secondary: sub-page write permissions for EPT'],
    exits: ['SPP_EVENT'],
  },
  {
    reason:
      'Hypervisor-managed linear-address translation and what belongs to it (paging-write control, guest-paging verification) came with processors after the recent server.',
    controls: ['tertiary: enable HLAT', 'tertiary: EPT paging-write control', 'tertiary: guest-paging verification'],
  },
  {
    reason:
      'There is one memory without caches or bus: no access locks a bus, and every instruction of this machine ends, so neither condition could ever exit.',
    controls: ['secondary: VMM bus-lock detection', 'secondary: instruction timeout'],
    exits: ['BUS_LOCK', 'INSTRUCTION_TIMEOUT'],
  },
  {
    reason: 'SEAM belongs to trust domains, which need Intel’s own signed module.',
    controls: ['tertiary: SEAM guest-physical address width', 'entry: allow SEAM-guest telemetry'],
    exits: ['SEAMCALL', 'TDCALL'],
  },
  {
    reason:
      'The newer forms of RDMSR and WRMSR (lists, immediates, user mode) and APIC-timer virtualization came with processors after the recent server; CPUID does not report them.',
    controls: ['tertiary: enable MSR-list instructions', 'tertiary: APIC-timer virtualization'],
    exits: ['RDMSRLIST', 'WRMSRLIST', 'URDMSR', 'UWRMSR', 'RDMSR_IMMEDIATE', 'WRMSRNS_IMMEDIATE'],
    capabilities: ['basic: any error code'],
  },
  {
    reason: 'A processor with Intel 64 never limits the addresses of VMX structures to 32 bits.',
    capabilities: ['basic: 32-bit addresses'],
  },
];

/** Why a control (`word: name`) is not offered, or undefined. */
export function controlOmission(control: string): string | undefined {
  return NOT_OFFERED.find(({ controls }) => controls?.includes(control))?.reason;
}

export function exitOmission(exit: ExitReasonName): string | undefined {
  return NOT_OFFERED.find(({ exits }) => exits?.includes(exit))?.reason;
}

/** Why a field does not exist: each control that it would come with is not offered. */
export function fieldOmission(field: NamedVmcsField): string | undefined {
  const [first] = field.requires ?? [];
  if (first === undefined) return undefined;
  const feature = first.startsWith('cpuid: ') ? first.slice('cpuid: '.length) : undefined;
  if (feature === undefined) return controlOmission(first);
  return NOT_OFFERED.find(({ features }) => features?.includes(feature))?.reason;
}
