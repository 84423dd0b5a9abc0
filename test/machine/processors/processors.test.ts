// Several logical processors: what a program that starts them all prints is what QEMU prints, and a run does not depend on how it is cut up.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createMachine } from '../../../src/machine/machine.ts';
import type { Moment } from '../../../src/machine/history/moments.ts';
import type { Machine } from '../../../src/machine/types.ts';
import type { Program } from '../../../src/program/types.ts';
import { lacking, load, randomNumbers, run, temporaryFolder } from '../../program/toolchain.ts';
import { coreModule } from '../../vmx/hypervisors.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');
const MEMORY = 4 << 20;
const LIMIT = 50_000_000;

let folder: string;
let program: Program;

async function build(name: string): Promise<void> {
  folder = temporaryFolder();
  run('nasm', ['-f', 'bin', '-o', join(folder, 'program.bin'), name], PROGRAMS);
  program = await load(join(folder, 'program.bin'), { ramSize: MEMORY });
}

function start(): { machine: Machine; text: () => string } {
  const machine = createMachine({ coreWasm: coreModule(), ramSize: MEMORY, program, processors: 4 });
  let text = '';
  machine.onOutput = (bytes) => {
    text += String.fromCharCode(...bytes);
  };
  return { machine, text: () => text };
}

/** What the program prints under QEMU; the firmware prints to the same port before it. */
function printedByQemu(first: string): string {
  // biome-ignore format: a command line
  const result = spawnSync('qemu-system-x86_64', [
    '-accel', 'tcg', '-cpu', 'max', '-smp', '4', '-m', '64', '-display', 'none', '-no-reboot', '-serial', 'null', '-monitor', 'none',
    '-net', 'none', '-debugcon', 'file:console', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', 'program.bin',
  ], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  expect({ status: result.status, error: result.error }).toEqual({ status: 0x21, error: undefined });
  const console = readFileSync(join(folder, 'console'), 'latin1');
  return console.slice(console.indexOf(first));
}

describe.skipIf(lacking('nasm'))('four processors', () => {
  beforeAll(() => build('boot.asm'));

  it.skipIf(lacking('qemu-system-x86_64'))(
    'start, lock, interrupt each other and restart as under QEMU',
    () => {
      const { machine, text } = start();
      expect(machine.run({ limit: LIMIT })).toEqual({ kind: 'shutdown', status: 0x21, port: 0xf4 });
      expect(text()).toBe(printedByQemu('started:'));
    },
    90_000,
  );

  it('run the same instructions in the same order however the run is cut up', () => {
    const whole = start();
    const cut = start();
    const random = randomNumbers(1);
    for (const time of [20_000, 500_000, 1_000_000]) {
      whole.machine.run({ limit: time - whole.machine.time() });
      for (let left = time - cut.machine.time(); left > 0; left = time - cut.machine.time()) {
        if (random(4) === 0) cut.machine.select(random(4));
        if (random(3) === 0) cut.machine.step({ others: { limit: Math.min(left, 1 + random(5000)) } });
        else cut.machine.run({ limit: Math.min(left, 1 + random(random(10) === 0 ? 60_000 : 3000)) });
      }
      expect(cut.machine.history.hash()).toBe(whole.machine.history.hash());
      expect(cut.text()).toBe(whole.text());
    }
  });

  it('go back to any moment, and forward to the same future', () => {
    const { machine, text } = start();
    machine.history.record(64 << 20);
    const random = randomNumbers(7);
    const moments: { moment: Moment; hash: string }[] = [];
    while (machine.time() < 2_500_000) {
      machine.run({ limit: 1 + random(400_000) });
      moments.push({ moment: machine.history.now(), hash: machine.history.hash() });
    }
    const printed = text();
    for (let i = 0; i < 5; i++) {
      const { moment, hash } = moments[random(moments.length)]!;
      machine.select(random(4));
      expect(machine.history.goTo(moment)).toBe(true);
      expect(machine.history.hash()).toBe(hash);
    }
    const last = moments.at(-1)!;
    expect(machine.history.goTo(last.moment)).toBe(true);
    expect(machine.history.hash()).toBe(last.hash);
    expect(text()).toBe(printed);
  });

  it('are selected without any effect on the run', () => {
    const { machine } = start();
    machine.run({ limit: 1_000_000 });
    const running = machine.processor();
    const before = machine.history.hash();
    for (const processor of [3, 0, 2, 1, 1]) machine.select(processor);
    expect(machine.processor()).toBe(1);
    expect(machine.history.hash()).toBe(before);
    machine.select(running);
    expect(() => machine.select(4)).toThrow(/no logical processor 4/);
  });
});
