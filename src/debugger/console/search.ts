// search: bytes, text or numbers in memory.

import { errorText } from '../expressions/errors.ts';
import { evaluateText } from '../expressions/evaluator.ts';
import { plural, toLittleEndian } from '../format.ts';
import { advance, formatReference, type MemoryAddress, peek } from '../memory.ts';
import { addressArgument, completeAddress } from './addresses.ts';
import { dumpRows } from './dump.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext, CommandError } from './types.ts';
import { unquote } from './words.ts';

/** Byte values, undefined where any byte will do. */
type Pattern = readonly (number | undefined)[];

const SIZES: Readonly<Record<string, number>> = { byte: 1, word: 2, dword: 4, qword: 8 };
const MAX_FOUND = 100;
/** Bytes that are shown of each place. */
const SHOWN = 16;
const CHUNK = 1 << 20;
const PAGE = 4096n;
const LONGEST = 0x1_0000_0000n;

export const SEARCH: Command = {
  name: 'search',
  usage: 'search WHAT [FROM [LENGTH]]',
  summary: 'finds bytes, text or a number in memory',
  help: `WHAT is {0f a2 ?? 90} (bytes, ?? any), "text", u"text" (16-bit characters), or a number with its size: dword:0x1234, qword:rax; also
bytes 0f a2, text WORD and dword 0x1234.
FROM is an address (gva: hva: gpa: hpa:); all of RAM unless given. LENGTH is in bytes (to the end of RAM; 1 MiB for linear addresses). What
is not mapped is passed over. At most ${MAX_FOUND} places are listed.
Examples: search {0f 01 c1}; search "GET /" gpa:0; search qword:handler hva:0x200000 0x10000`,
  complete: (typed, context) =>
    typed.words.length === 0
      ? Object.keys(SIZES).map((label) => ({ label: `${label}:`, kind: 'keyword', detail: 'a number of this size' }))
      : completeAddress(typed, context),
  run: search,
};

async function search(context: CommandContext, { words }: CommandArguments): Promise<CommandAnswer> {
  const [what, from, size] = oneWord(words);
  if (what === undefined) return { error: 'Say what to look for.' };
  const pattern = patternOf(what, context);
  if ('error' in pattern) return pattern;
  const range = rangeOf(context, from, size);
  if ('error' in range) return range;
  const found: MemoryAddress[] = [];
  const task = context.task(`Searching for ${what}`);
  let cancelled = false;
  const overlap = BigInt(pattern.length - 1);
  for (let done = 0n; done < range.length && found.length < MAX_FOUND; ) {
    const at = advance(range.at, done);
    const left = range.length - done;
    const wanted = left < BigInt(CHUNK) ? Number(left) : CHUNK;
    const bytes = peek(context.session.machine, at, wanted);
    for (const offset of matches(bytes, pattern, MAX_FOUND - found.length)) found.push(advance(at, offset));
    if (bytes.length < wanted) {
      // The rest of this page cannot be read.
      const hole = at.address + BigInt(bytes.length);
      done += BigInt(bytes.length) + PAGE - (hole & (PAGE - 1n));
    } else done += left <= BigInt(CHUNK) ? left : BigInt(bytes.length) - overlap;
    if (!(await task.report(Number(done) / Number(range.length)))) {
      cancelled = true;
      break;
    }
  }
  task.end();
  const { machine } = context.session;
  const lines = found.length === 0 ? ['Not found.'] : found.flatMap((at) => dumpRows(at, peek(machine, at, SHOWN), 1));
  if (found.length === MAX_FOUND) lines.push(`These are the first ${plural(MAX_FOUND, 'place')}.`);
  if (cancelled) lines.push('Cancelled before the end.');
  return { text: lines.join('\n'), ...(found[0] === undefined ? {} : { reference: formatReference(found[0]) }) };
}

