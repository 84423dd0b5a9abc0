// disasm: instructions with their bytes and symbols.

import { disassemble } from '../disassembly.ts';
import { hex } from '../format.ts';
import { currentPosition } from '../position.ts';
import type { MemoryAddress } from '../memory.ts';
import { addressArgument, completeAddress, countArgument } from './addresses.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

const MAX_INSTRUCTIONS = 1000;

export const DISASM: Command = {
  name: 'disasm',
  usage: 'disasm [ADDRESS] [COUNT] [16|32|64]',
  summary: 'instructions from an address, or from where the processor stands',
  help: `COUNT is the number of instructions (10 unless given, at most ${MAX_INSTRUCTIONS}). 16, 32 or 64 after it is the mode; else it is that of the address's side.
An arrow marks the next instruction, an asterisk a breakpoint.
Examples: disasm; disasm handler 20; disasm gpa:0x7c00 8 16`,
  complete: (typed, context) => (typed.words.length === 0 ? completeAddress(typed, context) : []),
  run: disasm,
};

function disasm(context: CommandContext, { words }: CommandArguments): CommandAnswer {
  const { machine, image, breakpoints } = context.session;
  const here = currentPosition(machine);
  const [where, length, mode] = words;
  const at: MemoryAddress | { readonly error: string } =
    where === undefined
      ? { space: { kind: 'linear', side: here.side }, address: here.linear }
      : addressArgument(where, context);
  if ('error' in at) return at;
  const count = length === undefined ? 10 : countArgument(length, MAX_INSTRUCTIONS, 'count', context);
  if (typeof count !== 'number') return count;
  if (mode !== undefined && !['16', '32', '64'].includes(mode))
    return { error: `The mode is 16, 32 or 64, not "${mode}".` };
  const side = at.space.kind === 'linear' ? at.space.side : at.space.kind === 'guest-physical' ? 'non-root' : 'root';
  const bits = mode === undefined ? machine.codeBits(side) : (Number(mode) as 16 | 32 | 64);
  const stops = new Set(
    [...breakpoints.lines.values()]
      .flat()
      .concat(breakpoints.functions, breakpoints.instructions, breakpoints.console)
      .flatMap(({ addresses }) => addresses),
  );
  const linear = at.space.kind === 'linear';
  const lines = disassemble(machine, image, at, bits, 0, count).flatMap((row) => {
    const arrow = linear && side === here.side && row.address === here.linear ? '→' : ' ';
    const star = linear && stops.has(row.address) ? '*' : ' ';
    const bytes = Array.from(row.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const line = `${arrow}${star}${hex(row.address)}  ${bytes.padEnd(30)}  ${row.text}`;
    return row.label === undefined ? [line] : [`${row.label}:`, line];
  });
  return lines.join('\n');
}
