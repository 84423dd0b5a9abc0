// One line for each VM exit and VM entry; the machine's state when all is over.

import { guestLinear, operandText, qualificationText } from '../debugger/explain.ts';
import { readSideRegister } from '../debugger/expressions/registers.ts';
import { exitReasonTitle } from '../debugger/facts.ts';
import { hex, plural, symbolText } from '../debugger/format.ts';
import type { Machine, Side, VmEntry, VmExit } from '../machine/types.ts';
import { exitReason } from '../spec/exit-reasons.ts';
import { type Image, symbolAt } from '../program/image.ts';

function located(image: Image, address: bigint): string {
  const symbol = symbolAt(image, address);
  return symbol === undefined ? hex(address) : `${hex(address)} <${symbolText(symbol)}>`;
}

/** `exit      12 @     40312  CPUID  guest 0x101000 <guest>  CPUID leaf 0x0, subleaf 0x0`. */
export function exitLine(exit: VmExit, machine: Machine, image: Image): string {
  const memory = exitReason(exit.reason)?.class === 'memory' ? `guest-physical ${hex(exit.guestPhysical)}` : '';
  const words = [qualificationText(exit), operandText(exit, machine), memory].filter((text) => text !== '').join('; ');
  const head = `exit  ${String(exit.number).padStart(6)} @ ${String(exit.time).padStart(11)}`;
  return `${head}  ${exitReasonTitle(exit.reason)} (${exit.reason & 0xffff})  guest ${guestText(exit, machine, image)}${words === '' ? '' : `  ${words}`}`;
}

function guestText(exit: VmExit, machine: Machine, image: Image): string {
  const linear = guestLinear(exit, machine);
  return linear === exit.guestRip ? located(image, linear) : `${hex(exit.guestRip)} (linear ${located(image, linear)})`;
}

export function entryLine(entry: VmEntry, image: Image): string {
  const head = `entry ${String(entry.number).padStart(6)} @ ${String(entry.time).padStart(11)}`;
  const injected = entry.injected >>> 31 === 1 ? `  injects ${hex(entry.injected >>> 0)}` : '';
  return `${head}  ${entry.instruction} at ${located(image, entry.hostRip)}  guest ${located(image, entry.guestRip)}${injected}`;
}

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

/** Registers and counts, a few lines of text. */
export function finalState(machine: Machine, image: Image): string {
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
    `${plural(machine.time(), 'instruction')}, ${plural(machine.exitCount(), 'VM exit')}, ${machine.entryCount()} VM ${machine.entryCount() === 1 ? 'entry' : 'entries'}`,
    `${mode}, RIP ${located(image, value('rip'))}, RFLAGS ${hex(value('rflags'))}, CR0 ${hex(value('cr0'))}, CR3 ${hex(value('cr3'))}, CR4 ${hex(value('cr4'))}`,
    ...registers,
  ].join('\n');
}
