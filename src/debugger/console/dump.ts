// dump and mem: memory in hexadecimal and as text.

import { littleEndian } from '../format.ts';
import { advance, explainUnreadable, formatReference, type MemoryAddress, peek } from '../memory.ts';
import { addressArgument, completeAddress, countArgument } from './addresses.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

const MAX_BYTES = 65_536;
const UNITS: Readonly<Record<string, 1 | 2 | 4 | 8>> = { byte: 1, word: 2, dword: 4, qword: 8 };
const ROW = 16;

const HELP = `ADDRESS is an expression; gva: hva: gpa: hpa: vmcs: in front name its space, else it is linear, of the frame's side.
LENGTH is in bytes (128 unless given, at most ${MAX_BYTES}). byte, word, dword, qword group the bytes into little-endian numbers.
The answer carries a memory reference: editors open it in their memory view.
Examples: dump rsp; dump gpa:0x1000 0x200 qword; dump vmcs:0`;

export const DUMP: Command = {
  name: 'dump',
  usage: 'dump ADDRESS [LENGTH] [byte|word|dword|qword]',
  summary: 'memory in hexadecimal and as text',
  help: HELP,
  complete: (typed, context) =>
    typed.words.length === 0
      ? completeAddress(typed, context)
      : Object.keys(UNITS).map((label) => ({ label, kind: 'keyword', detail: undefined })),
  run: dump,
};

export const MEM: Command = {
  ...DUMP,
  name: 'mem',
  usage: DUMP.usage.replace('dump', 'mem'),
  summary: 'the same as dump',
};

function dump(context: CommandContext, { words }: CommandArguments): CommandAnswer {
  const unit = words.map((word) => UNITS[word.toLowerCase()]).find((size) => size !== undefined) ?? 1;
  const [where, length, extra] = words.filter((word) => UNITS[word.toLowerCase()] === undefined);
  if (where === undefined) return { error: 'Give an address.' };
  if (extra !== undefined)
    return { error: `"${extra}" is one word too many; put expressions with blanks in parentheses.` };
  const at = addressArgument(where, context);
  if ('error' in at) return at;
  const count = length === undefined ? 128 : countArgument(length, MAX_BYTES, 'length', context);
  if (typeof count !== 'number') return count;
  const { machine } = context.session;
  const bytes = peek(machine, at, count);
  const lines = dumpRows(at, bytes, unit);
  if (bytes.length < count) lines.push(explainUnreadable(machine, advance(at, bytes.length)));
  return { text: lines.join('\n'), reference: formatReference(at) };
}

/** Rows of 16 bytes: address, numbers of a size, text. */
export function dumpRows(at: MemoryAddress, bytes: Uint8Array, unit: 1 | 2 | 4 | 8): string[] {
  const lines: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += ROW) {
    const row = bytes.subarray(offset, offset + ROW);
    const cells: string[] = [];
    for (let i = 0; i < row.length; i += unit) {
      const part = row.subarray(i, i + unit);
      cells.push(
        littleEndian(part)
          .toString(16)
          .padStart(part.length * 2, '0'),
      );
    }
    const text = Array.from(row, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    const width = (ROW / unit) * (unit * 2 + 1);
    lines.push(`${formatReference(advance(at, offset))}  ${cells.join(' ').padEnd(width)} ${text}`);
  }
  return lines;
}
