// Random VMCSs, starting from valid ones: the checks never throw, always say the same, and explain every failure in words.

import { describe, expect, test } from 'vitest';
import { VMCS_FIELD_LIST, type VmcsFieldName } from '../../../src/spec/vmcs-fields.ts';
import { RECENT_SERVER } from '../../../src/vmx/profiles.ts';
import { ENTRY_CHECKS } from '../../../src/vmx/checks/list.ts';
import { runEntryChecks } from '../../../src/vmx/checks/run.ts';
import { CONTROL_EDGES } from './cases-controls.ts';
import { GUEST_EDGES } from './cases-guest.ts';
import { HOST_EDGES } from './cases-host.ts';
import { EVERYTHING, fixture } from './fixture.ts';

const TRIALS = Number(process.env.RINGSIDE_TRIALS ?? 600);
const SEED = 271_828_183;

/** xorshift32, so that a failure can be repeated. */
function randomSource(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutate(random: (below: number) => number, value: bigint, bits: number): bigint {
  switch (random(4)) {
    case 0:
      return value ^ (1n << BigInt(random(bits)));
    case 1:
      return 0n;
    case 2:
      return BigInt.asUintN(bits, -1n - BigInt(random(16)));
    default:
      return BigInt.asUintN(
        bits,
        (BigInt(random(0x4000_0000)) << 34n) ^ (BigInt(random(0x4000_0000)) << 8n) ^ BigInt(random(256)),
      );
  }
}

describe.each([RECENT_SERVER, EVERYTHING])('random VMCSs on $name', (profile) => {
  test('are judged the same each time, and every failure is explained', () => {
    const random = randomSource(SEED);
    const bases = [{}, ...CONTROL_EDGES, ...HOST_EDGES, ...GUEST_EDGES];
    const order = ENTRY_CHECKS.map((check) => check.id);
    let failures = 0;
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const base = fixture(bases[random(bases.length)] ?? {});
      const edits = new Map<number, bigint>();
      const names: VmcsFieldName[] = [];
      for (let edit = random(4); edit >= 0; edit -= 1) {
        const field = VMCS_FIELD_LIST[random(VMCS_FIELD_LIST.length)];
        if (field !== undefined) {
          const bits = field.width === 'natural' ? 64 : field.width;
          edits.set(field.encoding, mutate(random, base.reader(field.encoding), bits));
          names.push(field.name);
        }
      }
      const reader = (encoding: number): bigint => edits.get(encoding) ?? base.reader(encoding);
      const env = { ...base.env, profile };
      const about = `seed ${SEED}, trial ${trial}: ${names.join(', ')}`;
      const verdict = runEntryChecks(reader, env);
      expect(runEntryChecks(reader, env), about).toEqual(verdict);
      if (verdict.passed) {
        continue;
      }
      failures += 1;
      const places = verdict.checks.map((check) => order.indexOf(check.id));
      expect(places, about).toEqual([...places].sort((a, b) => a - b));
      expect(
        verdict.checks.map((check) => check.reported),
        about,
      ).toEqual(verdict.checks.map((_, index) => index === 0));
      for (const check of verdict.checks) {
        expect(`${check.rule} ${check.fix}`, `${about}: ${check.id}`).not.toMatch(/undefined|NaN|\[object/);
      }
    }
    expect(failures).toBeGreaterThan(TRIALS / 4);
    expect(failures).toBeLessThan(TRIALS);
  });
});
