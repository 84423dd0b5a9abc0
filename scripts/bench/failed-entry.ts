// What a VM entry that fails costs, with its explanation, the first time in a process: `failed-entry.mjs FILE`. Steps to the VMLAUNCH,
// then measures it in milliseconds of CPU time. Prints a line of JSON.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writersOf } from '../../src/debugger/checks.ts';
import { explainEntryFailure } from '../../src/debugger/explain.ts';
import { createMachine } from '../../src/machine/machine.ts';
import { imageOf } from '../../src/program/image.ts';
import { loadProgram } from '../../src/program/load.ts';

const MOST_STEPS = 100_000;
const [file = ''] = process.argv.slice(2);
const ramSize = 16 << 20;
const program = await loadProgram(file, { ramSize }, (path) => readFile(path));
const coreWasm = await WebAssembly.compile(readFileSync(process.env.CORE_WASM ?? 'dist/core.wasm'));
const machine = createMachine({ coreWasm, ramSize, program });
const image = imageOf(program);

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

for (let step = 0; step < MOST_STEPS; step++) {
  const before = cpuTime();
  const stop = machine.step();
  if (stop.kind !== 'entry-failure') continue;
  const { title, body } = explainEntryFailure(stop.failure, image, writersOf(machine));
  console.log(JSON.stringify({ milliseconds: cpuTime() - before, title, length: body.length }));
  process.exit(0);
}
throw new Error(`${file}: no VM entry failed`);
