// SDM "Checks on Host Control Registers, MSRs, and SSP".

import { supportedBits } from './fixed-bits.ts';
import { fredMsrs, reservedMsrBits, supervisorCet } from './msr-fields.ts';
import { bits, canonical, fitsPhysical, mask, pat, zeroBits } from './rules.ts';
import { bitOf, control, hostLongMode } from './state.ts';
import type { SectionCheck } from './types.ts';

const loadPerf = control('exit', 'load IA32_PERF_GLOBAL_CTRL');
const loadPat = control('exit', 'load IA32_PAT');
const loadEfer = control('exit', 'load IA32_EFER');
const loadCet = control('exit', 'load CET state');
const loadPkrs = control('exit', 'load PKRS');
const loadFred = control('secondary exit', 'load FRED');
const loadSpecCtrl = control('secondary exit', 'load IA32_SPEC_CTRL');
const LME = 8;
const LMA = 10;

function longModeBit(id: string, name: string, position: number): SectionCheck {
  return {
    id,
    fields: ['Host IA32_EFER', 'Primary VM-exit controls'],
    rule: `If “load IA32_EFER” is 1, ${name} of Host IA32_EFER must equal “host address-space size”`,
    applies: loadEfer,
    holds: (v) => (bits(v.field('Host IA32_EFER'), position, position) === 1n) === hostLongMode(v),
    fix: (v) => `${hostLongMode(v) ? 'set' : 'clear'} bit ${position} (${name}) of Host IA32_EFER`,
  };
}

export const HOST_REGISTER_CHECKS: readonly SectionCheck[] = [
  supportedBits('cr0-fixed', 'CR0', 'Host CR0', ''),
  supportedBits('cr4-fixed', 'CR4', 'Host CR4', ''),
  {
    id: 'cet-write-protect',
    fields: ['Host CR0', 'Host CR4'],
    rule: 'If bit 23 (CET) of Host CR4 is 1, bit 16 (WP) of Host CR0 must be 1',
    applies: bitOf('Host CR4', 23),
    holds: bitOf('Host CR0', 16),
    fix: 'set bit 16 (WP) of Host CR0, or clear CET in Host CR4',
  },
  {
    id: 'cr3-width',
    fields: ['Host CR3'],
    rule: 'Host CR3 must not use bits above the physical-address width',
    holds: (v) => fitsPhysical(v, v.field('Host CR3')),
    fix: (v) => `clear bits 63:${v.env.physicalBits}`,
  },
  canonical({ id: 'sysenter-esp' }, 'Host IA32_SYSENTER_ESP'),
  canonical({ id: 'sysenter-eip' }, 'Host IA32_SYSENTER_EIP'),
  reservedMsrBits(
    'perf-global-ctrl',
    loadPerf,
    'Host IA32_PERF_GLOBAL_CTRL',
    'If “load IA32_PERF_GLOBAL_CTRL” is 1, ',
    (v) => v.env.profile.msrBits.perfGlobalCtrl,
  ),
  pat({ id: 'pat', applies: loadPat }, 'Host IA32_PAT', 'If “load IA32_PAT” is 1, '),
  reservedMsrBits(
    'efer-reserved',
    loadEfer,
    'Host IA32_EFER',
    'If “load IA32_EFER” is 1, ',
    (v) => v.env.profile.msrBits.efer,
  ),
  longModeBit('efer-lma', 'LMA', LMA),
  longModeBit('efer-lme', 'LME', LME),
  ...supervisorCet(loadCet, 'Host IA32_S_CET', 'If “load CET state” is 1, '),
  zeroBits(
    { id: 'ssp-alignment', applies: loadCet },
    'Host SSP',
    mask(1, 0),
    'If “load CET state” is 1, bits 1:0 of Host SSP must be 0',
  ),
  zeroBits(
    { id: 'pkrs-high', applies: loadPkrs },
    'Host IA32_PKRS',
    mask(63, 32),
    'If “load PKRS” is 1, bits 63:32 of Host IA32_PKRS must be 0',
  ),
  ...fredMsrs(loadFred, 'Host', 'If “load FRED” is 1, '),
  reservedMsrBits(
    'spec-ctrl',
    loadSpecCtrl,
    'Host IA32_SPEC_CTRL',
    'If “load IA32_SPEC_CTRL” is 1, ',
    (v) => v.env.profile.msrBits.specCtrl,
  ),
];
