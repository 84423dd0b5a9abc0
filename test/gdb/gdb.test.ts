// GDB itself drives the stub, as its users do.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundle, ROOT, whyNoBundle } from '../cli/bundle.ts';
import { lacking, temporaryFolder } from '../program/toolchain.ts';

const FOLDER = join(ROOT, 'samples', 'tiny-hypervisor');
const ELF = join(FOLDER, 'tiny-hypervisor.elf');
const FOREVER = join(ROOT, 'test', 'gdb', 'programs', 'forever.asm');
const TWO = join(ROOT, 'test', 'gdb', 'programs', 'two-processors.asm');
const lineOf = (file: string, text: string): number =>
  readFileSync(join(FOLDER, file), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1;

describe.skipIf(whyNoBundle() !== undefined || lacking('gdb'))('gdb on tiny-hypervisor', () => {
  let cli = '';
  let server: ChildProcess | undefined;
  beforeAll(async () => {
    cli = (await bundle('gdb')).cli;
  }, 60_000);
  afterEach(() => void server?.kill());

  /** Starts the stub; answers its port and how its process will end. */
  async function start(
    file = ELF,
    ...options: string[]
  ): Promise<{ port: number; ended: Promise<number | null>; said(): string }> {
    const child = spawn(process.execPath, [cli, 'gdb', file, '--port', '0', ...options]);
    server = child;
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let said = '';
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString();
    });
    const port = await new Promise<number>((resolve, reject) => {
      let text = '';
      child.stderr.on('data', (data: Buffer) => {
        text += data.toString();
        const match = /target remote 127\.0\.0\.1:(\d+)/.exec(text);
        if (match !== null) resolve(Number(match[1]));
      });
      child.once('close', () => reject(new Error(text)));
    });
    return { port, ended, said: () => said };
  }

  async function gdb(port: number, commands: readonly string[], file = ELF): Promise<string> {
    const setUp = ['set pagination off', 'set tcp connect-timeout 20', `target remote 127.0.0.1:${port}`];
    const given = [...setUp, ...commands].flatMap((command) => ['-ex', command]);
    const args = ['-nx', '-q', '-batch', ...given, ...(file === '' ? [] : [file])];
    const { stdout, stderr } = await promisify(execFile)('gdb', args, { cwd: FOLDER, timeout: 60_000 });
    return stdout + stderr;
  }

  it('breaks in C, shows the stack, registers and memory, changes them, and runs to the end', async () => {
    const { port, ended, said } = await start();
    const text = await gdb(port, [
      'print $pc == start',
      'break handle_cpuid',
      'continue',
      'backtrace',
      'print vm->exits',
      'print vm->name',
      'info threads',
      'finish',
      'print/x $cr4',
      'set var vm->device_value = 7',
      'print vm->device_value',
      'set $xmm1 = 0x123456789abcdef0',
      'print/x $xmm1',
      'print $mxcsr',
      'set $st2 = 1.5',
      'print $st2',
      'set $rsi = 0x1122334455667788',
      'print/x $rsi',
      'monitor exit.reason == CPUID',
      'monitor no_such_name',
      'print *(int *)0x123456789000',
      'delete',
      'continue',
    ]);
    expect(text).toContain(`handle_cpuid (vm=vm@entry=`);
    expect(text).toContain(`at ./exits.c:${lineOf('exits.c', 'static bool handle_cpuid')}`);
    const frames = [...text.matchAll(/^#\d+ .*?(\w+) \(/gm)].map(([, name]) => name);
    expect(frames).toEqual(['handle_cpuid', 'handle_exit', 'run_turn', 'vm_run_all', 'main']);
    expect(text).toContain('$1 = 1\n');
    expect(text).toMatch(/\$2 = 2\n\$3 = 0x[0-9a-f]+ "guest 1 \(64-bit\)"/);
    expect(text).toContain('VMX root');
    expect(text).toContain('Value returned is $4 = true');
    // CR4.PAE (bit 5) by start.S, CR4.VMXE (bit 13) by VMX operation; MXCSR is 1F80H after reset.
    expect(text).toContain(
      '$5 = 0x2020\n$6 = 7\n$7 = 0x123456789abcdef0\n$8 = 8064\n$9 = 1.5\n$10 = 0x1122334455667788\n',
    );
    expect(text).toMatch(/\n(?:0x)?1\n/);
    expect(text).toMatch(/no_such_name/);
    expect(text).toContain('Cannot access memory at address 0x123456789000');
    // isa-debug-exit: 10H gives (10H << 1) | 1, which GDB writes in octal.
    expect(text).toContain('exited with code 041');
    expect(await ended).toBe(0x21);
    expect(said()).toMatch(/tiny-hypervisor: done\n$/);
  }, 60_000);

  it('steps across VM entry into the guest, and stops in real mode at linear addresses', async () => {
    const { port } = await start();
    const vmlaunch = lineOf('vcpu.S', '    vmlaunch');
    const text = await gdb(port, [
      `break vcpu.S:${vmlaunch}`,
      'continue',
      'stepi',
      'print $pc == guest64_main',
      'info threads',
      'delete',
      'hbreak *0x8000',
      'continue',
      'print/x $pc',
      'print/x $cs',
      'x/2xb $pc',
      'kill',
    ]);
    expect(text).toContain(`vcpu.S:${vmlaunch}`);
    expect(text).toContain('$1 = 1\n');
    expect(text).toContain('VMX non-root');
    // guest16.S: segment 0800H, offset 0; its first instruction is MOV AX, CS (8CH C8H).
    expect(text).toContain('$2 = 0x8000\n$3 = 0x800\n');
    expect(text).toMatch(/0x8000:\s+0x8c\s+0xc8/);
  }, 60_000);

  it('a client that detaches leaves the machine for the next one; a failed VM entry is explained', async () => {
    const { port } = await start();
    await gdb(port, ['break vmx_enable', 'continue', 'detach']);
    const text = await gdb(port, [
      'print $pc == start',
      `break vcpu.S:${lineOf('vcpu.S', '    vmlaunch')}`,
      'continue',
      'monitor GUEST_RFLAGS = 0',
      'print 0',
      'stepi',
    ]);
    expect(text).toContain('$1 = 0\n');
    expect(text).toMatch(/VMLAUNCH failed: 1 check fails|VM entry failed/);
    expect(text).toMatch(/Guest RFLAGS/);
  }, 60_000);

  it('goes backwards: to a breakpoint, to just before a watched write, by instructions, to the start', async () => {
    const { port } = await start();
    const text = await gdb(port, [
      'break handle_cpuid',
      'continue',
      'watch -l vm->exits',
      'continue',
      'continue',
      'print vm->exits',
      'set $after = $pc',
      'reverse-continue',
      'print vm->exits',
      'set $write = $pc',
      'stepi',
      'print $pc == $after && vm->exits == 4',
      'reverse-stepi',
      'print $pc == $write && vm->exits == 3',
      'reverse-continue',
      'print vm->exits',
      'reverse-continue',
      'print $pc == handle_cpuid',
      'delete',
      'reverse-continue',
      'print $pc == start',
      'rwatch -l guest64.exits',
      'awatch -l guest64.exits',
      'continue',
      'kill',
    ]);
    const changes = [...text.matchAll(/Old value = (\d+)\nNew value = (\d+)/g)].map(([, old, now]) => [old, now]);
    // Both single steps over the write tell of it too.
    expect(changes).toEqual([
      ['2', '3'],
      ['3', '4'],
      ['4', '3'],
      ['3', '4'],
      ['4', '3'],
      ['3', '2'],
    ]);
    expect(text).toContain('$1 = 4\n');
    expect(text).toContain('$2 = 3\n');
    expect(text).toContain('$3 = 1\n');
    expect(text).toContain('$4 = 1\n');
    expect(text).toContain('$5 = 2\n');
    // Back in the handler of the CPUID before, at the breakpoint.
    expect(text).toMatch(/Breakpoint 1, handle_cpuid[^$]*\$6 = 1\n/);
    expect(text).toMatch(/No more reverse-execution history\.[^$]*\$7 = 1\n/);
    expect(text).toMatch(/Hardware access \(read\/write\) watchpoint 4: -location guest64\.exits\n\nValue = /);
  }, 60_000);

  it('goes back from the end of the program', async () => {
    const { port, ended } = await start(ELF, '--stop-at-end');
    const commands = [
      'continue',
      'set $end = $pc',
      'reverse-stepi',
      'x/i $pc',
      'continue',
      'print $pc == $end',
      'continue',
    ];
    const text = await gdb(port, commands);
    // The write to the test-exit port is the last instruction.
    expect(text).toMatch(/=> 0x[0-9a-f]+ <[^>]+>:\s+out /);
    expect(text).toContain('$1 = 1\n');
    expect(text).toContain('exited with code 041');
    expect(await ended).toBe(0x21);
  }, 60_000);

  it('watches reads, and undoes them; steps over a range in one packet; writes bytes', async () => {
    const { port } = await start();
    const text = await gdb(port, [
      'break handle_cpuid',
      'continue',
      'delete',
      'set $there = $pc',
      // handle_cpuid reads the guest's RAX for the leaf, and writes it for the answer.
      'rwatch -l vm->registers.rax',
      'continue',
      'print $_hit_bpnum',
      'print $pc > $there && $pc < $there + 0x100',
      'reverse-continue',
      'print $_hit_bpnum',
      'print $pc > $there && $pc < $there + 0x100',
      'delete',
      'awatch -l vm->registers.rax',
      'continue',
      'continue',
      'print vm->registers.rax',
      'delete',
      'set debug remote 1',
      'next',
      'set var vm->device_value = 0x1122334455667788',
      'set debug remote 0',
      'print/x vm->device_value',
      'kill',
    ]);
    expect(text).toMatch(/Hardware read watchpoint 2: -location vm->registers\.rax\n\nValue = 1\n/);
    expect(text).toContain('$1 = 2\n$2 = 1\n');
    // Backwards to the same read, from just before it.
    expect(text).toContain('$3 = 2\n$4 = 1\n');
    // Forwards again: the same read, then the write of CPUID's leaf 1, whose EAX is the processor's signature.
    expect(text).toMatch(
      /Hardware access \(read\/write\) watchpoint 3: .*\n\nValue = 1\n[^$]*Old value = 1\nNew value = (\d+)\n/,
    );
    expect(text).toMatch(/Sending packet: \$vCont;r[0-9a-f]+,[0-9a-f]+/);
    expect(text).toMatch(/Sending packet: \$X[0-9a-f]+,8:/);
    expect(text).toContain('0x1122334455667788\n');
  }, 60_000);

  it('Ctrl-C stops a machine that runs', async () => {
    const { port } = await start(FOREVER);
    const given = [
      'set pagination off',
      `target remote 127.0.0.1:${port}`,
      'set debug remote 1',
      'continue',
      'set debug remote 0',
      'x/i $pc',
      'detach',
    ];
    const child = spawn('gdb', ['-nx', '-q', '-batch', ...given.flatMap((command) => ['-ex', command])]);
    let text = '';
    let interrupted = false;
    const take = (data: Buffer): void => {
      text += data.toString();
      // From here on GDB takes the signal to its target.
      if (!interrupted && /Sending packet: \$vCont;c/.test(text)) {
        interrupted = true;
        child.kill('SIGINT');
      }
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    await new Promise((resolve) => child.once('close', resolve));
    expect(text).toContain('received signal SIGINT');
    expect(text).toMatch(/=> 0x[0-9a-f]+:\s+(?:inc|jmp) /);
  }, 60_000);

  it('monitor: through time, files, mistakes', async () => {
    const { port } = await start();
    const trace = join(temporaryFolder(), 'trace.txt');
    const text = await gdb(port, [
      'break handle_cpuid',
      'continue',
      'monitor who vm->registers.rax',
      'maintenance flush register-cache',
      'info symbol $pc',
      'monitor goto start',
      'maintenance flush register-cache',
      'print $pc == start',
      `monitor trace ${trace} 3`,
      'monitor symbols add /no/such/file.elf',
      'monitor goto nowhere',
      'monitor help',
      'print 7 * 6',
      'kill',
    ]);
    expect(text).toMatch(
      /The next step is the last that wrote vm->registers\.rax[^\n]*becomes 0x0+1\.\nTime \d+, at .*vcpu_exited/,
    );
    expect(text).toMatch(/vcpu_enter \+ \d+ in section/);
    expect(text).toContain('$1 = 1\n');
    expect(text).toMatch(/\/no\/such\/file\.elf: .*there is no such file/);
    expect(text).toMatch(/Name a moment/);
    expect(readFileSync(trace, 'utf8').trimEnd().split('\n')).toHaveLength(3);
    expect(text).toContain('$2 = 42\n');
  }, 60_000);

  it('has a thread for each processor', async () => {
    const { port } = await start(TWO, '--processors', '2');
    const text = await gdb(
      port,
      [
        'info threads',
        'hbreak *0x8004',
        'continue',
        'print $_thread',
        'info threads',
        'delete',
        'thread 1',
        'print/x $cs',
        'thread 2',
        'print/x $cs',
        'set scheduler-locking on',
        'stepi',
        'stepi',
        'print *(int *)0x8020',
        'print/x $pc',
        'reverse-stepi',
        'print *(int *)0x8020',
        'print/x $pc',
        'print $_thread',
        'thread 1',
        'x/i $pc',
        'thread 9',
        'kill',
      ],
      '',
    );
    expect(text).toMatch(/\* 1 +Thread 1 \(CPU 0 — outside VMX operation\)/);
    expect(text).toContain('CPU 1 — outside VMX operation, waiting for a SIPI');
    expect(text).toMatch(/Thread 2 hit Breakpoint 1, 0x0*8004/);
    // Real mode at 0800:0000; 64-bit code with the selector of the machine's entry state.
    expect(text).toMatch(/\$1 = 2\n/);
    expect(text).toContain('$2 = 0x8\n');
    expect(text).toContain('$3 = 0x800\n');
    // Two INC of five bytes each.
    expect(text).toContain('$4 = 2\n$5 = 0x800e\n');
    expect(text).toContain('$6 = 1\n$7 = 0x8009\n$8 = 2\n');
    expect(text).toMatch(/Unknown thread 9|Invalid thread ID/);
  }, 60_000);
});
