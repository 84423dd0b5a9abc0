// Threads: logical processor N is thread N + 1. Source: GDB manual, "Packets", thread-id syntax.

import { threadName } from '../debugger/thread-names.ts';
import type { Machine } from '../machine/types.ts';

/** A thread that a packet names: a processor, any, or all. */
export type ThreadName = number | 'any' | 'all';

/** Undefined when there is no such thread. */
export function readThread(machine: Machine, text: string): ThreadName | undefined {
  if (text === '-1') return 'all';
  if (!/^[0-9a-fA-F]{1,8}$/.test(text)) return undefined;
  const id = Number.parseInt(text, 16);
  if (id === 0) return 'any';
  return id <= machine.processors ? id - 1 : undefined;
}

export function threadId(processor: number): string {
  return (processor + 1).toString(16);
}

/** What `qfThreadInfo` answers. */
export function threadList(machine: Machine): string {
  return `m${Array.from({ length: machine.processors }, (_, processor) => threadId(processor)).join()}`;
}

/** A processor in words; which one is selected stays as it was. */
export function describeThread(machine: Machine, processor: number): string {
  const selected = machine.processor();
  machine.select(processor);
  const name = threadName(machine);
  machine.select(selected);
  return name;
}
