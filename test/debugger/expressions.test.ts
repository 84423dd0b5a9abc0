import { describe, expect, test } from 'vitest';
import { evaluateShown } from '../../src/debugger/evaluation.ts';
import { evaluateText } from '../../src/debugger/expressions/evaluator.ts';
import type { Context } from '../../src/debugger/expressions/names.ts';
import { numeric } from '../../src/debugger/expressions/values.ts';
import { toyAt, toySession } from './toy-program.ts';

async function atExit(): Promise<Context> {
  const toy = await toyAt(0x1100);
  const { registersOfToy: registers } = toy.toy;
  registers.set('rax', 0xfedcba9876543210n);
  registers.set('rbx', 0x80000000n);
  registers.set('rflags', 0x246n);
  toy.toy.memory.set([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88], 0x3000);
  return toy.session.context();
}

/** Values by C's rules, worked out by hand. */
const VALUES: readonly (readonly [string, bigint])[] = [
  // notations
  ['0x1F', 31n],
  ['1fh', 31n],
  ['0b1_0110', 22n],
  ['0o17', 15n],
  ['1_000', 1000n],
  ["'AB'", 0x4241n],
  // precedence and associativity
  ['2 + 3 * 4', 14n],
  ['(2 + 3) * 4', 20n],
  ['10 - 4 - 3', 3n],
  ['1 << 4 + 1', 32n],
  ['7 & 3 == 3', 1n],
  ['1 | 2 ^ 3 & 2', 1n],
  ['1 || 0 && 0', 1n],
  ['1 ? 2 : 0 ? 3 : 4', 2n],
  ['0 ? 2 : 0 ? 3 : 4', 4n],
  ['!0 + !5', 1n],
  ['- - 5', 5n],
  ['~0', -1n],
  // wrap at 64 bits, signedness
  ['0xffffffffffffffff + 1', 0n],
  ['-1', -1n],
  ['-7 / 2', -3n],
  ['-7 % 2', -1n],
  ['-8 >> 1', -4n],
  ['rax >> 60', 15n],
  ['s64(rax) >> 60', -1n],
  ['-1 < 0', 1n],
  ['rax < 0', 0n],
  ['s64(rax) < 0', 1n],
  ['rax - rax == 0', 1n],
  ['s32(rbx)', -0x80000000n],
  ['u8(0x1ff)', 0xffn],
  ['1 << 64', 0n],
  ['1 << 63', -(1n << 63n)],
  // registers and their parts
  ['rax', 0xfedcba9876543210n],
  ['RAX', 0xfedcba9876543210n],
  ['eax', 0x76543210n],
  ['ax', 0x3210n],
  ['al', 0x10n],
  ['ah', 0x32n],
  ['ebx', 0x80000000n],
  ['rflags.zf', 1n],
  ['rflags.cf', 0n],
  ['rip', 0x1100n],
  ['host.rip', 0x1100n],
  ['guest.rip', 0x2001n],
  ['guest.eip', 0x2001n],
  ['guest.cr3', 0x9000n],
  ['guest.rax', 0xfedcba9876543210n],
  // VMCS fields, exits, constants
  ['GUEST_RIP', 0x2001n],
  ['guest_rip', 0x2001n],
  ['GUEST_CR0.PG', 1n],
  ['GUEST_CR0.WP', 0n],
  ['PIN_BASED_VM_EXECUTION_CONTROLS.external_interrupt_exiting', 0n],
  ['exit.reason', 10n],
  ['exit.reason == CPUID', 1n],
  ['exit.reason == EPT_VIOLATION', 0n],
  ['exit.number', 1n],
  ['exit.length', 2n],
  ['exits == 1 && entries == 1', 1n],
  ['root', 1n],
  // memory
  ['byte[0x3000]', 0x11n],
  ['word[0x3000]', 0x2211n],
  ['dword[gpa:0x3000]', 0x44332211n],
  ['qword[hpa: 0x3000]', 0x8877665544332211n],
  ['[0x3000]', 0x8877665544332211n],
  ['byte[0x3000 + byte[0x3000] - 0x10]', 0x22n],
  ['gva:0x3000 + 1', 0x3001n],
  // symbols
  ['true', 1n],
  ['false || true', 1n],
  ['handler', 0x1100n],
  ['handler + 4', 0x1104n],
  ['$guest', 0x2000n],
];

test.each(VALUES)('%s = %s', async (text, value) => {
  const result = evaluateText(text, await atExit());
  if (!result.ok) throw new Error(`${result.error.message} at ${result.error.position}`);
  expect(BigInt.asUintN(64, numeric(result.value))).toBe(BigInt.asUintN(64, value));
});

