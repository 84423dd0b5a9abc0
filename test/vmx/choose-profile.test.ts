// Profiles and capabilities switched off, by what the manual says that each control needs.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { supportsControl, supportsEptVpid, vmxCapability } from '../../src/vmx/capabilities.ts';
import { CAPABILITY_NAMES, chooseProfile } from '../../src/vmx/choose-profile.ts';
import { PROFILES } from '../../src/vmx/profiles.ts';

function chosen(name?: string, ...without: string[]) {
  const choice = chooseProfile(name, without);
  if (!choice.ok) throw new Error(choice.expected);
  return choice.profile;
}

describe('a profile by name', () => {
  test.each([
    ['recent-server', true, true, true],
    ['haswell', true, true, true],
    ['nehalem', true, false, true],
    ['penryn', false, false, false],
  ])('%s: EPT %s, unrestricted guest %s, VPID %s', (name, ept, unrestricted, vpid) => {
    const profile = chosen(name);
    expect(supportsControl(profile, 'secondary', 'enable EPT')).toBe(ept);
    expect(supportsControl(profile, 'secondary', 'unrestricted guest')).toBe(unrestricted);
    expect(supportsControl(profile, 'secondary', 'enable VPID')).toBe(vpid);
    expect(vmxCapability(profile, 0x48c) !== undefined).toBe(ept || vpid);
  });

  test('none is the recent server; an unknown one is told which there are', () => {
    expect(chosen().name).toBe('recent-server');
    expect(chosen('Haswell').name).toBe('haswell');
    expect(chooseProfile('skylake')).toMatchObject({ ok: false, setting: 'profile', name: 'skylake' });
    expect(chooseProfile('skylake')).toMatchObject({ expected: expect.stringContaining('nehalem') });
  });

  test('launch.json offers them all', () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const { profile } = manifest.contributes.debuggers[0].configurationAttributes.launch.properties;
    expect(profile.enum).toEqual(PROFILES.map(({ name }) => name));
  });
});

describe('capabilities switched off', () => {
  test('a control alone', () => {
    const profile = chosen(undefined, 'unrestricted guest');
    expect(supportsControl(profile, 'secondary', 'unrestricted guest')).toBe(false);
    expect(supportsControl(profile, 'secondary', 'enable EPT')).toBe(true);
  });

  test('what needs EPT goes with it', () => {
    const profile = chosen(undefined, 'ENABLE EPT');
    expect(supportsControl(profile, 'secondary', 'unrestricted guest')).toBe(false);
    expect(supportsControl(profile, 'vmfunc', 'EPTP switching')).toBe(false);
    expect(supportsEptVpid(profile, 'INVEPT')).toBe(false);
    expect(supportsEptVpid(profile, 'INVVPID')).toBe(true);
  });

  test('what a control word activates goes with the activation', () => {
    const profile = chosen(undefined, 'primary: activate secondary controls');
    expect(profile.controls.secondary).toEqual([]);
    expect(vmxCapability(profile, 0x48b)).toBeUndefined();
    expect(vmxCapability(profile, 0x48c)).toBeUndefined();
  });

  test('a name that two words have goes from both, with its word from one', () => {
    const both = chosen(undefined, 'load IA32_EFER');
    expect(supportsControl(both, 'exit', 'load IA32_EFER')).toBe(false);
    expect(supportsControl(both, 'entry', 'load IA32_EFER')).toBe(false);
    expect(supportsControl(chosen(undefined, 'exit: load IA32_EFER'), 'entry', 'load IA32_EFER')).toBe(true);
  });

  test('a CPUID feature takes its CR4 bit along; without VMX there is no capability MSR', () => {
    expect(chosen(undefined, 'SMEP').cr4Fixed1).not.toContain('SMEP');
    const profile = chosen(undefined, 'VMX');
    expect(profile.vmx).toBe('absent');
    expect(vmxCapability(profile, 0x480)).toBeUndefined();
  });

  test('an unknown name is answered with near ones', () => {
    expect(chooseProfile(undefined, ['unrestricted guests'])).toMatchObject({
      ok: false,
      setting: 'without',
      name: 'unrestricted guests',
      expected: expect.stringContaining('"unrestricted guest"'),
    });
  });

  test.each(CAPABILITY_NAMES.filter((name) => !name.startsWith('cpuid')))('%s: the rest agrees with itself', (name) => {
    const profile = chosen(undefined, name);
    const has = (word: 'pin' | 'primary' | 'secondary', control: string) =>
      (profile.controls[word] as readonly string[]).includes(control);
    for (const control of ['unrestricted guest', 'enable PML', 'mode-based execute control for EPT']) {
      expect(has('secondary', control) && !has('secondary', 'enable EPT')).toBe(false);
    }
    expect(has('pin', 'virtual NMIs') && !has('pin', 'NMI exiting')).toBe(false);
    expect(has('secondary', 'virtual-interrupt delivery') && !has('primary', 'use TPR shadow')).toBe(false);
  });
});
