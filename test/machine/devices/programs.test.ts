import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../../src/machine/machine.ts';
import { load, MEMORY, lacking, run, temporaryFolder } from '../../program/toolchain.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');

/** What a multiboot program of programs/ prints under QEMU; the firmware prints to the same port before it. */
function printedByQemu(folder: string, first: string): string {
  // biome-ignore format: a command line
  const result = spawnSync('qemu-system-x86_64', [
    '-accel', 'tcg', '-cpu', 'max', '-m', '64', '-display', 'none', '-no-reboot', '-serial', 'null', '-monitor', 'none', '-net', 'none',
    '-debugcon', 'file:console', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', 'program.bin',
  ], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
  expect({ status: result.status, error: result.error }).toEqual({ status: 0x21, error: undefined });
  const console = readFileSync(join(folder, 'console'), 'latin1');
  return console.slice(console.indexOf(first));
}

describe.skipIf(lacking('nasm', 'qemu-system-x86_64'))(
  'programs on the whole machine print what they print under QEMU',
  () => {
    it.each([['interrupts.asm', 'PIT through']])('%s', async (name, first) => {
      const folder = temporaryFolder();
      run('nasm', ['-f', 'bin', '-o', join(folder, 'program.bin'), name], PROGRAMS);
      const machine = createMachine({
        coreWasm: coreModule(),
        ramSize: MEMORY,
        program: await load(join(folder, 'program.bin')),
      });
      let text = '';
      machine.onOutput = (bytes) => {
        text += String.fromCharCode(...bytes);
      };
      expect(machine.run({ limit: 100_000_000 })).toEqual({ kind: 'shutdown', status: 0x21, port: 0xf4 });
      expect(text).toBe(printedByQemu(folder, first));
    });
  },
);
