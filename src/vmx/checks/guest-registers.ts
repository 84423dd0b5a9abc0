// SDM "Checks on Guest Control Registers, Debug Registers, and MSRs".

import { supportedBits } from './fixed-bits.ts';
import { fredMsrs, reservedMsrBits, supervisorCet } from './msr-fields.ts';
import { bits, canonical, fitsPhysical, isCanonical, mask, pat, zeroBits } from './rules.ts';
import {
  bitOf,
  control,
  guestLongMode,
  guestPaging,
  guestProtected,
  not,
  type Predicate,
  unrestrictedGuest,
} from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

const PE_AND_PG = mask(0, 0) | mask(31, 31);
const NW_AND_CD = mask(30, 29);
const LME = 8;
const LMA = 10;

const loadDebug = control('entry', 'load debug controls');
const loadPerf = control('entry', 'load IA32_PERF_GLOBAL_CTRL');
const loadPat = control('entry', 'load IA32_PAT');
const loadEfer = control('entry', 'load IA32_EFER');
const loadBndcfgs = control('entry', 'load IA32_BNDCFGS');
const loadCet = control('entry', 'load CET state');
const loadPkrs = control('entry', 'load PKRS');
const loadUinv = control('entry', 'load UINV');
const loadFred = control('entry', 'load FRED');
const loadSpecCtrl = control('entry', 'load IA32_SPEC_CTRL');
const loadRtit = control('entry', 'load IA32_RTIT_CTL');
const loadLbr = control('entry', 'load guest IA32_LBR_CTL');

function eferBit(v: EntryState, position: number): boolean {
  return bits(v.field('Guest IA32_EFER'), position, position) === 1n;
}

function clearedOutsideLongMode(id: string, name: string, position: number): SectionCheck {
  return zeroBits(
    { id, applies: not(guestLongMode) },
    'Guest CR4',
    mask(position, position),
    `If “IA-32e mode guest” is 0, bit ${position} (${name}) of Guest CR4 must be 0`,
  );
}

const controlRegisters: readonly SectionCheck[] = [
  supportedBits(
    'cr0-fixed',
    'CR0',
    'Guest CR0',
    '; PE and PG are exempt under “unrestricted guest”, NW and CD always',
    (v) => NW_AND_CD | (unrestrictedGuest(v) ? PE_AND_PG : 0n),
  ),
  {
    id: 'paging-protected',
    fields: ['Guest CR0'],
    rule: 'If bit 31 (PG) of Guest CR0 is 1, bit 0 (PE) must be 1',
    applies: guestPaging,
    holds: guestProtected,
    fix: 'set PE, or clear PG',
  },
  supportedBits('cr4-fixed', 'CR4', 'Guest CR4', ''),
  {
    id: 'cet-write-protect',
    fields: ['Guest CR0', 'Guest CR4'],
    rule: 'If bit 23 (CET) of Guest CR4 is 1, bit 16 (WP) of Guest CR0 must be 1',
    applies: bitOf('Guest CR4', 23),
    holds: bitOf('Guest CR0', 16),
    fix: 'set bit 16 (WP) of Guest CR0, or clear CET in Guest CR4',
  },
  reservedMsrBits(
    'debugctl',
    loadDebug,
    'Guest IA32_DEBUGCTL',
    'If “load debug controls” is 1, ',
    (v) => v.env.profile.msrBits.debugctl,
  ),
  {
    id: 'long-mode-paging',
    fields: ['Guest CR0'],
    rule: 'If “IA-32e mode guest” is 1, bit 31 (PG) of Guest CR0 must be 1',
    applies: guestLongMode,
    holds: guestPaging,
    fix: 'set PG (and PE), or clear “IA-32e mode guest” in the VM-entry controls',
  },
  {
    id: 'long-mode-pae',
    fields: ['Guest CR4'],
    rule: 'If “IA-32e mode guest” is 1, bit 5 (PAE) of Guest CR4 must be 1',
    applies: guestLongMode,
    holds: bitOf('Guest CR4', 5),
    fix: 'set PAE, or clear “IA-32e mode guest” in the VM-entry controls',
  },
  clearedOutsideLongMode('pcide', 'PCIDE', 17),
  clearedOutsideLongMode('fred', 'FRED', 32),
  {
    id: 'cr3-width',
    fields: ['Guest CR3'],
    rule: 'Guest CR3 must not use bits above the physical-address width',
    holds: (v) => fitsPhysical(v, v.field('Guest CR3')),
    fix: (v) => `clear bits 63:${v.env.physicalBits}`,
  },
  zeroBits(
    { id: 'dr7-high', applies: loadDebug },
    'Guest DR7',
    mask(63, 32),
    'If “load debug controls” is 1, bits 63:32 of Guest DR7 must be 0',
  ),
  canonical({ id: 'sysenter-esp' }, 'Guest IA32_SYSENTER_ESP'),
  canonical({ id: 'sysenter-eip' }, 'Guest IA32_SYSENTER_EIP'),
  canonical({ id: 's-cet-canonical', applies: loadCet }, 'Guest IA32_S_CET', 'If “load CET state” is 1, '),
  canonical({ id: 'ssp-table', applies: loadCet }, 'Guest IA32_INTERRUPT_SSP_TABLE_ADDR', 'If “load CET state” is 1, '),
];

