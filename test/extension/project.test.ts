// New projects, made as the command makes them, and used: they run and their tests pass.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { nameProblem, type ProjectKind, projectFiles, TEMPLATES } from '../../src/extension/project/files.ts';
import { type Bundle, bundle, ringside, ROOT, whyNoBundle } from '../cli/bundle.ts';
import { lacking, run, temporaryFolder } from '../program/toolchain.ts';

const read = async (path: string): Promise<string> => readFileSync(join(ROOT, path), 'utf8');
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

async function made(kind: ProjectKind): Promise<string> {
  const folder = join(temporaryFolder(), 'my-hypervisor');
  for (const { path, text } of await projectFiles(kind, 'my-hypervisor', read)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const configured = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, '.vscode', file), 'utf8'));
const programOf = (folder: string): string =>
  configured(folder, 'launch.json').configurations[0].program.replace(/\$\{workspaceFolder\}/, folder);

describe.skipIf(whyNoBundle() !== undefined)('a new project', () => {
  let built: Bundle;
  beforeAll(async () => {
    built = await bundle('project');
  }, 60_000);

  async function works(folder: string): Promise<void> {
    const ran = await ringside(built.cli, ['run', programOf(folder), '--quiet']);
    expect(ran.stdout).toContain('my-hypervisor: the guest has halted after 2 VM exits');
    // isa-debug-exit makes 1 of the value 0.
    expect(ran.status).toBe(1);
    const tested = await ringside(built.cli, ['test', folder]);
    expect(tested.stdout).toMatch(/^# 3 passed, 0 failed$/m);
    expect(tested.status).toBe(0);
  }

  test('in assembly runs as it is, its tests pass, and its build task makes a binary', {
    timeout: 30_000,
  }, async () => {
    const folder = await made('assembly');
    await works(folder);
    const [assemble] = configured(folder, 'tasks.json').tasks;
    const args = assemble.args.map((arg: string) => arg.replace(/\$\{workspaceFolder\}/, folder));
    expect((await ringside(built.cli, [assemble.command, ...args])).status).toBe(0);
    expect(existsSync(join(folder, 'hypervisor.bin'))).toBe(true);
  });

  test('tests of the assembly project see a fault', { timeout: 30_000 }, async () => {
    const folder = await made('assembly');
    const source = join(folder, 'hypervisor.asm');
    writeFileSync(source, readFileSync(source, 'utf8').replace('and     ecx, ~CPUID_1_ECX_VMX', 'nop'));
    const { stdout, status } = await ringside(built.cli, ['test', folder]);
    expect([status, stdout.match(/^not ok .*$/gm)]).toEqual([
      1,
      [expect.stringContaining('test_guest_does_not_see_vmx')],
    ]);
  });

  test.skipIf(lacking('gcc', 'make', 'ld'))(
    'in C builds by its task, runs, and its tests pass',
    { timeout: 120_000 },
    async () => {
      const folder = await made('c');
      const [build] = configured(folder, 'tasks.json').tasks;
      const said = run(build.command, [], folder);
      expect(said).not.toMatch(/warning/);
      await works(folder);
    },
  );
});

describe('what a project is made of', () => {
  test.each(Object.keys(TEMPLATES) as ProjectKind[])('%s: nothing is left of the templates', async (kind) => {
    const files = await projectFiles(kind, 'my-hypervisor', read);
    for (const { text } of files) expect(text).not.toMatch(/\{\{|tiny-hypervisor/);
    expect(files.map(({ path }) => path)).toContain(TEMPLATES[kind].first);
    const tasks = TEMPLATES[kind].tasks as { label: string; problemMatcher: string[] }[];
    const known = MANIFEST.contributes.problemMatchers.map(({ name }: { name: string }) => `$${name}`);
    for (const { problemMatcher } of tasks) for (const name of problemMatcher) expect(known).toContain(name);
  });

  test.each([
    ['my-hypervisor', true],
    ['h2.x_y', true],
    ['', false],
    ['../up', false],
    ['a b', false],
    ['.hidden', false],
    ['end.', false],
    ['"quote', false],
    ['x'.repeat(61), false],
  ])('name %j', (name, good) => {
    expect(nameProblem(name) === undefined).toBe(good);
  });
});

describe('activation', () => {
  test('a new project in C is known before it is built', () => {
    const roots = MANIFEST.activationEvents
      .map((event: string) => /^workspaceContains:([^*/]+)$/.exec(event)?.[1])
      .filter((name: string | undefined) => name !== undefined);
    expect(roots.some((name: string) => name in TEMPLATES.c.files)).toBe(true);
  });
});

describe('problem matchers', () => {
  const patterns = new Map<string, { regexp?: string; patterns?: { regexp: string }[] }>(
    MANIFEST.contributes.problemPatterns.map((pattern: { name: string }) => [pattern.name, pattern]),
  );

  test.skipIf(lacking('gcc', 'ld'))('they understand the compiler and the linker', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.c'), 'void nope(void);\nvoid a(void) { nope(); }\n');
    writeFileSync(join(folder, 'b.c'), 'int b(void) {\n  return nope;\n}\n');
    writeFileSync(join(folder, 'c.c'), '#include "none.h"\n');
    writeFileSync(join(folder, 'd.c'), 'int d(void) {\n}\n');
    const said = (command: string) => run('sh', ['-c', `${command} 2>&1 || true`], folder).split('\n');
    const found = (name: string, lines: readonly string[]) => {
      const one = new RegExp(patterns.get(name)?.regexp ?? '');
      return lines.map((line) => one.exec(line)?.slice(1)).find((groups) => groups !== undefined);
    };
    expect(found('ringside-gcc', said('gcc -c b.c'))?.slice(0, 4)).toEqual(['b.c', '2', '10', 'error']);
    expect(found('ringside-gcc', said('gcc -c c.c'))?.slice(0, 4)).toEqual(['c.c', '1', '10', 'error']);
    expect(found('ringside-gcc', said('gcc -Wall -c d.c'))?.slice(0, 4)).toEqual(['d.c', '2', '1', 'warning']);
    const [file, line, message] = found('ringside-ld', said('gcc -g -c a.c && ld -e a -o a.elf a.o')) ?? [];
    expect([file?.endsWith('a.c'), line]).toEqual([true, '2']);
    expect(message).toMatch(/nope/);
  });

  test.skipIf(whyNoBundle() !== undefined)('they understand what the commands say', { timeout: 30_000 }, async () => {
    const { cli } = await bundle('matchers');
    const folder = temporaryFolder();
    const bad = join(folder, 'bad.asm');
    const failing = join(folder, 'test.asm');
    writeFileSync(bad, '        mov     eax,\n');
    writeFileSync(failing, '        bits 64\nstart:  hlt\ntest_a: ret             ; @assert rax == 1\n');
    const assembled = await ringside(cli, ['asm', bad, '-o', join(folder, 'out')]);
    const ran = await ringside(cli, ['run', bad]);
    const one = new RegExp(patterns.get('ringside')?.regexp ?? '', 'm');
    expect(one.exec(assembled.stderr)?.slice(1, 5)).toEqual([bad, '1', '21', 'error']);
    expect(one.exec(ran.stderr)?.slice(1, 4)).toEqual([bad, '1', '21']);
    const tested = await ringside(cli, ['test', failing]);
    const [message, place] = patterns.get('ringside-test')?.patterns ?? [];
    const lines = tested.stdout.split('\n');
    const at = lines.findIndex((line) => new RegExp(message?.regexp ?? '').test(line));
    expect(new RegExp(place?.regexp ?? '').exec(lines[at + 1] ?? '')?.slice(1)).toEqual([failing, '3']);
  });
});
