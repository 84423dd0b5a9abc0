// Time travel measured, in a process of its own: `history.mjs FILE RAM-MIB OPTIONS-JSON`. Prints a line of JSON: how long steps back
// take at the end of a history of a billion instructions, and how fast a search goes back beside the machine's forward speed.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { searchBack } from '../../src/debugger/reverse/search.ts';
import type { Traveller } from '../../src/debugger/reverse/traveller.ts';
import { createMachine } from '../../src/machine/machine.ts';
import { imageOf } from '../../src/program/image.ts';
import { loadProgram } from '../../src/program/load.ts';

const LENGTH = 1_000_000_000;
const SEARCHED = 200_000_000;
const STEPS = 20;
const [file = '', ramMib = '128', optionsText = '{}'] = process.argv.slice(2);
const ramSize = Number(ramMib) << 20;
const program = await loadProgram(file, { ramSize, ...JSON.parse(optionsText) }, (path) => readFile(path));
const coreWasm = await WebAssembly.compile(readFileSync(process.env.CORE_WASM ?? 'dist/core.wasm'));
const machine = createMachine({ coreWasm, ramSize, program });
const { history } = machine;
history.record(512 << 20);
while (machine.time() < LENGTH) {
  const stop = machine.run({ limit: Math.min(50_000_000, LENGTH - machine.time()) });
  if (stop.kind !== 'budget')
    throw new Error(`${file} ended with ${JSON.stringify(stop)} after ${machine.time()} instructions`);
}

const latencies: number[] = [];
for (let i = 0; i < STEPS; i++) {
  const { time } = history.now();
  const start = performance.now();
  history.goTo({ time: time - 1, events: 0 });
  latencies.push(performance.now() - start);
}
const bytes = history.bytes();
const snapshots = history.snapshots().length;

const traveller: Traveller = {
  machine,
  image: imageOf(program),
  breathe: async () => {},
  setBreakpoints: (addresses) => machine.setBreakpoints(addresses),
  options: () => ({}),
  judge: () => undefined,
  countPast: async () => {},
};
// A breakpoint that is never reached, and a search that gives up once it has looked at enough.
machine.setBreakpoints([0x7fff_ffff_0000n]);
const end = history.now().time;
const backward = process.cpuUsage();
const enough = new Error('enough');
let reached = end;
await searchBack(traveller, {
  options: {},
  accept: () => undefined,
  possible: (from) => {
    reached = from.time;
    if (end - from.time > SEARCHED) throw enough;
    return true;
  },
}).catch((problem: unknown) => {
  if (problem !== enough) throw problem;
});
const back = process.cpuUsage(backward);
history.goTo({ time: reached, events: 0 });
history.record(0);
const forward = process.cpuUsage();
machine.run({ limit: end - reached });
const ahead = process.cpuUsage(forward);
console.log(
  JSON.stringify({
    latencies,
    bytes,
    snapshots,
    backward: (end - reached) / (back.user + back.system),
    forward: (end - reached) / (ahead.user + ahead.system),
  }),
);
