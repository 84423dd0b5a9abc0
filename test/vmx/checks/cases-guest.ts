// For each check of the guest state: an edit that breaks just that rule, and edges that pass.

import type { VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import type { Case, Edge } from './cases-controls.ts';
import type { Edit } from './fixture.ts';

const BEYOND = 1n << 39n;
const NOT_CANONICAL = 1n << 57n;
const VALID = 0x8000_0000n;
const INFO = 'VM-entry interruption-information field';

const cet: Edit = { on: { entry: ['load CET state'] } };
const fred: Edit = { on: { entry: ['load FRED'] } };
const efer: Edit = { on: { entry: ['load IA32_EFER'] } };
const unrestricted: Edit = {
  on: { secondary: ['enable EPT', 'unrestricted guest'] },
  set: { 'EPT pointer (EPTP)': 0x1000_001en },
};
/** A 32-bit guest with 32-bit paging. */
const guest32: Edit = {
  off: { entry: ['IA-32e mode guest'] },
  set: { 'Guest CR4': 0x2000n, 'Guest CS access rights': 0xc09bn },
};
const realMode: Edit = {
  on: { ...unrestricted.on },
  off: { entry: ['IA-32e mode guest'] },
  set: {
    ...unrestricted.set,
    'Guest CR0': 0x30n,
    'Guest CR4': 0x2000n,
    'Guest CS access rights': 0x9bn,
    'Guest CS limit': 0xffffn,
  },
};

function fredCases(): Case[] {
  const rows: Case[] = [
    { id: 'guest.fred-config-reserved', ...fred, set: { 'Guest IA32_FRED_CONFIG': 4n } },
    { id: 'guest.fred-config-canonical', ...fred, set: { 'Guest IA32_FRED_CONFIG': NOT_CANONICAL } },
  ];
  for (const level of [1, 2, 3] as const) {
    const rsp: VmcsFieldName = `Guest IA32_FRED_RSP${level}`;
    const ssp: VmcsFieldName = `Guest IA32_FRED_SSP${level}`;
    rows.push(
      { id: `guest.fred-rsp${level}-canonical`, ...fred, set: { [rsp]: NOT_CANONICAL } },
      { id: `guest.fred-rsp${level}-alignment`, ...fred, set: { [rsp]: 1n } },
      { id: `guest.fred-ssp${level}-canonical`, ...fred, set: { [ssp]: NOT_CANONICAL } },
      { id: `guest.fred-ssp${level}-alignment`, ...fred, set: { [ssp]: 4n } },
    );
  }
  return rows;
}

export const GUEST_REGISTER_CASES: readonly Case[] = [
  { id: 'guest.cr0-fixed', set: { 'Guest CR0': 0x8000_0011n } },
  { id: 'guest.cr0-fixed', set: { 'Guest CR0': 0x1_8000_0031n } },
  { id: 'guest.cr0-fixed', ...guest32, set: { ...guest32.set, 'Guest CR0': 0x31n } },
  {
    id: 'guest.paging-protected',
    ...unrestricted,
    set: { ...unrestricted.set, 'Guest CR0': 0x8000_0030n },
  },
  { id: 'guest.cr4-fixed', set: { 'Guest CR4': 0x20n } },
  { id: 'guest.cr4-fixed', set: { 'Guest CR4': 0x8000_2020n } },
  { id: 'guest.cet-write-protect', set: { 'Guest CR4': 0x80_2020n } },
  { id: 'guest.debugctl', on: { entry: ['load debug controls'] }, set: { 'Guest IA32_DEBUGCTL': 0x8n } },
  {
    id: 'guest.long-mode-paging',
    ...unrestricted,
    set: { ...unrestricted.set, 'Guest CR0': 0x31n },
  },
  { id: 'guest.long-mode-pae', set: { 'Guest CR4': 0x2000n } },
  { id: 'guest.pcide', ...guest32, set: { ...guest32.set, 'Guest CR4': 0x2_2000n } },
  {
    id: 'guest.fred',
    ...guest32,
    set: { ...guest32.set, 'Guest CR4': 0x1_0000_2000n },
    also: ['guest-segments.fred-cs-long'],
  },
  { id: 'guest.cr3-width', set: { 'Guest CR3': BEYOND } },
  { id: 'guest.dr7-high', on: { entry: ['load debug controls'] }, set: { 'Guest DR7': 1n << 32n } },
  { id: 'guest.sysenter-esp', set: { 'Guest IA32_SYSENTER_ESP': NOT_CANONICAL } },
  { id: 'guest.sysenter-eip', set: { 'Guest IA32_SYSENTER_EIP': NOT_CANONICAL } },
  { id: 'guest.s-cet-canonical', ...cet, set: { 'Guest IA32_S_CET': NOT_CANONICAL } },
  { id: 'guest.ssp-table', ...cet, set: { 'Guest IA32_INTERRUPT_SSP_TABLE_ADDR': NOT_CANONICAL } },
  {
    id: 'guest.perf-global-ctrl',
    on: { entry: ['load IA32_PERF_GLOBAL_CTRL'] },
    set: { 'Guest IA32_PERF_GLOBAL_CTRL': 1n << 63n },
  },
  { id: 'guest.pat', on: { entry: ['load IA32_PAT'] }, set: { 'Guest IA32_PAT': 0x2n } },
  { id: 'guest.pat', on: { entry: ['load IA32_PAT'] }, set: { 'Guest IA32_PAT': 0x80n << 40n } },
  { id: 'guest.efer-reserved', ...efer, set: { 'Guest IA32_EFER': 0x1500n } },
  { id: 'guest.efer-lma', ...guest32, ...efer, set: { ...guest32.set, 'Guest IA32_EFER': 0x500n } },
  { id: 'guest.efer-lma', ...efer, set: { 'Guest IA32_EFER': 0n } },
  { id: 'guest.efer-lme', ...efer, set: { 'Guest IA32_EFER': 0x400n } },
  {
    id: 'guest.bndcfgs-reserved',
    on: { entry: ['load IA32_BNDCFGS'] },
    set: { 'Guest IA32_BNDCFGS': 4n },
  },
  {
    id: 'guest.bndcfgs-canonical',
    on: { entry: ['load IA32_BNDCFGS'] },
    set: { 'Guest IA32_BNDCFGS': NOT_CANONICAL },
  },
  { id: 'guest.rtit-ctl', on: { entry: ['load IA32_RTIT_CTL'] }, set: { 'Guest IA32_RTIT_CTL': 1n << 63n } },
  { id: 'guest.s-cet-reserved', ...cet, set: { 'Guest IA32_S_CET': 0x40n } },
  { id: 'guest.s-cet-suppress-tracker', ...cet, set: { 'Guest IA32_S_CET': 0xc00n } },
  { id: 'guest.lbr-ctl', on: { entry: ['load guest IA32_LBR_CTL'] }, set: { 'Guest IA32_LBR_CTL': 1n << 63n } },
  { id: 'guest.pkrs-high', on: { entry: ['load PKRS'] }, set: { 'Guest IA32_PKRS': 1n << 32n } },
  { id: 'guest.uinv-high', on: { entry: ['load UINV'] }, set: { 'Guest UINV': 0x100n } },
  ...fredCases(),
  { id: 'guest.spec-ctrl', on: { entry: ['load IA32_SPEC_CTRL'] }, set: { 'Guest IA32_SPEC_CTRL': 8n } },
];

/** A virtual-8086 guest: a 32-bit guest with RFLAGS.VM. */
const ALL = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS'] as const;
const virtual8086: Edit = {
  off: { entry: ['IA-32e mode guest'] },
  set: {
    'Guest CR4': 0x2000n,
    'Guest RFLAGS': 0x2_0002n,
    ...Object.fromEntries(
      ALL.flatMap((name) => [
        [`Guest ${name} selector`, 0x1000n],
        [`Guest ${name} base`, 0x1_0000n],
        [`Guest ${name} limit`, 0xffffn],
        [`Guest ${name} access rights`, 0xf3n],
      ]),
    ),
  },
};
const FRED_CR4 = 0x1_0000_2020n;

function segmentCases(name: (typeof ALL)[number]): Case[] {
  const id = `guest-segments.${name.toLowerCase()}`;
  const rights: VmcsFieldName = `Guest ${name} access rights`;
  const limit: VmcsFieldName = `Guest ${name} limit`;
  const valid = name === 'CS' ? 0xa09bn : 0xc093n;
  return [
    { id: `${id}-v86-base`, ...virtual8086, set: { ...virtual8086.set, [`Guest ${name} base`]: 0x1_0010n } },
    { id: `${id}-v86-limit`, ...virtual8086, set: { ...virtual8086.set, [limit]: 0xf_ffffn } },
    { id: `${id}-v86-rights`, ...virtual8086, set: { ...virtual8086.set, [rights]: 0x93n } },
    { id: `${id}-s`, set: { [rights]: valid & ~0x10n } },
    { id: `${id}-present`, set: { [rights]: valid & ~0x80n } },
    { id: `${id}-reserved`, set: { [rights]: valid | 0x100n } },
    { id: `${id}-reserved`, set: { [rights]: valid | (1n << 31n) } },
    { id: `${id}-granularity-bytes`, set: { [limit]: 0xffff_fffen } },
    { id: `${id}-granularity-pages`, set: { [rights]: valid & ~0x8000n } },
  ];
}

export const GUEST_SEGMENT_CASES: readonly Case[] = [
  {
    id: 'guest-segments.ss-rpl-cs',
    set: { 'Guest SS selector': 0x11n, 'Guest SS access rights': 0xc0b3n, 'Guest CS access rights': 0xa0bbn },
  },
  ...ALL.flatMap(segmentCases),
  { id: 'guest-segments.fs-base', set: { 'Guest FS base': NOT_CANONICAL } },
  { id: 'guest-segments.gs-base', set: { 'Guest GS base': NOT_CANONICAL } },
  { id: 'guest-segments.cs-base-high', set: { 'Guest CS base': 1n << 32n } },
  ...(['SS', 'DS', 'ES'] as const).map((name) => ({
    id: `guest-segments.${name.toLowerCase()}-base-high`,
    set: { [`Guest ${name} base`]: 1n << 32n },
  })),
  { id: 'guest-segments.cs-type', set: { 'Guest CS access rights': 0xa09an } },
  { id: 'guest-segments.cs-type', set: { 'Guest CS access rights': 0xa093n } },
  { id: 'guest-segments.ss-type', set: { 'Guest SS access rights': 0xc09bn } },
  { id: 'guest-segments.ss-type', set: { 'Guest SS access rights': 0xc092n } },
  ...(['DS', 'ES', 'FS', 'GS'] as const).flatMap((name): Case[] => {
    const id = `guest-segments.${name.toLowerCase()}`;
    const rights: VmcsFieldName = `Guest ${name} access rights`;
    return [
      { id: `${id}-type-accessed`, set: { [rights]: 0xc092n } },
      { id: `${id}-type-readable`, set: { [rights]: 0xc099n } },
      { id: `${id}-dpl`, set: { [`Guest ${name} selector`]: 0x13n } },
    ];
  }),
  {
    id: 'guest-segments.cs-dpl-data',
    ...unrestricted,
    set: { ...unrestricted.set, 'Guest CS access rights': 0xc0b3n },
  },
  { id: 'guest-segments.cs-dpl-nonconforming', set: { 'Guest CS access rights': 0xa0fbn } },
  { id: 'guest-segments.cs-dpl-conforming', set: { 'Guest CS access rights': 0xa0ffn } },
  {
    id: 'guest-segments.ss-dpl-rpl',
    set: { 'Guest SS access rights': 0xc0f3n, 'Guest CS access rights': 0xa0fbn },
  },
  {
    id: 'guest-segments.ss-dpl-zero',
    ...realMode,
    set: { ...realMode.set, 'Guest SS access rights': 0xc0f3n, 'Guest CS access rights': 0xfbn },
  },
  {
    id: 'guest-segments.ss-dpl-zero',
    ...unrestricted,
    set: { ...unrestricted.set, 'Guest SS access rights': 0xc0f3n, 'Guest CS access rights': 0xc093n },
  },
  {
    id: 'guest-segments.fred-ss-dpl',
    ...unrestricted,
    set: {
      ...unrestricted.set,
      'Guest CR4': FRED_CR4,
      'Guest SS access rights': 0xc0b3n,
      'Guest CS access rights': 0xa0bbn,
    },
  },
  {
    id: 'guest-segments.fred-cs-long',
    set: { 'Guest CR4': FRED_CR4, 'Guest CS access rights': 0xc09bn },
  },
  {
    id: 'guest-segments.fred-user',
    ...unrestricted,
    set: {
      ...unrestricted.set,
      'Guest CR4': FRED_CR4,
      'Guest RFLAGS': 0x3002n,
      'Guest SS access rights': 0xc0f3n,
      'Guest CS access rights': 0xa0fbn,
    },
  },
  { id: 'guest-segments.cs-long-default-size', set: { 'Guest CS access rights': 0xe09bn } },
  { id: 'guest-segments.tr-ti', set: { 'Guest TR selector': 0x1cn } },
  { id: 'guest-segments.ldtr-ti', set: { 'Guest LDTR selector': 0x24n, 'Guest LDTR access rights': 0x82n } },
  { id: 'guest-segments.tr-base', set: { 'Guest TR base': NOT_CANONICAL } },
  { id: 'guest-segments.ldtr-base', set: { 'Guest LDTR base': NOT_CANONICAL, 'Guest LDTR access rights': 0x82n } },
  { id: 'guest-segments.tr-type', set: { 'Guest TR access rights': 0x89n } },
  { id: 'guest-segments.tr-type', set: { 'Guest TR access rights': 0x83n } },
  { id: 'guest-segments.tr-s', set: { 'Guest TR access rights': 0x9bn } },
  { id: 'guest-segments.tr-present', set: { 'Guest TR access rights': 0x0bn } },
  { id: 'guest-segments.tr-reserved', set: { 'Guest TR access rights': 0x88bn } },
  { id: 'guest-segments.tr-granularity-bytes', set: { 'Guest TR access rights': 0x808bn } },
  { id: 'guest-segments.tr-granularity-pages', set: { 'Guest TR limit': 0x1f_ffffn } },
  { id: 'guest-segments.tr-usable', set: { 'Guest TR access rights': 0x1_008bn } },
  { id: 'guest-segments.ldtr-type', set: { 'Guest LDTR access rights': 0x83n } },
  { id: 'guest-segments.ldtr-s', set: { 'Guest LDTR access rights': 0x92n } },
  { id: 'guest-segments.ldtr-present', set: { 'Guest LDTR access rights': 0x02n } },
  { id: 'guest-segments.ldtr-reserved', set: { 'Guest LDTR access rights': 0x2_0082n } },
  { id: 'guest-segments.ldtr-granularity-bytes', set: { 'Guest LDTR access rights': 0x8082n } },
  {
    id: 'guest-segments.ldtr-granularity-pages',
    set: { 'Guest LDTR access rights': 0x82n, 'Guest LDTR limit': 0x1f_ffffn },
  },
];

const STATE = 'Guest interruptibility state';
const ACTIVITY = 'Guest activity state';
const PENDING = 'Guest pending debug exceptions';
const LINK = 'VMCS link pointer';

const pae: Edit = {
  off: { entry: ['IA-32e mode guest'] },
  set: { 'Guest CS access rights': 0xc09bn, 'Guest CR3': 0x9000n },
};

export const GUEST_STATE_CASES: readonly Case[] = [
  ...(['GDTR', 'IDTR'] as const).flatMap((name): Case[] => [
    { id: `guest-tables.${name.toLowerCase()}-base`, set: { [`Guest ${name} base`]: NOT_CANONICAL } },
    { id: `guest-tables.${name.toLowerCase()}-limit`, set: { [`Guest ${name} limit`]: 0x1_0000n } },
  ]),
  { id: 'guest-rip.rip-high', set: { 'Guest RIP': 1n << 32n, 'Guest CS access rights': 0xc09bn } },
  { id: 'guest-rip.rip-width', set: { 'Guest RIP': 1n << 57n } },
  { id: 'guest-rip.rflags-reserved', set: { 'Guest RFLAGS': 0n } },
  ...[3n, 5n, 15n, 22n, 63n].map((bit) => ({
    id: 'guest-rip.rflags-reserved',
    set: { 'Guest RFLAGS': 2n | (1n << bit) },
  })),
  {
    id: 'guest-rip.rflags-vm',
    ...virtual8086,
    off: {},
    set: { ...virtual8086.set, 'Guest CR4': 0x2020n },
  },
  { id: 'guest-rip.rflags-if', set: { [INFO]: VALID | 0x20n } },
  { id: 'guest-rip.ssp-alignment', ...cet, set: { 'Guest SSP': 1n } },
  { id: 'guest-rip.ssp-width', ...cet, set: { 'Guest SSP': 1n << 57n } },
  { id: 'guest-state.activity-supported', set: { [ACTIVITY]: 4n } },
  { id: 'guest-state.activity-supported', set: { [ACTIVITY]: 1n }, profile: { misc: ['shutdown'] } },
  {
    id: 'guest-state.activity-hlt-cpl',
    set: {
      [ACTIVITY]: 1n,
      'Guest SS selector': 0x13n,
      'Guest SS access rights': 0xc0f3n,
      'Guest CS selector': 0x0bn,
      'Guest CS access rights': 0xa0fbn,
    },
  },
  {
    id: 'guest-state.activity-blocking',
    set: { [ACTIVITY]: 1n, [STATE]: 1n, 'Guest RFLAGS': 0x202n },
  },
  { id: 'guest-state.activity-injection', set: { [ACTIVITY]: 1n, [INFO]: VALID | 0x306n } },
  { id: 'guest-state.activity-injection', set: { [ACTIVITY]: 2n, [INFO]: VALID | 0x301n } },
  { id: 'guest-state.activity-injection', set: { [ACTIVITY]: 3n, [INFO]: VALID | 0x202n } },
  {
    id: 'guest-state.activity-smm',
    on: { entry: ['entry to SMM'] },
    set: { [ACTIVITY]: 3n },
    also: ['entry.entry-to-smm', 'guest-state.smi-blocking-entry'],
  },
  { id: 'guest-state.interruptibility-reserved', set: { [STATE]: 0x20n } },
  { id: 'guest-state.sti-and-mov-ss', set: { [STATE]: 3n, 'Guest RFLAGS': 0x202n } },
  { id: 'guest-state.sti-if', set: { [STATE]: 1n } },
  {
    id: 'guest-state.interrupt-injection',
    set: { [STATE]: 1n, 'Guest RFLAGS': 0x202n, [INFO]: VALID | 0x20n },
  },
  {
    id: 'guest-state.interrupt-injection',
    set: { [STATE]: 2n, 'Guest RFLAGS': 0x202n, [INFO]: VALID | 0x20n },
  },
  { id: 'guest-state.nmi-injection-mov-ss', set: { [STATE]: 2n, [INFO]: VALID | 0x202n } },
  {
    id: 'guest-state.nmi-injection-sti',
    set: { [STATE]: 1n, 'Guest RFLAGS': 0x202n, [INFO]: VALID | 0x202n },
  },
  { id: 'guest-state.smi-blocking', set: { [STATE]: 4n } },
  {
    id: 'guest-state.smi-blocking-entry',
    on: { entry: ['entry to SMM'] },
    also: ['entry.entry-to-smm'],
  },
  {
    id: 'guest-state.nmi-injection-blocking',
    on: { pin: ['NMI exiting', 'virtual NMIs'] },
    set: { [STATE]: 8n, [INFO]: VALID | 0x202n },
  },
  { id: 'guest-state.enclave-interruption', set: { [STATE]: 0x12n } },
  { id: 'guest-state.enclave-interruption', set: { [STATE]: 0x10n }, profile: { features: [] } },
  ...[4n, 11n, 13n, 15n, 17n, 63n].map((bit) => ({
    id: 'guest-state.pending-reserved',
    set: { [PENDING]: 1n << bit },
  })),
  {
    id: 'guest-state.pending-step-missing',
    set: { [STATE]: 1n, 'Guest RFLAGS': 0x302n },
  },
  { id: 'guest-state.pending-step-missing', set: { [ACTIVITY]: 1n, 'Guest RFLAGS': 0x102n } },
  { id: 'guest-state.pending-step-excess', set: { [STATE]: 2n, [PENDING]: 0x4000n } },
  {
    id: 'guest-state.pending-step-excess',
    set: { [STATE]: 2n, [PENDING]: 0x4000n, 'Guest RFLAGS': 0x102n, 'Guest IA32_DEBUGCTL': 2n },
  },
  { id: 'guest-state.pending-rtm', set: { [PENDING]: 0x1_0000n } },
  { id: 'guest-state.pending-rtm', set: { [PENDING]: 0x1_1000n }, profile: { features: [] } },
  { id: 'guest-state.link-alignment', set: { [LINK]: 0x6010n }, memory: { 0x6010: 0x5253_4431n } },
  { id: 'guest-state.link-width', set: { [LINK]: BEYOND } },
  { id: 'guest-state.link-revision', set: { [LINK]: 0x6000n }, memory: { 0x6000: 0x5253_4432n } },
  { id: 'guest-state.link-shadow', set: { [LINK]: 0x6000n }, memory: { 0x6000: 0xd253_4431n } },
  { id: 'guest-state.link-shadow', on: { secondary: ['VMCS shadowing'] }, set: { [LINK]: 0x6000n } },
  { id: 'guest-state.link-current', set: { [LINK]: 0x5000n }, memory: { 0x5000: 0x5253_4431n } },
  ...([0, 1, 2, 3] as const).flatMap((index): Case[] => [
    {
      id: `guest-pdptes.pdpte${index}`,
      ...pae,
      on: { secondary: ['enable EPT'] },
      set: { ...pae.set, 'EPT pointer (EPTP)': 0x1000_001en, [`Guest PDPTE${index}`]: 0x2007n },
    },
    { id: `guest-pdptes.pdpte${index}-memory`, ...pae, memory: { [0x9000 + 8 * index]: BEYOND | 1n } },
  ]),
  {
    id: 'msr-load.entries',
    set: { 'VM-entry MSR-load address': 0x8000n, 'VM-entry MSR-load count': 2n },
    memory: { 0x8000: 0x174n, 0x8010: 0xc000_0100n },
  },
  {
    id: 'msr-load.entries',
    set: { 'VM-entry MSR-load address': 0x8000n, 'VM-entry MSR-load count': 1n },
    memory: { 0x8000: 0x808n },
  },
  ...[0x9bn, 0x79n].map((index) => ({
    id: 'msr-load.entries',
    set: { 'VM-entry MSR-load address': 0x8000n, 'VM-entry MSR-load count': 1n },
    memory: { 0x8000: index },
  })),
  {
    id: 'msr-load.entries',
    set: { 'VM-entry MSR-load address': 0x8000n, 'VM-entry MSR-load count': 1n },
    memory: { 0x8000: 0x1_0000_0174n },
  },
  {
    id: 'msr-load.entries',
    set: { 'VM-entry MSR-load address': 0x8000n, 'VM-entry MSR-load count': 1n },
    memory: { 0x8000: 0x277n, 0x8008: 0x2n },
    env: { refusesMsr: (index, value) => (index === 0x277 && value === 2n ? 'memory type 2 is reserved' : undefined) },
  },
];

export const GUEST_EDGES: readonly Edge[] = [
  { about: 'Guest CR0 with CD and NW', set: { 'Guest CR0': 0xe000_0031n } },
  { about: 'a real-mode guest', ...realMode },
  {
    about: 'an unrestricted guest without paging',
    ...unrestricted,
    off: { entry: ['IA-32e mode guest'] },
    set: { ...unrestricted.set, 'Guest CR0': 0x31n, 'Guest CR4': 0x2000n, 'Guest CS access rights': 0xc09bn },
  },
  { about: 'a 32-bit guest with 32-bit paging', ...guest32 },
  { about: 'a virtual-8086 guest', ...virtual8086 },
  { about: 'a compatibility-mode guest', set: { 'Guest CS access rights': 0xc09bn } },
  {
    about: 'a user-mode guest',
    set: {
      'Guest CS selector': 0x0bn,
      'Guest CS access rights': 0xa0fbn,
      'Guest SS selector': 0x13n,
      'Guest SS access rights': 0xc0f3n,
    },
  },
  {
    about: 'conforming code below the stack’s privilege',
    set: {
      'Guest CS selector': 0x0bn,
      'Guest CS access rights': 0xa09fn,
      'Guest SS selector': 0x13n,
      'Guest SS access rights': 0xc0f3n,
    },
  },
  {
    about: 'unusable data segments of any content',
    set: Object.fromEntries(
      (['SS', 'DS', 'ES', 'FS', 'GS'] as const).flatMap((name) => [
        [`Guest ${name} access rights`, 0x1_0000n],
        [`Guest ${name} limit`, 0n],
      ]),
    ),
  },
  { about: 'an expand-down stack', set: { 'Guest SS access rights': 0xc097n } },
  { about: 'readable code in DS', set: { 'Guest DS access rights': 0xc09bn } },
  {
    about: 'a limit of 1 MByte less 1 with either granularity',
    set: { 'Guest DS limit': 0xf_ffffn, 'Guest ES limit': 0xf_ffffn, 'Guest ES access rights': 0x4093n },
  },
  { about: 'AVL in every segment', set: { 'Guest CS access rights': 0xb09bn, 'Guest TR access rights': 0x108bn } },
  {
    about: 'a 16-bit TSS outside long mode',
    ...guest32,
    set: { ...guest32.set, 'Guest TR access rights': 0x83n },
  },
  {
    about: 'a usable LDTR',
    set: { 'Guest LDTR access rights': 0x82n, 'Guest LDTR limit': 0xffffn, 'Guest LDTR selector': 0x20n },
  },
  { about: 'table limits of 65535', set: { 'Guest GDTR limit': 0xffffn, 'Guest IDTR limit': 0xffffn } },
  { about: 'a Guest RIP that is not canonical but fits the width', set: { 'Guest RIP': 1n << 56n } },
  { about: 'a Guest RIP in the upper half', set: { 'Guest RIP': 0xffff_ffff_8000_0000n } },
  { about: 'every flag but VM', set: { 'Guest RFLAGS': 0x3d_7fd7n & ~0x2_0000n } },
  { about: 'HLT', set: { [ACTIVITY]: 1n } },
  { about: 'HLT with an interrupt', set: { [ACTIVITY]: 1n, [INFO]: VALID | 0x20n, 'Guest RFLAGS': 0x202n } },
  { about: 'HLT with #DB', set: { [ACTIVITY]: 1n, [INFO]: VALID | 0x301n } },
  { about: 'HLT with a pending MTF VM exit', set: { [ACTIVITY]: 1n, [INFO]: VALID | 0x700n } },
  { about: 'shutdown with NMI', set: { [ACTIVITY]: 2n, [INFO]: VALID | 0x202n } },
  { about: 'shutdown with #MC', set: { [ACTIVITY]: 2n, [INFO]: VALID | 0x312n } },
  { about: 'wait-for-SIPI', set: { [ACTIVITY]: 3n } },
  { about: 'blocking by STI', set: { [STATE]: 1n, 'Guest RFLAGS': 0x202n } },
  { about: 'blocking by MOV SS with interrupts off', set: { [STATE]: 2n } },
  { about: 'injection of #UD under blocking by MOV SS', set: { [STATE]: 2n, [INFO]: VALID | 0x306n } },
  { about: 'NMI blocked, NMI injected, without virtual NMIs', set: { [STATE]: 8n, [INFO]: VALID | 0x202n } },
  { about: 'pending breakpoints', set: { [PENDING]: 0x100fn } },
  { about: 'a pending single step', set: { [STATE]: 2n, 'Guest RFLAGS': 0x102n, [PENDING]: 0x4000n } },
  { about: 'a pending RTM exception', set: { [PENDING]: 0x1_1000n } },
  { about: 'TF without blocking', set: { 'Guest RFLAGS': 0x102n } },
  { about: 'a linked VMCS', set: { [LINK]: 0x6000n } },
  {
    about: 'a linked shadow VMCS',
    on: { secondary: ['VMCS shadowing'] },
    set: { [LINK]: 0x6000n },
    memory: { 0x6000: 0xd253_4431n },
  },
  { about: 'PDPTEs in memory that are not present', ...pae, memory: { 0x9000: 0x1e6n, 0x9008: 0x2019n } },
  {
    about: 'PDPTEs under EPT',
    ...pae,
    on: { secondary: ['enable EPT'] },
    set: { ...pae.set, 'EPT pointer (EPTP)': 0x1000_001en, 'Guest PDPTE0': 0x2e19n, 'Guest PDPTE1': 6n },
    memory: { 0x9000: BEYOND | 1n },
  },
  {
    about: 'Guest IA32_EFER with LME and not LMA, without paging',
    ...unrestricted,
    ...{ on: { ...unrestricted.on, entry: ['load IA32_EFER'] as const } },
    off: { entry: ['IA-32e mode guest'] },
    set: {
      ...unrestricted.set,
      'Guest CR0': 0x31n,
      'Guest CR4': 0x2000n,
      'Guest CS access rights': 0xc09bn,
      'Guest IA32_EFER': 0x100n,
    },
  },
  {
    about: 'an MSR-load area',
    set: { 'VM-entry MSR-load address': 0x8000n, 'VM-entry MSR-load count': 2n },
    memory: { 0x8000: 0x174n, 0x8008: 8n, 0x8010: 0x277n, 0x8018: 0x606n },
    env: { refusesMsr: () => undefined },
  },
];
