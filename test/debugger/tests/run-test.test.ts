import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { annotationsOfProgram } from '../../../src/debugger/annotations/binding.ts';
import { createScheduler } from '../../../src/debugger/scheduler.ts';
import { Session } from '../../../src/debugger/session.ts';
import { standAtTest } from '../../../src/debugger/tests/stand.ts';
import type { Coverage, TestResult } from '../../../src/debugger/tests/types.ts';
import { createMachine } from '../../../src/machine/machine.ts';
import { imageOf } from '../../../src/program/image.ts';
import { loadProgram } from '../../../src/program/load.ts';
import { fileReader, lacking, temporaryFolder } from '../../program/toolchain.ts';
import { coreModule } from '../../vmx/hypervisors.ts';
import { runSource, runSuite } from './suite.ts';

const RAM = 16 << 20;

const verdicts = (results: readonly TestResult[]): Record<string, string> =>
  Object.fromEntries(
    results.map(({ test, failures }) => [test.name, failures.map(({ message }) => message).join('\n') || 'passed']),
  );

const CALLED = (bits: number): string => `
        bits    ${bits}
start:  hlt
add_two:
        add     ax, 2           ; @assert ax < 10
        ret
test_adds:
        mov     ax, 40
        sub     ax, 38
        call    add_two
        nop                     ; @assert ax == 4
        ret
test_wrong:
        mov     ax, 3
        call    add_two
        ret                     ; @assert ax == 6
test_precondition:
        mov     ax, 10
        jmp     add_two
test_fresh:
        cmp     byte [mark], 0
        jne     $
        inc     byte [mark]
        ret
test_fresh_again:
        cmp     byte [mark], 0
        jne     $
        inc     byte [mark]
        ret
test_endless:
        jmp     $
test_ends_well:
        mov     al, 0
        out     0xF4, al
test_ends_badly:
        mov     al, 1
        out     0xF4, al
mark:   db      0
`;

describe('labels test_* are called, each on a fresh machine', () => {
  it.each([16, 32, 64])('in %i-bit code', async (bits) => {
    const found = verdicts(await runSource(CALLED(bits)));
    expect(Object.keys(found)).toEqual([
      'test_adds',
      'test_wrong',
      'test_precondition',
      'test_fresh',
      'test_fresh_again',
      'test_endless',
      'test_ends_well',
      'test_ends_badly',
    ]);
    for (const name of ['test_adds', 'test_fresh', 'test_fresh_again', 'test_ends_well']) {
      expect(found[name], name).toBe('passed');
    }
    expect(found.test_wrong).toBe('Assertion failed: ax == 6, where ax is 0x5 (suite.asm:16 in test_wrong)');
    expect(found.test_precondition).toBe('Assertion failed: ax < 10, where ax is 0xa (suite.asm:5 in add_two)');
    expect(found.test_endless).toMatch(/^It took more than 100000 instructions and stands at .*test_endless/);
    expect(found.test_ends_badly).toBe('It ended with status 3 through port 0xf4.');
  });

  it('before_tests is called first, ready_for_tests is reached first', async () => {
    const source = `
        bits    64
start:  mov     ebx, 5
ready_for_tests:
        hlt
before_tests:
        inc     ebx
        ret
test_prepared:
        ret                     ; @assert ebx == 6
`;
    expect(verdicts(await runSource(source))).toEqual({ test_prepared: 'passed' });
  });

  it('a test that recurses through the place where it returns to is not taken for one that returned', async () => {
    const source = `
        bits    64
start:  ret
test_calls_entry:
        call    start
        mov     al, 1
        out     0xF4, al
`;
    expect(verdicts(await runSource(source)).test_calls_entry).toBe('It ended with status 3 through port 0xf4.');
  });
});