test.each([
  ['rax +', 'unexpected-end', 5],
  ['rax rbx', 'unexpected-token', 4],
  ['(1', 'unexpected-end', 2],
  ['1 # 2', 'bad-character', 2],
  ['0xg', 'bad-number', 0],
  ['12ab', 'bad-number', 0],
  ['0x10000000000000000', 'bad-number', 0],
  ['2 + nobody', 'unknown-name', 4],
  ['exit.nothing', 'unknown-name', 0],
  ['guest.nothing', 'unknown-name', 0],
  ['guest.gs.base', 'unavailable', 0],
  ['hits', 'unavailable', 0],
  ['1 / (rax - rax)', 'division-by-zero', 0],
  ['dword[0x1fffe]', 'unreadable-memory', 0],
  ['handler = 5', 'write-refused', 0],
  ['exit.reason = 5', 'write-refused', 0],
  ['hits = 5', 'write-refused', 0],
  ['1 = 5', 'not-assignable', 0],
  ['f(1)', 'unknown-name', 0],
  ['TPR_THRESHOLD', 'unavailable', 0],
])('%s: %s at %i', async (text, code, position) => {
  const context = await atExit();
  const result = evaluateText(text, text.startsWith('guest.gs') ? withGs(context) : context);
  expect(result).toMatchObject({ ok: false, error: { code, position } });
});

test.each([
  ['raz', 'rax'],
  ['RAXX', 'rax'],
  ['GUEST_RIPP', 'GUEST_RIP'],
  ['guest_rflag', 'GUEST_RFLAGS'],
  ['hitts', 'hits'],
  ['CPUDI', undefined],
  ['CPUIDS', 'CPUID'],
  ['handlr', 'handler'],
  ['nobody', undefined],
  ['ab', undefined],
])('%s is unknown: is %s meant?', async (text, meant) => {
  const result = evaluateText(text, await atExit());
  if (result.ok) throw new Error('it is known');
  if (meant === undefined) expect(result.error.message).not.toContain('meant');
  else expect(result.error.message).toMatch(new RegExp(`\\. Is \`${meant}\` meant\\?$`));
});

/** The toy has no GS: give it one that the VMCS does not hold. */
function withGs(context: Context): Context {
  const { machine } = context;
  return { ...context, machine: { ...machine, registerNames: () => [...machine.registerNames(), 'gs.base'] } };
}

describe('assignment', () => {
  test.each([
    ['rbx = 0x1122334455667788', 'rbx', 0x1122334455667788n],
    ['ebx = 0xffffffff', 'rbx', 0xffffffffn],
    ['al = 0xff', 'rax', 0xfedcba98765432ffn],
    ['ah = 0', 'rax', 0xfedcba9876540010n],
    ['rbx += 1', 'rbx', 0x80000001n],
    ['rbx <<= 4', 'rbx', 0x800000000n],
    ['rflags.zf = 0', 'rflags', 0x206n],
  ])('%s', async (text, register, value) => {
    const context = await atExit();
    expect(evaluateText(text, context).ok).toBe(true);
    expect(context.machine.readRegister(register)).toBe(value);
  });

  test('of the guest goes to the VMCS', async () => {
    const context = await atExit();
    expect(evaluateText('guest.rip += exit.length', context).ok).toBe(true);
    expect(context.machine.readVmcs(0x681e)).toBe(0x2003n);
    expect(evaluateText('GUEST_CR0.WP = 1', context).ok).toBe(true);
    expect(context.machine.readVmcs(0x6800)).toBe(0x80010031n);
  });

  test('of memory is all or nothing', async () => {
    const context = await atExit();
    expect(evaluateText('dword[0x3000] = 0xaabbccdd', context).ok).toBe(true);
    expect(context.machine.peekPhysical(0x3000n, 5)).toEqual(new Uint8Array([0xdd, 0xcc, 0xbb, 0xaa, 0x55]));
    expect(evaluateText('dword[0x1fffe] = 1', context).ok).toBe(false);
    expect(context.machine.peekPhysical(0x1fffen, 2)).toEqual(new Uint8Array([0, 0]));
  });
});

test.each([
  ['rax', '0xfedcba9876543210'],
  ['al', '0x10'],
  ['al,d', '16'],
  ['al,b', '0b10000'],
  ['rax,s', '-81985529216486896'],
  ['eax,o', '0o16625031020'],
  ['5', '5'],
  ['-1', '-1 (0xffffffffffffffff)'],
  ['3 + 40', '43 (0x2b)'],
  ['exit.reason', '0xa (CPUID)'],
  ['exit.reason,d', '10 (CPUID)'],
])('%s is shown as %s', async (text, shown) => {
  const result = evaluateShown(text, await atExit());
  expect(result.ok ? result.value.text : result.error.message).toBe(shown);
});

test('before the first VM exit there is nothing to tell about one', async () => {
  const toy = toySession();
  await toy.until(() => toy.session.start());
  expect(evaluateText('exit.reason', toy.session.context())).toMatchObject({
    ok: false,
    error: { message: 'There was no VM exit yet.' },
  });
});
