// What counting a VM exit and the VM entry after it costs, in nanoseconds of CPU time.
import { F_GUEST_RIP } from '../../src/core/generated/vmcs-offsets.ts';
import { EXIT_REASON, RAM, VMCS_ADDRESS, VMCS_POINTER } from '../../src/core/layout.ts';
import type { Core } from '../../src/vmx/processor.ts';
import { countEntry, countExit, createStatistics } from '../../src/vmx/statistics.ts';

const EXITS = 4_000_000;
const PLACES = 64;

const words = new Uint32Array((RAM + 0x10000) >>> 2);
const core = { words } as unknown as Core;
words[VMCS_ADDRESS >>> 2] = RAM;
words[VMCS_POINTER >>> 2] = 0;

function measure(): number {
  const tables = createStatistics();
  const { user } = process.cpuUsage();
  for (let i = 0; i < EXITS; i++) {
    words[(RAM + F_GUEST_RIP) >>> 2] = 0x100000 + (i & (PLACES - 1)) * 3;
    words[EXIT_REASON >>> 2] = 10 + (i & 7);
    countExit(tables, core, 100 * i);
    countEntry(tables, core, 100 * i + 40);
  }
  return ((process.cpuUsage().user - user) * 1000) / EXITS;
}

measure();
console.log(JSON.stringify({ nanoseconds: Math.min(measure(), measure(), measure(), measure(), measure()) }));
