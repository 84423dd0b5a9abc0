// One measured run of a program on the machine, in a process of its own: `engine.mjs FILE RAM-MIB OPTIONS-JSON [HISTORY-MIB]`. Prints a line
// of JSON. Between the markers 0 and = on port E9H (or from the start, without markers): instructions, CPU time of the thread.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createMachine } from '../../src/machine/machine.ts';
import { loadProgram } from '../../src/program/load.ts';
import { cpuTime } from './cpu-time.ts';

const SLICE = 50_000_000;
// A byte 0 to port F4H makes status 1, as QEMU's isa-debug-exit does.
const [file = '', ramMib = '128', optionsText = '{}', history = '0'] = process.argv.slice(2);
const ramSize = Number(ramMib) << 20;
const program = await loadProgram(file, { ramSize, ...JSON.parse(optionsText) }, (path) => readFile(path));
const coreWasm = await WebAssembly.compile(readFileSync(process.env.CORE_WASM ?? 'dist/core.wasm'));
const machine = createMachine({ coreWasm, ramSize, program });
machine.history.record(Number(history) << 20);
// As in a debugging session.
if (history !== '0') machine.history.keepVmcs();
let output = '';
const marks: { text: string; cpu: number; time: number }[] = [];
machine.onOutput = (bytes) => {
  const text = String.fromCharCode(...bytes);
  output += text;
  marks.push({ text, cpu: cpuTime(), time: machine.time() });
};
const start = { cpu: cpuTime(), time: 0 };
for (;;) {
  const stop = machine.run({ limit: SLICE });
  if (stop.kind === 'budget') continue;
  if (stop.kind !== 'shutdown' || stop.status !== 1) throw new Error(`${file} ended with ${JSON.stringify(stop)}`);
  break;
}
const end = { cpu: cpuTime(), time: machine.time() };
const from = marks.find((mark) => mark.text === '0') ?? start;
const to = marks.find((mark) => mark.text === '=') ?? end;
const parts = marks.filter((mark) => /[0-9]/.test(mark.text)).slice(0, 8);
console.log(
  JSON.stringify({
    instructions: to.time - from.time,
    milliseconds: to.cpu - from.cpu,
    exits: machine.exitCount(),
    output: output.trim(),
    parts: parts.slice(1).map((part, i) => {
      const before = parts[i];
      return before ? (part.time - before.time) / (part.cpu - before.cpu) / 1000 : 0;
    }),
  }),
);
