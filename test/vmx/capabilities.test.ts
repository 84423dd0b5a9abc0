// The capability MSRs against the rules of the manual's appendix "VMX Capability Reporting Facility".

import { describe, expect, test } from 'vitest';
import { CONTROL_WORDS, type ControlWord } from '../../src/spec/controls.ts';
import { vmcsFieldByName } from '../../src/spec/vmcs-fields.ts';
import { VMCS_REVISION, vmcsFieldTable } from '../../src/spec/vmcs-layout.ts';
import {
  type CapabilityProfile,
  fieldExists,
  fixedBits,
  profileFieldTable,
  supportsControl,
  vmxCapability,
} from '../../src/vmx/capabilities.ts';
import { PROFILES, RECENT_SERVER } from '../../src/vmx/profiles.ts';

const LOW = 0xffff_ffffn;
const msr = (profile: CapabilityProfile, index: number): bigint => vmxCapability(profile, index) ?? 0n;
const WORDS = ['pin', 'primary', 'exit', 'entry'] as const;

describe.each(PROFILES.filter((profile) => profile.vmx !== 'absent'))('$name', (profile) => {
  test('IA32_VMX_BASIC', () => {
    const basic = msr(profile, 0x480);
    expect(basic & 0x7fff_ffffn).toBe(BigInt(VMCS_REVISION));
    expect((basic >> 31n) & 1n).toBe(0n);
    const size = (basic >> 32n) & 0x1fffn;
    expect(size > 0n && size <= 4096n).toBe(true);
    expect((basic >> 50n) & 15n).toBe(6n); // write-back
    expect((basic >> 55n) & 1n).toBe(profile.basic.includes('TRUE controls') ? 1n : 0n);
  });

  test.each(WORDS)('%s: allowed settings', (word) => {
    const { capability, default1 } = CONTROL_WORDS[word as ControlWord];
    const plain = msr(profile, capability.msr);
    const hasExact = profile.basic.includes('TRUE controls');
    const exact = hasExact ? msr(profile, capability.true ?? 0) : plain;
    // The high half allows 1-settings and is the same in both; what must be 1 may be 1.
    expect(exact >> 32n).toBe(plain >> 32n);
    expect(plain & LOW & ~(plain >> 32n)).toBe(0n);
    expect(exact & LOW & ~(exact >> 32n)).toBe(0n);
    // The plain MSR reports the whole default-1 class as 1, the TRUE one a subset of it.
    expect(plain & LOW).toBe(default1);
    expect(exact & ~default1 & LOW).toBe(0n);
  });

  test('secondary controls may all be 0', () => {
    expect(msr(profile, 0x48b) & LOW).toBe(0n);
  });

  test('CR0 and CR4: what must be 1 may be 1', () => {
    const { cr0Fixed0, cr0Fixed1, cr4Fixed0, cr4Fixed1 } = fixedBits(profile);
    expect(cr0Fixed0 & ~cr0Fixed1).toBe(0n);
    expect(cr4Fixed0 & ~cr4Fixed1).toBe(0n);
    expect([msr(profile, 0x486), msr(profile, 0x487)]).toEqual([cr0Fixed0, cr0Fixed1]);
    expect([msr(profile, 0x488), msr(profile, 0x489)]).toEqual([cr4Fixed0, cr4Fixed1]);
  });

  test('unrestricted guest goes with IA32_VMX_MISC[5]', () => {
    expect((msr(profile, 0x485) >> 5n) & 1n).toBe(
      supportsControl(profile, 'secondary', 'unrestricted guest') ? 1n : 0n,
    );
  });

  test('the VMCS field table holds the fields that exist', () => {
    const all = vmcsFieldTable(() => true, profile.misc.includes('write all fields'));
    const own = profileFieldTable(profile);
    own.forEach((entry, index) => {
      expect(entry === 0 || entry === all[index]).toBe(true);
    });
    expect(own.some((entry, index) => entry === 0 && all[index] !== 0)).toBe(true);
  });
});

describe('the recent server', () => {
  /** As hardware of this class reports it, where the same controls are offered. */
  test.each([
    [0x481, 0x0000_00ff_0000_0016n],
    [0x482, 0xfffb_fffe_0401_e172n],
    [0x483, 0xe17f_ffff_0003_6dffn],
    [0x484, 0x0142_f3ff_0000_11ffn],
    [0x486, 0x8000_0021n],
    [0x487, 0xffff_ffffn],
    [0x488, 0x2000n],
    [0x48b, 0x064f_7fff_0000_0000n],
    [0x48d, 0x0000_00ff_0000_0016n],
    [0x48e, 0xfffb_fffe_0400_6172n],
    [0x48f, 0xe17f_ffff_0003_6dfbn],
    [0x490, 0x0142_f3ff_0000_11fbn],
    [0x491, 1n],
    [0x492, 0x90n],
    [0x493, 4n],
  ])('MSR %i is %i', (index, value) => {
    expect(vmxCapability(RECENT_SERVER, index)).toBe(value);
  });

  test('EPT and VPID', () => {
    const capability = msr(RECENT_SERVER, 0x48c);
    for (const bit of [0, 6, 7, 8, 14, 16, 17, 20, 21, 22, 25, 26, 32, 40, 41, 42, 43]) {
      expect((capability >> BigInt(bit)) & 1n, `bit ${bit}`).toBe(1n);
    }
  });

  test('IA32_VMX_VMCS_ENUM is the index of the highest field', () => {
    // IA32_SPEC_CTRL shadow, 204CH, has index 26H.
    expect(msr(RECENT_SERVER, 0x48a)).toBe(0x4cn);
  });

  test.each([
    ['EPT pointer (EPTP)', true],
    ['Guest PDPTE0', true],
    ['TSC multiplier', true],
    ['Guest IA32_EFER', true],
    ['VMX-preemption timer value', true],
    ['PML address', true],
    ['Posted-interrupt descriptor address', true],
    ['Guest IA32_S_CET', false],
    ['Secondary VM-exit controls', true],
    ['Guest IA32_FRED_CONFIG', false],
  ])('%s exists: %s', (name, exists) => {
    const field = vmcsFieldByName(name);
    expect(field !== undefined && fieldExists(RECENT_SERVER, field)).toBe(exists);
  });

  test('MSRs of features that are not offered are absent', () => {
    expect([0x47f, 0x494].map((index) => vmxCapability(RECENT_SERVER, index))).toEqual([undefined, undefined]);
  });
});