describe('a program without such labels is one test', () => {
  const program = (body: string): string => `        bits 64\nstart:\n${body}\n`;
  const END = '        mov al, 0\n        out 0xF4, al';

  it.each([
    ['it ends with the value 0', END, 'passed'],
    ['another value', '        mov al, 2\n        out 0xF4, al', /ended with status 5 through port 0xf4; 1 /],
    ['it halts', '        hlt', /nothing will wake it/],
    ['a triple fault', '        lidt [zero]\n        ud2\nzero: times 10 db 0', /Triple fault[\s\S]*#UD/],
    [
      'an assertion that was never reached',
      `${END}\n        nop ; @assert rax == 0`,
      /"@assert rax == 0" was never reached/,
    ],
    [
      'an expected exit outside a guest',
      `        cpuid ; @expect-exit CPUID\n${END}`,
      /^Expected VM exit CPUID, but no VM exit happened/,
    ],
    [
      'an expression that has no value',
      `        nop ; @assert nonsense == 1\n${END}`,
      /cannot be evaluated: .*nonsense/,
    ],
  ])('%s', async (_, body, expected) => {
    const [result] = await runSource(program(body));
    const [verdict] = Object.values(verdicts([result!]));
    if (typeof expected === 'string') expect(verdict).toBe(expected);
    else expect(verdict).toMatch(expected);
  });

  it('logs, prints and counts', async () => {
    const body = `        mov al, 'k'\n        out 0xE9, al ; @log AL is {al}, {{so}}\n${END}`;
    const [result] = await runSource(program(body));
    expect(result).toMatchObject({
      failures: [],
      console: 'k',
      notes: ['AL is 0x6b, {so}'],
      instructions: 4,
      exits: 0,
    });
  });
});

const SAMPLES = join(import.meta.dirname, '../../../samples');
const LAB = '03-handle-cpuid';

describe('VM exits', () => {
  it.each([
    ['CPUID', 'passed'],
    ['CPUID if eax == 0x40000000', 'passed'],
    ['HLT if eax == 1', 'passed'],
    ['HLT', /^Expected VM exit HLT, but the VM exit was CPUID/],
  ])('an instruction that must exit: %s', async (expectation, expected) => {
    const folder = temporaryFolder();
    for (const part of ['include', 'labs']) cpSync(join(SAMPLES, part), join(folder, part), { recursive: true });
    const program = join(folder, 'labs/solutions', `${LAB}.asm`);
    const text = readFileSync(program, 'utf8');
    const changed = text.replace(
      /(mov +eax, LEAF_HYPERVISOR\n +cpuid)(?=\n +mov +\[seen_name\])/,
      `$1 ; @expect-exit ${expectation}`,
    );
    expect(changed).not.toBe(text);
    writeFileSync(program, changed);
    const results = await runSuite(join(folder, 'labs', LAB, 'test.asm'), {
      load: { defines: { LAB: `"../solutions/${LAB}.asm"` } },
      readFile: fileReader,
    });
    expect(Object.keys(verdicts(results))).toEqual([LAB]);
    const [verdict] = Object.values(verdicts(results));
    if (typeof expected === 'string') expect(verdict).toBe(expected);
    else expect(verdict).toMatch(expected);
  });
});

describe('coverage', () => {
  it('counts each line, loops and all; lines that did not run are there with 0', async () => {
    const coverage: Coverage = new Map();
    const source = `        bits 64
start:  hlt
test_loop:
        mov     ecx, 3
.again: dec     ecx
        jnz     .again
        ret
never:  nop
`;
    expect(verdicts(await runSource(source, { coverage }))).toEqual({ test_loop: 'passed' });
    expect([...coverage.get('/suite.asm')!]).toEqual([
      [2, 0],
      [4, 1],
      [5, 3],
      [6, 3],
      [7, 1],
      [8, 0],
    ]);
  });
});

describe.skipIf(lacking('gcc', 'ld', 'make'))('C', () => {
  it('functions test_* of an ELF image, with assertions in comments', async () => {
    const source = `int sum(const int *from, int count) {
  int total = 0;
  for (int i = 0; i < count; i++)
    total += from[i];
  return total;
}
static const int numbers[] = {1, 2, 39};
void test_sum(void) {
  int got = sum(numbers, 3);
  __asm__ volatile("" : : "a"(got)); // not code
  __asm__ volatile("nop" : : "a"(got)); /* @assert eax == 42 */
}
void test_wrong(void) {
  __asm__ volatile("nop" : : "a"(sum(numbers, 2))); // @assert eax == 4
}
void start(void) { for (;;); }
`;
    const found = verdicts(await runC(source, '-O1'));
    expect(found.test_sum).toBe('passed');
    // Before the line's first instruction, which loads an argument: EAX is what the machine began with.
    expect(found.test_wrong).toBe('Assertion failed: eax == 4, where eax is 0x0 (sum.c:14 in test_wrong)');
  });

  it('local variables, members and casts mean what they mean in the frame', async () => {
    const source = `struct pair { int low; struct { unsigned char bytes[4]; } high; };
static int twice(const struct pair *of) {
  int result = 2 * of->low;
  return result; // @assert result == of->low + of->low && of->high.bytes[1] == 0xa5
}
void test_locals(void) {
  struct pair pair = {-21, {{0, 0xa5, 0, 0}}};
  int got = twice(&pair);
  got++; // @assert got == -42
  got++; // @log got is {got}, the byte {pair.high.bytes[1]}
}
void test_wrong(void) {
  struct pair pair = {4, {{0}}};
  pair.low = 5;
  pair.low++; // @assert pair.low == 4
}
void start(void) { for (;;); }
`;
    const found = await runC(source, '-O0');
    expect(verdicts(found)).toEqual({
      test_locals: 'passed',
      test_wrong: 'Assertion failed: pair.low == 4, where pair.low is 5 (sum.c:15 in test_wrong)',
    });
    // A session that stands at the test says the same.
    const folder = temporaryFolder();
    expect(await firstAssertion(buildC(folder, source, '-O0'), 'test_wrong')).toBe(verdicts(found).test_wrong);
    expect(found[0]!.notes).toEqual(["got is -41, the byte 0xa5 ('¥')"]);
  });

  it.each([
    ['leaf == (uint32_t)guest->rax && vm->registers.rax == leaf', 'passed'],
    // A local variable is called guest: guest. names the side's registers all the same.
    ['guest.rip == GUEST_RIP && guest.cr0.pe == (GUEST_CR0 & 1) && vm->launched == true', 'passed'],
    ['leaf == 0x40000001', /^Assertion failed: leaf == 0x40000001, where leaf is .* \(exits\.c:30 in handle_cpuid\)$/],
  ])('in the exit handler of a hypervisor: %s', async (expression, expected) => {
    const folder = temporaryFolder();
    cpSync(join(SAMPLES, 'tiny-hypervisor'), folder, { recursive: true });
    rewrite(join(folder, 'exits.c'), /(struct cpuid answer = cpuid\(.*\);)/, `$1 // @assert ${expression}`);
    rewrite(join(folder, 'main.c'), /(#define EXIT_SUCCESS) 0x10/, '$1 0');
    execFileSync('make', ['-s', '-C', folder, 'tiny-hypervisor.elf']);
    const image = join(folder, 'tiny-hypervisor.elf');
    const readFile = (path: string): Promise<Uint8Array> => fileReader(resolve(folder, path));
    const found = Object.values(verdicts(await runSuite(image, { limit: 20_000_000, readFile })));
    if (typeof expected === 'string') expect(found).toEqual([expected]);
    else expect(found).toEqual([expect.stringMatching(expected)]);
  });
});

function rewrite(file: string, pattern: RegExp, replacement: string): void {
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(pattern, replacement);
  expect(changed).not.toBe(text);
  writeFileSync(file, changed);
}

/** Runs the tests of a C source. */
function runC(source: string, optimization: string): Promise<TestResult[]> {
  const image = buildC(temporaryFolder(), source, optimization);
  return runSuite(image, { load: { bits: 64 }, readFile: fileReader });
}

function buildC(folder: string, source: string, optimization: string): string {
  writeFileSync(join(folder, 'sum.c'), source);
  const image = join(folder, 'sum.elf');
  // biome-ignore format: a command line
  execFileSync('gcc', [
    '-g', optimization, '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-mgeneral-regs-only',
    '-fcf-protection=none', '-fno-stack-protector', '-Wl,-Ttext=0x200000,-e,start,--build-id=none', '-o', image, join(folder, 'sum.c'),
  ]);
  return image;
}

/** What a session that runs a test says where it stops. */
async function firstAssertion(path: string, name: string): Promise<string> {
  const program = await loadProgram(path, { ramSize: RAM, bits: 64 }, fileReader);
  const image = imageOf(program);
  const machine = createMachine({ coreWasm: coreModule(), ramSize: RAM, program });
  expect(await standAtTest(machine, image, name)).toEqual({ ok: true });
  const { bound } = await annotationsOfProgram(image, fileReader);
  return new Promise((resolve) => {
    const session = new Session({
      machine,
      image,
      scheduler: createScheduler(),
      stopOnEntry: false,
      stopOnFirstVmExit: false,
      annotations: { bound, enabled: 'all' },
      events: {
        continued: () => {},
        stopped: (cause) => resolve(cause.kind === 'assertion' ? cause.text : cause.kind),
        ended: (status) => resolve(`ended with ${status}`),
        logged: () => {},
      },
    });
    session.start();
  });
}
