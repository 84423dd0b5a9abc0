// For each check of the basic conditions and of the host state: an edit that breaks just that rule, and edges that pass.

import type { VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import type { Case, Edge } from './cases-controls.ts';
import type { Edit } from './fixture.ts';

const BEYOND = 1n << 39n;
/** Bit 57 set and bit 56 clear: not canonical with 57 bits. */
const NOT_CANONICAL = 1n << 57n;
const CANONICAL_57 = 0xff00_0000_0000_0000n;

const launch = { name: 'VMLAUNCH', launched: false, blockedByMovSs: false } as const;

export const BASIC_CASES: readonly Case[] = [
  { id: 'basic.mov-ss', env: { instruction: { ...launch, blockedByMovSs: true } } },
  { id: 'basic.launch-clear', env: { instruction: { ...launch, launched: true } } },
  { id: 'basic.resume-launched', env: { instruction: { ...launch, name: 'VMRESUME' } } },
];

const cet: Edit = { on: { exit: ['load CET state'] } };
const fred: Edit = { on: { 'secondary exit': ['load FRED'] } };

function fredCases(): Case[] {
  const rows: Case[] = [
    { id: 'host.fred-config-reserved', ...fred, set: { 'Host IA32_FRED_CONFIG': 0x20n } },
    { id: 'host.fred-config-canonical', ...fred, set: { 'Host IA32_FRED_CONFIG': NOT_CANONICAL } },
  ];
  for (const level of [1, 2, 3] as const) {
    const rsp: VmcsFieldName = `Host IA32_FRED_RSP${level}`;
    const ssp: VmcsFieldName = `Host IA32_FRED_SSP${level}`;
    rows.push(
      { id: `host.fred-rsp${level}-canonical`, ...fred, set: { [rsp]: NOT_CANONICAL } },
      { id: `host.fred-rsp${level}-alignment`, ...fred, set: { [rsp]: 0x20n } },
      { id: `host.fred-ssp${level}-canonical`, ...fred, set: { [ssp]: NOT_CANONICAL } },
      { id: `host.fred-ssp${level}-alignment`, ...fred, set: { [ssp]: 4n } },
    );
  }
  return rows;
}

export const HOST_CASES: readonly Case[] = [
  { id: 'host.cr0-fixed', set: { 'Host CR0': 0x8000_0011n } },
  { id: 'host.cr0-fixed', set: { 'Host CR0': 0x1_8000_0031n } },
  { id: 'host.cr4-fixed', set: { 'Host CR4': 0x20n } },
  { id: 'host.cr4-fixed', set: { 'Host CR4': 0x8000_2020n } },
  { id: 'host.cet-write-protect', set: { 'Host CR4': 0x80_2020n } },
  { id: 'host.cr3-width', set: { 'Host CR3': BEYOND } },
  { id: 'host.sysenter-esp', set: { 'Host IA32_SYSENTER_ESP': NOT_CANONICAL } },
  { id: 'host.sysenter-eip', set: { 'Host IA32_SYSENTER_EIP': NOT_CANONICAL } },
  {
    id: 'host.perf-global-ctrl',
    on: { exit: ['load IA32_PERF_GLOBAL_CTRL'] },
    set: { 'Host IA32_PERF_GLOBAL_CTRL': 0x10n },
  },
  ...([2n, 3n, 8n].map((type) => ({
    id: 'host.pat',
    on: { exit: ['load IA32_PAT'] },
    set: { 'Host IA32_PAT': (type << 56n) | 0x07_0406_0007_0406n },
  })) satisfies Case[]),
  {
    id: 'host.efer-reserved',
    on: { exit: ['load IA32_EFER'] },
    set: { 'Host IA32_EFER': 0x502n },
  },
  { id: 'host.efer-lma', on: { exit: ['load IA32_EFER'] }, set: { 'Host IA32_EFER': 0x100n } },
  { id: 'host.efer-lme', on: { exit: ['load IA32_EFER'] }, set: { 'Host IA32_EFER': 0x400n } },
  { id: 'host.s-cet-reserved', ...cet, set: { 'Host IA32_S_CET': 0x40n } },
  { id: 'host.s-cet-suppress-tracker', ...cet, set: { 'Host IA32_S_CET': 0xc00n } },
  { id: 'host.ssp-alignment', ...cet, set: { 'Host SSP': 0x1002n } },
  { id: 'host.pkrs-high', on: { exit: ['load PKRS'] }, set: { 'Host IA32_PKRS': 1n << 32n } },
  ...fredCases(),
  {
    id: 'host.spec-ctrl',
    on: { 'secondary exit': ['load IA32_SPEC_CTRL'] },
    set: { 'Host IA32_SPEC_CTRL': 8n },
  },
  ...(['CS', 'SS', 'DS', 'ES', 'FS', 'GS', 'TR'] as const).flatMap((name): Case[] => [
    { id: `host-segments.${name.toLowerCase()}-rpl-ti`, set: { [`Host ${name} selector`]: 0x0bn } },
    { id: `host-segments.${name.toLowerCase()}-rpl-ti`, set: { [`Host ${name} selector`]: 0x0cn } },
  ]),
  { id: 'host-segments.cs-null', set: { 'Host CS selector': 0n } },
  { id: 'host-segments.tr-null', set: { 'Host TR selector': 0n } },
  {
    id: 'host-segments.ss-null',
    off: { exit: ['host address-space size'], entry: ['IA-32e mode guest'] },
    set: { 'Host SS selector': 0n, 'Guest CS access rights': 0xc09bn },
    env: { longMode: false },
  },
  ...(['FS', 'GS', 'GDTR', 'IDTR', 'TR'] as const).map((name) => ({
    id: `host-segments.${name.toLowerCase()}-base`,
    set: { [`Host ${name} base`]: NOT_CANONICAL },
  })),
];

const shortHost: Edit = {
  off: { exit: ['host address-space size'], entry: ['IA-32e mode guest'] },
  set: { 'Guest CS access rights': 0xc09bn },
  env: { longMode: false },
};

export const ADDRESS_SPACE_CASES: readonly Case[] = [
  {
    id: 'address-space.guest-outside-long-mode',
    off: { exit: ['host address-space size'] },
    env: { longMode: false },
    also: ['address-space.guest-with-short-host'],
  },
  {
    id: 'address-space.host-outside-long-mode',
    off: { entry: ['IA-32e mode guest'] },
    set: { 'Guest CS access rights': 0xc09bn },
    env: { longMode: false },
  },
  {
    id: 'address-space.host-in-long-mode',
    off: { exit: ['host address-space size'], entry: ['IA-32e mode guest'] },
    set: { 'Guest CS access rights': 0xc09bn },
  },
  {
    id: 'address-space.guest-with-short-host',
    off: { exit: ['host address-space size'] },
    also: ['address-space.host-in-long-mode'],
  },
  { id: 'address-space.short-pcide', ...shortHost, set: { ...shortHost.set, 'Host CR4': 0x2_2020n } },
  { id: 'address-space.short-fred', ...shortHost, set: { ...shortHost.set, 'Host CR4': 0x1_0000_2020n } },
  { id: 'address-space.short-rip', ...shortHost, set: { ...shortHost.set, 'Host RIP': 1n << 32n } },
  {
    id: 'address-space.short-s-cet',
    ...shortHost,
    ...cet,
    set: { ...shortHost.set, 'Host IA32_S_CET': 1n << 32n },
  },
  { id: 'address-space.short-ssp', ...shortHost, ...cet, set: { ...shortHost.set, 'Host SSP': 1n << 32n } },
  { id: 'address-space.long-pae', set: { 'Host CR4': 0x2000n } },
  { id: 'address-space.long-rip', set: { 'Host RIP': 1n << 47n } },
  { id: 'address-space.long-rip', set: { 'Host RIP': 1n << 57n, 'Host CR4': 0x3020n } },
  { id: 'address-space.long-s-cet', ...cet, set: { 'Host IA32_S_CET': NOT_CANONICAL } },
  { id: 'address-space.long-ssp', ...cet, set: { 'Host SSP': NOT_CANONICAL } },
  { id: 'address-space.ssp-table', ...cet, set: { 'Host IA32_INTERRUPT_SSP_TABLE_ADDR': NOT_CANONICAL } },
];

export const HOST_EDGES: readonly Edge[] = [
  { about: 'no instruction (an audit) with a launched VMCS', env: { instruction: undefined as never } },
  { about: 'VMRESUME of a launched VMCS', env: { instruction: { ...launch, name: 'VMRESUME', launched: true } } },
  { about: 'Host CR0 with CD and NW', set: { 'Host CR0': 0xe000_0031n } },
  { about: 'CET with WP', set: { 'Host CR0': 0x8001_0031n, 'Host CR4': 0x80_2020n } },
  { about: 'Host CR3 at the top of the address space', set: { 'Host CR3': BEYOND - 0x1000n } },
  {
    about: 'bases that are canonical with 57 bits',
    set: {
      'Host FS base': CANONICAL_57,
      'Host GS base': 0x00ff_ffff_ffff_ffffn,
      'Host GDTR base': CANONICAL_57,
      'Host IA32_SYSENTER_ESP': CANONICAL_57,
    },
  },
  {
    about: 'Host IA32_PAT of every type',
    on: { exit: ['load IA32_PAT'] },
    set: { 'Host IA32_PAT': 0x0001_0405_0607_0006n },
  },
  {
    about: 'Host IA32_EFER of a 64-bit host',
    on: { exit: ['load IA32_EFER'] },
    set: { 'Host IA32_EFER': 0xd01n },
  },
  { about: 'fields of MSRs that are not loaded', set: { 'Host IA32_EFER': 2n, 'Host IA32_PAT': 0x22n } },
  { about: 'a null SS of a 64-bit host', set: { 'Host SS selector': 0n } },
  { about: 'null DS, ES, FS and GS', set: { 'Host DS selector': 0n, 'Host ES selector': 0n } },
  { about: 'a 32-bit host with a 32-bit guest', ...shortHost },
  { about: 'Host RIP in the upper half', set: { 'Host RIP': 0xffff_8000_0000_0000n } },
  { about: 'Host RIP of 57 bits with LA57', set: { 'Host RIP': CANONICAL_57, 'Host CR4': 0x3020n } },
];
