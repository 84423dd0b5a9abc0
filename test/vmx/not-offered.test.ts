// What is not offered stands in one table, and nothing stands there that is offered.
import { describe, expect, test } from 'vitest';
import { CONTROL_WORDS, type ControlWord } from '../../src/spec/controls.ts';
import { EXIT_REASON_LIST } from '../../src/spec/exit-reasons.ts';
import { VMCS_FIELD_LIST } from '../../src/spec/vmcs-fields.ts';
import { VMX_BASIC, VMX_EPT_VPID_CAP, VMX_MISC } from '../../src/spec/vmx-capabilities.ts';
import { fieldExists } from '../../src/vmx/capabilities.ts';
import { fieldOmission, NOT_OFFERED } from '../../src/vmx/not-offered.ts';
import { RECENT_SERVER } from '../../src/vmx/profiles.ts';

const named = NOT_OFFERED.flatMap(({ controls, capabilities }) => [...(controls ?? []), ...(capabilities ?? [])]);

describe('what is not offered', () => {
  test('is every control that the recent server lacks', () => {
    const lacking = (Object.keys(CONTROL_WORDS) as ControlWord[]).flatMap((word) =>
      Object.keys(CONTROL_WORDS[word].bits)
        .filter((name) => !(RECENT_SERVER.controls[word] as readonly string[]).includes(name))
        .map((name) => `${word}: ${name}`),
    );
    const controls = NOT_OFFERED.flatMap((omission) => omission.controls ?? []);
    expect([...controls].sort()).toEqual(lacking.sort());
  });

  test('is every capability bit that the recent server lacks', () => {
    const words = [
      ['basic', VMX_BASIC, RECENT_SERVER.basic],
      ['misc', VMX_MISC, RECENT_SERVER.misc],
      ['ept', VMX_EPT_VPID_CAP, RECENT_SERVER.eptVpid],
    ] as const;
    const lacking = words.flatMap(([word, layout, offered]) =>
      layout
        .filter(({ low, high, name }) => low === high && !offered.includes(name))
        .map(({ name }) => `${word}: ${name}`),
    );
    const capabilities = NOT_OFFERED.flatMap((omission) => omission.capabilities ?? []);
    expect([...capabilities].sort()).toEqual(lacking.sort());
  });

  test('gives a reason for every field that does not exist', () => {
    const unexplained = VMCS_FIELD_LIST.filter(
      (field) => !fieldExists(RECENT_SERVER, field) && fieldOmission(field) === undefined,
    );
    expect(unexplained.map(({ name }) => name)).toEqual([]);
  });

  test('names nothing twice and no exit reason that does not exist', () => {
    expect(new Set(named).size).toBe(named.length);
    const known = new Set(EXIT_REASON_LIST.map(({ identifier }) => identifier));
    expect(NOT_OFFERED.flatMap(({ exits }) => exits ?? []).filter((exit) => !known.has(exit))).toEqual([]);
  });
});
