import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundle, ringside, ROOT, whyNoBundle } from './bundle.ts';

const skip = whyNoBundle();
if (skip !== undefined) console.log(`the command line is not tested: ${skip}`);

const HYPERVISOR = join('test', 'dap', 'programs', 'hypervisor.asm');
const folder = join(ROOT, 'build', 'test', 'cli');

describe.skipIf(skip !== undefined)('ringside', () => {
  let built: Bundle;
  beforeAll(async () => {
    built = await bundle('cli');
  }, 60_000);
  const run = (...args: string[]): ReturnType<typeof ringside> => ringside(built.cli, args);

  describe('run', () => {
    test('a line for each exit and entry, console output, status from the test port', async () => {
      const { status, stdout, stderr } = await run('run', HYPERVISOR, '--trace', 'exits');
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replaceAll(/\s+/g, ' ').replace(/@ \d+ /, ''));
      expect(lines).toEqual([
        expect.stringMatching(/^entry 1 VMLAUNCH at 0x[0-9a-f]+ <launch> guest 0x[0-9a-f]+ <guest>$/),
        expect.stringMatching(/^exit 1 CPUID \(10\) guest 0x[0-9a-f]+ <guest\+0x5> CPUID leaf 0x1, subleaf 0x0$/),
        'c',
        expect.stringMatching(/^entry 2 VMRESUME at /),
        expect.stringMatching(/^exit 2 CPUID \(10\) .* CPUID leaf 0x40000000, subleaf 0x0$/),
        'c',
        expect.stringMatching(/^entry 3 VMRESUME at /),
        expect.stringMatching(/^exit 3 VMCALL \(18\) .*<guest_function\+0x5> VMCALL with RAX 0x5$/),
        'v',
        expect.stringMatching(/^entry 4 VMRESUME at /),
        expect.stringMatching(/^exit 4 HLT \(12\) guest /),
      ]);
      // isa-debug-exit: the value 1 gives (1 << 1) | 1.
      expect(status).toBe(3);
      expect(stderr).toContain('Ended: status 3 through port 0xf4.');
      expect(stderr).toContain('4 VM exits, 4 VM entries');
      expect(stderr).toContain('VMX root operation, RIP ');
    });

    test('a failed VM entry is explained: every check, fields, rules, fixes', async () => {
      const { status, stderr } = await run('run', HYPERVISOR, '--define', 'BROKEN', '--quiet');
      expect(stderr).toMatch(/VMLAUNCH failed: 3 checks fail/);
      expect(stderr).toContain('VM-instruction error 8');
      expect(stderr).toMatch(
        /1\. Host CR4 = 0x20 .*the processor reports this one\n {3}Written: 0x[0-9a-f]+ \(.*hypervisor\.asm:\d+\)/,
      );
      expect(stderr).toMatch(/Guest CS access rights = 0xa01b/);
      expect(stderr).toMatch(/Guest RFLAGS = 0x0/);
      expect(stderr.match(/ {3}SDM: /g)).toHaveLength(3);
      expect(status).toBe(3);
    });

    test('--stats: what the VM exits cost, as text, CSV and JSON', async () => {
      const text = (await run('run', HYPERVISOR, '--quiet', '--stats')).stderr;
      expect(text).toMatch(/^4 VM exits, 4 VM entries; \d+ of \d+ instructions in exit handlers \(\d+\.\d %\)\.$/m);
      expect(text).toMatch(/^CPUID \(10\) +2 +50\.0 %/m);
      expect(text).toMatch(/^0x[0-9a-f]+ <guest\+0x5> {2}CPUID +1 +25\.0 %/m);
      const csv = (await run('run', HYPERVISOR, '--quiet', '--stats=csv')).stderr.trimEnd().split('\r\n');
      expect(csv[0]).toBe('scope,reason,name,rip,linear,symbol,vmcs,count,share,handled,min,mean,max,total');
      expect(csv).toContainEqual(expect.stringMatching(/^reason,12,HLT,,,,,1,0\.250000,0,0,0\.000,0,0$/));
      expect(csv).toContainEqual(
        expect.stringMatching(/^place,10,CPUID,0x[0-9a-f]+,0x[0-9a-f]+,guest\+0x5,0x[0-9a-f]+,1,0\.250000,1,/),
      );
      const json = JSON.parse((await run('run', HYPERVISOR, '--quiet', '--stats=json')).stderr);
      expect(json).toMatchObject({ exits: 4, entries: 4 });
      expect(json.reasons.map((row: { identifier: string }) => row.identifier)).toContain('VMCALL');
    });

    test('the instruction limit ends an endless program', async () => {
      writeFileSync(join(folder, 'loop.asm'), 'bits 64\nstart: jmp start\n');
      const { status, stderr } = await run('run', join(folder, 'loop.asm'), '--max-instructions', '1_000_000');
      expect(status).toBe(124);
      expect(stderr).toContain('1000000 instructions');
    });

    test('--interactive: standard input arrives at COM1', async () => {
      const echo = `bits 64
start:
        mov dx, 0x3fd
        in al, dx
        test al, 1
        jz start
        mov dx, 0x3f8
        in al, dx
        out dx, al
        cmp al, 'q'
        jne start
        mov al, 5
        out 0xf4, al
`;
      writeFileSync(join(folder, 'echo.asm'), echo);
      const { status, stdout } = await ringside(
        built.cli,
        ['run', join(folder, 'echo.asm'), '--interactive', '--quiet'],
        'hello q',
      );
      expect(stdout).toBe('hello q');
      expect(status).toBe(11);
    });

    test('--interactive: a processor that halts waits for input, and halts for good when there is no more', async () => {
      writeFileSync(join(folder, 'halt.asm'), 'bits 64\ncli\nhlt\n');
      const { status, stderr } = await ringside(
        built.cli,
        ['run', join(folder, 'halt.asm'), '--interactive'],
        'unheard',
      );
      expect(status).toBe(0);
      expect(stderr).toContain('nothing will wake it');
    });

    test('a triple fault shows the chain', async () => {
      writeFileSync(join(folder, 'fault.asm'), 'bits 64\nlidt [limit]\nud2\nlimit: dw 0\ndq 0\n');
      const { status, stderr } = await run('run', join(folder, 'fault.asm'), '--quiet');
      expect(status).toBe(125);
      expect(stderr).toContain('Triple fault');
      expect(stderr).toMatch(/1\. #UD \(Invalid opcode\)/);
    });
  });

  describe('asm', () => {
    test('writes the image and a listing', async () => {
      writeFileSync(join(folder, 'small.asm'), 'bits 64\norg 0x100000\nmov rax, cr3\nvmcall\n');
      const out = join(folder, 'small.bin');
      const { status } = await run('asm', join(folder, 'small.asm'), '-o', out, '-l', join(folder, 'small.lst'));
      expect(status).toBe(0);
      expect(readFileSync(out).toString('hex')).toBe('0f20d80f01c1');
      expect(readFileSync(join(folder, 'small.lst'), 'utf8')).toMatch(/0F20D8\s+mov rax, cr3/);
    });

    test('errors name file, line and column; nothing is written', async () => {
      writeFileSync(join(folder, 'wrong.asm'), 'bits 64\n  mov rax, [\n  nonsense rbx\n');
      const out = join(folder, 'wrong.bin');
      rmSync(out, { force: true });
      const { status, stderr } = await run('asm', join(folder, 'wrong.asm'), '-o', out);
      expect(status).toBe(1);
      expect(stderr).toMatch(/wrong\.asm:2:\d+: error: .+ \[[a-z-]+\]/);
      expect(stderr).toMatch(/wrong\.asm:3:\d+: error: /);
      expect(() => readFileSync(out)).toThrow('ENOENT');
    });
  });

  test('dap: a connection that is cut inside a message, while the machine runs, ends the process', async () => {
    writeFileSync(join(folder, 'forever.asm'), 'bits 64\nstart: jmp start\n');
    const child = spawn(process.execPath, [built.cli, 'dap']);
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    const running = new Promise<void>((resolve) => {
      child.stdout.on('data', (data: Buffer) => data.toString().includes('"configurationDone"') && resolve());
    });
    const send = (seq: number, command: string, args: object): void => {
      const body = JSON.stringify({ seq, type: 'request', command, arguments: args });
      child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    };
    send(1, 'initialize', {});
    send(2, 'launch', { program: join(folder, 'forever.asm') });
    send(3, 'configurationDone', {});
    await running;
    child.stdin.end('Content-Length: 500\r\n\r\n{"seq');
    expect(await ended).toBe(0);
  });

  test('audit: the VMCS dumps of a log', async () => {
    const dump = join('test', 'debugger', 'explanations', 'dumps', 'xen.txt');
    const { status, stdout } = await run('audit', dump);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^1\. Guest TR access rights = 0x83 /m);
    expect(stdout).toMatch(/^Not judged, \d+ checks, because this is not known:$/m);
    const [json] = JSON.parse((await run('audit', dump, '--json')).stdout);
    expect(json.fields['Guest TR access rights']).toBe('0x83');
    expect(json.failed).toHaveLength(2);
  });

  describe('mistakes of the user', () => {
    test.concurrent.each([
      { args: [], status: 2, text: '' },
      { args: ['fly'], status: 2, text: 'There is no command "fly".' },
      { args: ['run'], status: 2, text: 'needs a file' },
      { args: ['run', 'a', 'b'], status: 2, text: '"b" is too much' },
      { args: ['run', 'a', '--wat'], status: 2, text: "Unknown option '--wat'" },
      { args: ['run', 'a', '--profile', 'z80'], status: 2, text: 'recent-server, haswell, nehalem, penryn' },
      { args: ['run', 'a', '--without', 'enable EPTs'], status: 2, text: '"enable EPT"' },
      { args: ['run', 'a', '--memory', '2'], status: 2, text: 'expected a whole number from 4 to 3072' },
      { args: ['run', 'a', '--trace', 'all'], status: 2, text: 'only "exits" can be traced' },
      { args: ['run', 'no-such-file.asm'], status: 1, text: 'no-such-file.asm: cannot be read: there is no such file' },
      { args: ['run', 'package.json'], status: 1, text: 'package.json' },
      { args: ['run', 'src'], status: 1, text: 'it is a folder' },
      { args: ['asm', 'x.asm'], status: 2, text: 'needs -o' },
      { args: ['asm', 'no-such-file.asm', '-o', 'x'], status: 1, text: 'there is no such file' },
      { args: ['audit', 'package.json'], status: 1, text: 'package.json holds no VMCS dump' },
      { args: ['audit', 'no-such-file'], status: 1, text: 'there is no such file' },
      { args: ['run', 'a', '--stats=xml'], status: 2, text: 'expected text, csv or json' },
      { args: ['dap', '--port', 'x'], status: 2, text: '--port x' },
    ])('$args', async ({ args, status, text }) => {
      const finished = await run(...args);
      expect(finished.status).toBe(status);
      expect(finished.stderr).toContain(text);
      expect(finished.stderr).not.toMatch(/^\s+at /m);
    });

    test('--help and --version', async () => {
      expect((await run('--help')).stdout).toContain('ringside run FILE');
      expect((await run('run', '--help')).stdout).toContain('--max-instructions');
      expect((await run('--version')).stdout.trim()).toBe(
        JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version,
      );
    });
  });
});
