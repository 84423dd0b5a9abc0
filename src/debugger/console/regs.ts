// regs: the registers of a side.

import { readSideRegister } from '../expressions/registers.ts';
import { layoutOfRegister } from '../facts.ts';
import { describeBits } from '../../spec/bits.ts';
import type { Machine, Side } from '../../machine/types.ts';
import { symbolAt } from '../../program/image.ts';
import { hex, symbolText } from '../format.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

const GENERAL = 'rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const SEGMENTS = 'cs ss ds es fs gs ldtr tr'.split(' ');
const SYSTEM = 'cr0 cr2 cr3 cr4 cr8 xcr0 efer dr0 dr1 dr2 dr3 dr6 dr7'.split(' ');
const CHOICES = ['guest', 'host', 'all', 'msrs'] as const;

export const REGS: Command = {
  name: 'regs',
  usage: 'regs [guest|host] [all|msrs]',
  summary: 'the registers of the frame’s side, or of the guest or the host',
  help: `all adds segments, descriptor tables, control and debug registers; msrs lists the MSRs of the processor.
Of the side that does not run the VMCS holds only some: the others are left out.`,
  complete: (typed) =>
    CHOICES.filter((choice) => !typed.words.includes(choice)).map((label) => ({
      label,
      kind: 'keyword',
      detail: undefined,
    })),
  run: regs,
};

function regs({ session, expressions }: CommandContext, { words }: CommandArguments): CommandAnswer {
  const unknown = words.find((word) => !(CHOICES as readonly string[]).includes(word));
  if (unknown !== undefined) return { error: `"${unknown}" is not one of ${CHOICES.join(', ')}.` };
  const { machine, image } = session;
  const side: Side = words.includes('guest') ? 'non-root' : words.includes('host') ? 'root' : expressions.side;
  if (words.includes('msrs')) return msrs(machine);
  const read = (name: string): bigint | undefined => readSideRegister(machine, side, name);
  const cells = GENERAL.flatMap((name) => {
    const value = read(name);
    return value === undefined ? [] : [`${name.padEnd(3)} ${hex(value, 16)}`];
  });
  const lines = [];
  for (let i = 0; i < cells.length; i += 4) lines.push(cells.slice(i, i + 4).join('  '));
  const rip = read('rip');
  if (rip === undefined) return { error: 'There is no current VMCS, so the guest is not known.' };
  const symbol = symbolAt(image, rip);
  lines.push(`rip ${hex(rip, 16)}${symbol === undefined ? '' : ` (${symbolText(symbol)})`}`);
  lines.push(decoded('rflags', read('rflags')));
  if (words.includes('all')) lines.push(...systemLines(read));
  return lines.join('\n');
}

function systemLines(read: (name: string) => bigint | undefined): string[] {
  const segments = SEGMENTS.filter((name) => read(name) !== undefined).map((name) => {
    const part = (which: string, digits: number): string => hex(read(`${name}.${which}`) ?? 0n, digits);
    return `${name.padEnd(4)} ${hex(read(name) ?? 0n, 4)}  base ${part('base', 16)}  limit ${part('limit', 8)}  rights ${part('rights', 4)}`;
  });
  const tables = ['gdtr', 'idtr'].filter((name) => read(`${name}.base`) !== undefined);
  return [
    ...segments,
    ...tables.map(
      (name) => `${name} base ${hex(read(`${name}.base`) ?? 0n, 16)}  limit ${hex(read(`${name}.limit`) ?? 0n, 4)}`,
    ),
    ...SYSTEM.filter((name) => read(name) !== undefined).map((name) => decoded(name, read(name))),
  ];
}

function decoded(name: string, value: bigint | undefined): string {
  const layout = layoutOfRegister(name);
  const words = value === undefined || layout === undefined ? '' : describeBits(layout, value).summary;
  return `${name} ${hex(value ?? 0n)}${words === '' || words === 'none' ? '' : ` (${words})`}`;
}

function msrs(machine: Machine): string {
  const names = machine.registerNames().filter((name) => /^ia32_/i.test(name));
  const width = Math.max(...names.map((name) => name.length));
  return names
    .map((name) => `${name.toUpperCase().padEnd(width)}  ${hex(machine.readRegister(name) ?? 0n)}`)
    .join('\n');
}
