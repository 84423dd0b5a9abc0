// Edges of what is allowed, for the checks whose neighbours do not have one by chance: each VMCS enters on a processor that offers
// everything.

import type { VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import type { Edge } from './cases-controls.ts';
import type { Edit } from './fixture.ts';

const LAST_PAGE = (1n << 39n) - 0x1000n;
/** The lowest address of the upper half with 57-bit linear addresses, and the highest of the lower half. */
const UPPER_57 = 0xff00_0000_0000_0000n;
const LOWER_57 = 0x00ff_ffff_ffff_ffffn;
const UPPER_48 = 0xffff_8000_0000_0000n;
const INFO = 'VM-entry interruption-information field';
const STATE = 'Guest interruptibility state';
const ACTIVITY = 'Guest activity state';

const EPT: Edit = { on: { secondary: ['enable EPT'] }, set: { 'EPT pointer (EPTP)': 0x1000_001en } };
const APIC = { 'Virtual-APIC address': LAST_PAGE } as const;
const unrestricted: Edit = { on: { secondary: ['enable EPT', 'unrestricted guest'] }, set: EPT.set ?? {} };

/** An edit with EPT and more. */
function withEpt(edit: Edit): Edit {
  return {
    ...edit,
    on: { ...edit.on, secondary: ['enable EPT', ...(edit.on?.secondary ?? [])] },
    set: { ...EPT.set, ...edit.set },
  };
}

function fredEdges(side: 'Guest' | 'Host', on: Edit): Edge[] {
  const levels = ([1, 2, 3] as const).flatMap((level): Edge[] => {
    const rsp: VmcsFieldName = `${side} IA32_FRED_RSP${level}`;
    const ssp: VmcsFieldName = `${side} IA32_FRED_SSP${level}`;
    return [
      {
        about: `${side} FRED stack level ${level} at the lowest upper address`,
        ...on,
        set: { [rsp]: UPPER_57, [ssp]: UPPER_57 },
      },
      {
        about: `${side} FRED stack level ${level} at the highest lower address`,
        ...on,
        set: { [rsp]: LOWER_57 & ~0x3fn, [ssp]: LOWER_57 & ~7n },
      },
    ];
  });
  return [
    {
      about: `${side} IA32_FRED_CONFIG of the upper half`,
      ...on,
      set: { [`${side} IA32_FRED_CONFIG`]: UPPER_57 | 0x6c1n },
    },
    ...levels,
  ];
}

const CONTROL_MORE: readonly Edge[] = [
  {
    about: 'an APIC-access page at the top of the address space',
    on: { secondary: ['virtualize APIC accesses'] },
    set: { 'APIC-access address': LAST_PAGE },
  },
  {
    about: 'x2APIC mode virtualized without APIC accesses',
    on: { primary: ['use TPR shadow'], secondary: ['virtualize x2APIC mode'] },
    set: APIC,
  },
  {
    about: 'a page-modification log at the top',
    ...withEpt({ on: { secondary: ['enable PML'] }, set: { 'PML address': LAST_PAGE } }),
  },
  {
    about: 'a sub-page-permission table at the top',
    ...withEpt({
      on: { secondary: ['sub-page write permissions for EPT'] },
      set: { 'Sub-page-permission-table pointer': LAST_PAGE },
    }),
  },
  {
    about: 'an EPTP list at the top',
    ...withEpt({ on: { vmfunc: ['EPTP switching'] }, set: { 'EPTP-list address': LAST_PAGE } }),
  },
  {
    about: 'a virtualization-exception information area at the top',
    on: { secondary: ['EPT-violation #VE'] },
    set: { 'Virtualization-exception information address': LAST_PAGE },
  },
  {
    about: 'PASID directories at the top',
    on: { secondary: ['PASID translation'] },
    set: { 'Low PASID directory address': LAST_PAGE, 'High PASID directory address': LAST_PAGE },
  },
  {
    about: 'a PID-pointer table whose last entry is the last of the address space',
    on: { primary: ['use TPR shadow'], tertiary: ['IPI virtualization'] },
    set: { ...APIC, 'PID-pointer table address': (1n << 39n) - 0x10n, 'Last PID-pointer index': 1n },
  },
  {
    about: 'no EPT accessed and dirty flags where the processor lacks them',
    ...EPT,
    profile: { eptVpid: ['walk length 4', 'WB structures'] },
  },
  {
    about: 'mode-based execute control with EPT',
    ...withEpt({ on: { secondary: ['mode-based execute control for EPT'] } }),
  },
  {
    about: 'Processor Trace by guest-physical addresses, loaded and cleared',
    ...withEpt({
      on: {
        secondary: ['Intel PT uses guest physical addresses'],
        entry: ['load IA32_RTIT_CTL'],
        exit: ['clear IA32_RTIT_CTL'],
      },
    }),
  },
  {
    about: 'PEBS by guest-physical addresses',
    ...withEpt({ on: { tertiary: ['PEBS uses guest physical addresses'] } }),
  },
  { about: 'EPT paging-write control', ...withEpt({ on: { tertiary: ['EPT paging-write control'] } }) },
  { about: 'guest-paging verification', ...withEpt({ on: { tertiary: ['guest-paging verification'] } }) },
  {
    about: 'a virtual timer of vector 255',
    on: {
      pin: ['external-interrupt exiting'],
      primary: ['use TPR shadow'],
      secondary: ['virtual-interrupt delivery'],
      tertiary: ['APIC-timer virtualization'],
    },
    set: { ...APIC, 'Virtual timer vector': 255n },
  },
  {
    about: 'every secondary VM-exit control',
    on: { 'secondary exit': ['load IA32_SPEC_CTRL', 'prematurely busy shadow stack'] },
    set: { 'Host IA32_SPEC_CTRL': 7n },
  },
];

const cetHost: Edit = { on: { exit: ['load CET state'] } };
const cetGuest: Edit = { on: { entry: ['load CET state'] } };
const short: Edit = {
  off: { exit: ['host address-space size'], entry: ['IA-32e mode guest'] },
  set: { 'Guest CS access rights': 0xc09bn },
  env: { longMode: false },
};

const HOST_MORE: readonly Edge[] = [
  {
    about: 'every counter of Host IA32_PERF_GLOBAL_CTRL',
    on: { exit: ['load IA32_PERF_GLOBAL_CTRL'] },
    set: { 'Host IA32_PERF_GLOBAL_CTRL': 0x7_0000_000fn },
  },
  {
    about: 'host CET state: SUPPRESS without TRACKER, upper half',
    ...cetHost,
    set: {
      'Host IA32_S_CET': UPPER_48 | (0x43fn & ~0x40n),
      'Host SSP': UPPER_48,
      'Host IA32_INTERRUPT_SSP_TABLE_ADDR': UPPER_57,
    },
  },
  {
    about: 'host CET state: TRACKER without SUPPRESS, lower half',
    ...cetHost,
    set: {
      'Host IA32_S_CET': 0x7fff_ffff_f800n,
      'Host SSP': 0x7fff_ffff_fffcn,
      'Host IA32_INTERRUPT_SSP_TABLE_ADDR': LOWER_57,
    },
  },
  {
    about: 'CET state of a 32-bit host at the top of its space',
    ...short,
    on: cetHost.on ?? {},
    set: { ...short.set, 'Host IA32_S_CET': 0xffff_f000n, 'Host SSP': 0xffff_fffcn },
  },
  { about: 'every key of Host IA32_PKRS', on: { exit: ['load PKRS'] }, set: { 'Host IA32_PKRS': 0xffff_ffffn } },
  ...fredEdges('Host', { on: { 'secondary exit': ['load FRED'] } }),
];

const GUEST_MORE: readonly Edge[] = [
  { about: 'guest CET with write protection', set: { 'Guest CR4': 0x80_2020n, 'Guest CR0': 0x8001_0031n } },
  {
    about: 'every bit of Guest IA32_DEBUGCTL and DR7',
    on: { entry: ['load debug controls'] },
    set: { 'Guest IA32_DEBUGCTL': 0xffc7n, 'Guest DR7': 0xffff_ffffn },
  },
  {
    about: 'guest CET state: SUPPRESS without TRACKER, upper half',
    ...cetGuest,
    set: {
      'Guest IA32_S_CET': UPPER_48 | (0x43fn & ~0x40n),
      'Guest SSP': UPPER_48,
      'Guest IA32_INTERRUPT_SSP_TABLE_ADDR': UPPER_57,
    },
  },
  {
    about: 'guest CET state: TRACKER without SUPPRESS, lower half',
    ...cetGuest,
    set: {
      'Guest IA32_S_CET': 0x7fff_ffff_f800n,
      'Guest SSP': 0x7fff_ffff_fffcn,
      'Guest IA32_INTERRUPT_SSP_TABLE_ADDR': LOWER_57,
    },
  },
  {
    about: 'every counter of Guest IA32_PERF_GLOBAL_CTRL',
    on: { entry: ['load IA32_PERF_GLOBAL_CTRL'] },
    set: { 'Guest IA32_PERF_GLOBAL_CTRL': 0x7_0000_000fn },
  },
  {
    about: 'Guest IA32_PAT of every type',
    on: { entry: ['load IA32_PAT'] },
    set: { 'Guest IA32_PAT': 0x0001_0405_0607_0006n },
  },
  {
    about: 'Guest IA32_EFER of a 64-bit guest',
    on: { entry: ['load IA32_EFER'] },
    set: { 'Guest IA32_EFER': 0xd01n },
  },
  {
    about: 'Guest IA32_BNDCFGS of the upper half',
    on: { entry: ['load IA32_BNDCFGS'] },
    set: { 'Guest IA32_BNDCFGS': UPPER_57 | 3n },
  },
  { about: 'Guest IA32_RTIT_CTL off', on: { entry: ['load IA32_RTIT_CTL'] }, set: { 'Guest IA32_RTIT_CTL': 0n } },
  { about: 'Guest IA32_LBR_CTL off', on: { entry: ['load guest IA32_LBR_CTL'] }, set: { 'Guest IA32_LBR_CTL': 0n } },
  { about: 'every key of Guest IA32_PKRS', on: { entry: ['load PKRS'] }, set: { 'Guest IA32_PKRS': 0xffff_ffffn } },
  { about: 'Guest UINV 255', on: { entry: ['load UINV'] }, set: { 'Guest UINV': 0xffn } },
  ...fredEdges('Guest', { on: { entry: ['load FRED'] } }),
  {
    about: 'every bit of Guest IA32_SPEC_CTRL',
    on: { entry: ['load IA32_SPEC_CTRL'] },
    set: { 'Guest IA32_SPEC_CTRL': 7n },
  },
  ...(['DS', 'ES', 'FS', 'GS'] as const).map((name) => ({
    about: `${name} of readable code`,
    set: { [`Guest ${name} access rights`]: 0xc09bn },
  })),
  {
    about: 'CS of data with DPL 0 in an unrestricted guest',
    ...unrestricted,
    set: { ...unrestricted.set, 'Guest CS access rights': 0xc093n },
  },
  { about: 'FRED transitions at CPL 0 of 64-bit code', set: { 'Guest CR4': 0x1_0000_2020n } },
  {
    about: 'FRED transitions at CPL 3 without IOPL',
    set: {
      'Guest CR4': 0x1_0000_2020n,
      'Guest CS selector': 0x0bn,
      'Guest SS selector': 0x13n,
      'Guest SS access rights': 0xc0f3n,
      'Guest CS access rights': 0xa0fbn,
    },
  },
  ...(['CS', 'SS', 'DS', 'ES', 'FS', 'GS'] as const).map((name) => ({
    about: `${name} of less than a page, in bytes`,
    set: { [`Guest ${name} limit`]: 0xf_fffen, [`Guest ${name} access rights`]: name === 'CS' ? 0x209bn : 0x4093n },
  })),
  { about: 'TR of pages', set: { 'Guest TR limit': 0x10_0fffn, 'Guest TR access rights': 0x808bn } },
  { about: 'LDTR in bytes', set: { 'Guest LDTR limit': 0xf_fffen, 'Guest LDTR access rights': 0x82n } },
  { about: 'LDTR of pages', set: { 'Guest LDTR limit': 0x10_0fffn, 'Guest LDTR access rights': 0x8082n } },
  {
    about: 'an NMI injected under virtual NMIs, not blocked',
    on: { pin: ['NMI exiting', 'virtual NMIs'] },
    set: { [INFO]: 0x8000_0202n },
  },
  { about: 'an interruption of an enclave', set: { [STATE]: 0x10n } },
  { about: 'a guest that waits for a SIPI', set: { [ACTIVITY]: 3n } },
];

export const MORE_EDGES: readonly Edge[] = [...CONTROL_MORE, ...HOST_MORE, ...GUEST_MORE];