/** What to look for as the first word: `bytes 0f a2`, `0f a2`, `text WORD` and `dword 5` are said in several. */
function oneWord([first = '', ...rest]: readonly string[]): readonly string[] {
  const lower = first.toLowerCase();
  const second = rest[0];
  if (first === '') return [];
  if (lower === 'bytes' || BYTE.test(first)) {
    const all = lower === 'bytes' ? rest : [first, ...rest];
    const other = all.findIndex((word) => !BYTE.test(word));
    const count = other < 0 ? all.length : other;
    return count === 0 ? [first, ...rest] : [`{${all.slice(0, count).join(' ')}}`, ...all.slice(count)];
  }
  if (lower === 'text' && second !== undefined)
    return [/^u?["']/.test(second) ? second : `"${second}"`, ...rest.slice(1)];
  if (SIZES[lower] !== undefined && second !== undefined) return [`${lower}:${second}`, ...rest.slice(1)];
  return [first, ...rest];
}

const BYTE = /^(?:[0-9a-f]{2}|\?\?)$/i;

function* matches(bytes: Uint8Array, pattern: Pattern, most: number): Generator<number> {
  const anchor = pattern.findIndex((value) => value !== undefined);
  const value = pattern[anchor] as number;
  let left = most;
  for (let at = bytes.indexOf(value, anchor); at >= 0 && left > 0; at = bytes.indexOf(value, at + 1)) {
    const start = at - anchor;
    if (start + pattern.length > bytes.length) return;
    if (!pattern.every((wanted, i) => wanted === undefined || bytes[start + i] === wanted)) continue;
    left--;
    yield start;
  }
}

function rangeOf(
  context: CommandContext,
  from: string | undefined,
  size: string | undefined,
): { readonly at: MemoryAddress; readonly length: bigint } | CommandError {
  const { machine } = context.session;
  const at: MemoryAddress | CommandError =
    from === undefined ? { space: { kind: 'host-physical' }, address: 0n } : addressArgument(from, context);
  if ('error' in at) return at;
  if (size !== undefined) {
    const value = evaluateText(size, context.expressions);
    if (!value.ok) return { error: `"${size}" is no length: ${errorText(value.error)}` };
    const length = value.value.value;
    return length < 1n || length > LONGEST ? { error: 'The length is from 1 to 0x100000000 bytes.' } : { at, length };
  }
  if (at.space.kind === 'linear') return { at, length: 0x100000n };
  const rest = BigInt(machine.ramSize) - at.address;
  return rest < 1n
    ? { error: `${formatReference(at)} is beyond the RAM; give a length as well.` }
    : { at, length: rest };
}

function patternOf(what: string, { expressions }: CommandContext): Pattern | CommandError {
  if (what.startsWith('{')) {
    const parts = what
      .replace(/^\{|\}$/g, '')
      .trim()
      .split(/[\s,]+/)
      .flatMap((part) => part.match(/../g) ?? [part]);
    const bytes = parts.map((part) =>
      /^\?\?$/.test(part) ? undefined : /^[0-9a-f]{2}$/i.test(part) ? Number.parseInt(part, 16) : Number.NaN,
    );
    if (bytes.some((byte) => Number.isNaN(byte)) || bytes.every((byte) => byte === undefined))
      return {
        error: `"${what}" is not a list of bytes; write two hexadecimal digits for each, ?? for any: {0f a2 ?? 90}.`,
      };
    return bytes;
  }
  const wide = /^u(".*")$/s.exec(what)?.[1];
  const text = unquote(wide ?? what);
  if (wide !== undefined || text !== what) {
    const codes =
      wide === undefined
        ? [...new TextEncoder().encode(text)]
        : Array.from(text, (char) => char.charCodeAt(0)).flatMap((code) => [code & 0xff, code >> 8]);
    return codes.length === 0 ? { error: 'The text is empty.' } : codes;
  }
  const sized = /^(byte|word|dword|qword):(.+)$/is.exec(what);
  const bytes = SIZES[sized?.[1]?.toLowerCase() ?? ''];
  if (sized?.[2] === undefined || bytes === undefined)
    return { error: `"${what}" is neither {bytes}, "text" nor a number with its size such as dword:0x1234.` };
  const value = evaluateText(sized[2], expressions);
  if (!value.ok) return { error: `"${sized[2]}" is no number: ${errorText(value.error)}` };
  return [...toLittleEndian(value.value.value, bytes)];
}