/** Without a model of these MSRs' bits a value can only be judged where the processor lacks them. */
const noBits = (): bigint => 0n;

const efer: readonly SectionCheck[] = [
  reservedMsrBits(
    'efer-reserved',
    loadEfer,
    'Guest IA32_EFER',
    'If “load IA32_EFER” is 1, ',
    (v) => v.env.profile.msrBits.efer,
  ),
  {
    id: 'efer-lma',
    fields: ['Guest IA32_EFER', 'VM-entry controls'],
    rule: 'If “load IA32_EFER” is 1, bit 10 (LMA) of Guest IA32_EFER must equal “IA-32e mode guest”',
    applies: loadEfer,
    holds: (v) => eferBit(v, LMA) === guestLongMode(v),
    fix: (v) => `${guestLongMode(v) ? 'set' : 'clear'} bit 10 (LMA) of Guest IA32_EFER`,
  },
  {
    id: 'efer-lme',
    fields: ['Guest IA32_EFER', 'Guest CR0'],
    rule: 'If “load IA32_EFER” is 1 and bit 31 (PG) of Guest CR0 is 1, bits 8 (LME) and 10 (LMA) of Guest IA32_EFER must be equal',
    applies: (v) => loadEfer(v) && guestPaging(v),
    holds: (v) => eferBit(v, LME) === eferBit(v, LMA),
    fix: (v) => `${guestLongMode(v) ? 'set' : 'clear'} bit 8 (LME) and bit 10 (LMA) of Guest IA32_EFER`,
  },
];

function bndcfgs(applies: Predicate): readonly SectionCheck[] {
  return [
    reservedMsrBits(
      'bndcfgs-reserved',
      applies,
      'Guest IA32_BNDCFGS',
      'If “load IA32_BNDCFGS” is 1, ',
      (v) => v.env.profile.msrBits.bndcfgs,
    ),
    {
      id: 'bndcfgs-canonical',
      fields: ['Guest IA32_BNDCFGS'],
      rule: 'If “load IA32_BNDCFGS” is 1, the linear address in bits 63:12 of Guest IA32_BNDCFGS must be canonical',
      applies,
      holds: (v) => isCanonical(v.field('Guest IA32_BNDCFGS') & mask(63, 12), v.env.linearBits),
      fix: 'use a canonical address',
    },
  ];
}

const msrs: readonly SectionCheck[] = [
  reservedMsrBits(
    'perf-global-ctrl',
    loadPerf,
    'Guest IA32_PERF_GLOBAL_CTRL',
    'If “load IA32_PERF_GLOBAL_CTRL” is 1, ',
    (v) => v.env.profile.msrBits.perfGlobalCtrl,
  ),
  pat({ id: 'pat', applies: loadPat }, 'Guest IA32_PAT', 'If “load IA32_PAT” is 1, '),
  ...efer,
  ...bndcfgs(loadBndcfgs),
  reservedMsrBits('rtit-ctl', loadRtit, 'Guest IA32_RTIT_CTL', 'If “load IA32_RTIT_CTL” is 1, ', noBits),
  ...supervisorCet(loadCet, 'Guest IA32_S_CET', 'If “load CET state” is 1, '),
  reservedMsrBits('lbr-ctl', loadLbr, 'Guest IA32_LBR_CTL', 'If “load guest IA32_LBR_CTL” is 1, ', noBits),
  zeroBits(
    { id: 'pkrs-high', applies: loadPkrs },
    'Guest IA32_PKRS',
    mask(63, 32),
    'If “load PKRS” is 1, bits 63:32 of Guest IA32_PKRS must be 0',
  ),
  zeroBits(
    { id: 'uinv-high', applies: loadUinv },
    'Guest UINV',
    mask(15, 8),
    'If “load UINV” is 1, bits 15:8 of Guest UINV must be 0',
  ),
  ...fredMsrs(loadFred, 'Guest', 'If “load FRED” is 1, '),
  reservedMsrBits(
    'spec-ctrl',
    loadSpecCtrl,
    'Guest IA32_SPEC_CTRL',
    'If “load IA32_SPEC_CTRL” is 1, ',
    (v) => v.env.profile.msrBits.specCtrl,
  ),
];

export const GUEST_REGISTER_CHECKS: readonly SectionCheck[] = [...controlRegisters, ...msrs];
