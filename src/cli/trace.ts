// The machine's state when all is over.

import { readSideRegister } from '../debugger/expressions/registers.ts';
import { hex, plural } from '../debugger/format.ts';
import { located } from '../debugger/trace.ts';
import type { Machine, Side } from '../machine/types.ts';
import type { Image } from '../program/image.ts';

const GENERAL = [
  'rax',
  'rbx',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'rbp',
  'rsp',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
];

/** Registers and counts, a few lines of text for each processor. */
export function finalState(machine: Machine, image: Image): string {
  const counts = `${plural(machine.time(), 'instruction')}, ${plural(machine.exitCount(), 'VM exit')}, ${machine.entryCount()} VM ${machine.entryCount() === 1 ? 'entry' : 'entries'}`;
  if (machine.processors === 1) return `${counts}\n${processorState(machine, image)}`;
  const stopped = machine.processor();
  const states = Array.from({ length: machine.processors }, (_, processor) => {
    machine.select(processor);
    return `CPU ${processor}, ${machine.activity(processor)}: ${processorState(machine, image)}`;
  });
  machine.select(stopped);
  return [counts, ...states].join('\n');
}

function processorState(machine: Machine, image: Image): string {
  const side = machine.side();
  const value = (name: string, of: Side = side): bigint => readSideRegister(machine, of, name) ?? 0n;
  const registers: string[] = [];
  for (let i = 0; i < GENERAL.length; i += 4) {
    registers.push(
      GENERAL.slice(i, i + 4)
        .map((name) => `${name.toUpperCase().padEnd(3)} ${value(name).toString(16).padStart(16, '0')}`)
        .join('  '),
    );
  }
  const mode = machine.inVmxOperation()
    ? side === 'root'
      ? 'VMX root operation'
      : 'VMX non-root operation'
    : 'outside VMX operation';
  return [
    `${mode}, RIP ${located(image, value('rip'))}, RFLAGS ${hex(value('rflags'))}, CR0 ${hex(value('cr0'))}, CR3 ${hex(value('cr3'))}, CR4 ${hex(value('cr4'))}`,
    ...registers,
  ].join('\n');
}
