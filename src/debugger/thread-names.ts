// A thread is a logical processor: how people call it.

import type { Machine } from '../machine/types.ts';

/** Of the selected processor: `CPU 0 — VMX root, halted`. */
export function threadName(machine: Machine): string {
  const processor = machine.processor();
  const activity = machine.activity(processor);
  const waits = activity === 'active' ? '' : `, ${activity}`;
  if (machine.inVmxOperation()) {
    return `CPU ${processor} — ${machine.side() === 'root' ? 'VMX root' : 'VMX non-root'}${waits}`;
  }
  return `CPU ${processor} — outside VMX operation${waits}`;
}
