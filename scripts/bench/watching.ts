// What the debugger costs: the speed of a loop, and the same with a hundred breakpoints elsewhere, with data watched elsewhere, and with
// data watched in the page that three of its five instructions access. Alternating rounds on machines in one process; prints a line of JSON.
import { readFileSync } from 'node:fs';
import { createMachine } from '../../src/machine/machine.ts';
import type { Machine } from '../../src/machine/types.ts';
import { loadProgram } from '../../src/program/load.ts';
import { cpuTime } from './cpu-time.ts';

const TEXT = `bits 64
org 0x100000
        mov ebx, 0x200000
again:  mov [rbx + 64], eax
        mov ecx, [rbx + 128]
        inc dword [rbx + 256]
        add eax, ecx
        jmp again
`;
const ROUND = 20_000_000;
const ramSize = 16 << 20;
const rounds = Number(process.argv[2] ?? 5);
const program = await loadProgram('watching.asm', { ramSize }, async () => new TextEncoder().encode(TEXT));
const coreWasm = await WebAssembly.compile(readFileSync(process.env.CORE_WASM ?? 'dist/core.wasm'));

function machine(prepare: (machine: Machine) => void): Machine {
  const made = createMachine({ coreWasm, ramSize, program });
  prepare(made);
  return made;
}

const watchAt = (address: bigint) => (made: Machine) =>
  void made.setWatches([{ kind: 'memory', space: 'linear', side: 'root', address, size: 8, access: 'read-write' }]);

const machines = {
  free: machine(() => {}),
  breakpoints: machine((made) =>
    made.setBreakpoints(Array.from({ length: 100 }, (_, i) => 0x300000n + 16n * BigInt(i))),
  ),
  watchElsewhere: machine(watchAt(0x300000n)),
  watchedPage: machine(watchAt(0x200800n)),
};

const speeds = new Map<string, number[]>();
for (let round = 0; round <= rounds; round++) {
  for (const [name, made] of Object.entries(machines)) {
    const start = cpuTime();
    const from = made.time();
    while (made.time() - from < ROUND) made.run({ limit: ROUND });
    const speed = ROUND / (cpuTime() - start) / 1000;
    // The first round warms up.
    if (round > 0) speeds.set(name, [...(speeds.get(name) ?? []), speed]);
  }
}
console.log(JSON.stringify(Object.fromEntries(speeds)));
