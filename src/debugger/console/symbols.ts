// symbols: which files the session knows symbols and lines of, and more of them.

import { ProgramError } from '../../program/errors.ts';
import { symbolAt } from '../../program/image.ts';
import { errorText } from '../expressions/errors.ts';
import { evaluateText } from '../expressions/evaluator.ts';
import { hex, symbolText } from '../format.ts';
import { IMAGE_SIDES, type ImageSelector, type ImageSide, type LoadedImage, selectorText } from '../images.ts';
import type { Session } from '../session.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

export const SYMBOLS: Command = {
  name: 'symbols',
  usage:
    'symbols | symbols add FILE [at ADDRESS | at find] [for SIDE] [vmcs ADDRESS] [cr3 ADDRESS] | symbols remove NUMBER | symbols at ADDRESS',
  summary: 'the files whose symbols and source lines are known; adds or removes one; names an address',
  help: `FILE is an ELF file or an assembly source; quotes are needed only around blanks. at: the linear address of its first byte, when that is
not where it was linked; at find: an ELF file that was moved as it was loaded, wherever the processor runs its code. for: host, guest or real-mode-guest, when its addresses mean something on one side only; vmcs and cr3: one guest or
one address space only. Breakpoints in the file's sources become verified at once.
Examples: symbols add guest/kernel.elf at 0xffff800000000000 for guest, symbols add boot.asm at 0x8000 for real-mode-guest, symbols at rip.`,
  complete: ({ words }) => {
    const [first] = words;
    const labels =
      first === undefined
        ? ['add', 'remove', 'at']
        : first !== 'add' || words.length < 2
          ? []
          : words.at(-1) === 'for'
            ? IMAGE_SIDES.map(sideWord)
            : ['at', 'for', 'vmcs', 'cr3'];
    return labels.map((label) => ({ label, kind: 'keyword' as const, detail: undefined }));
  },
  run: symbols,
};

const sideWord = (side: ImageSide): string => side.replace(' ', '-');

function symbols(context: CommandContext, args: CommandArguments): CommandAnswer | Promise<CommandAnswer> {
  const [what, ...rest] = args.words;
  switch (what) {
    case undefined:
      return listing(context.session);
    case 'add':
      return add(context, rest);
    case 'remove':
      return remove(context.session, rest);
    case 'at':
      return nameOf(context, rest.join(' '));
    default:
      return { error: `"${what}" is not add, remove or at.` };
  }
}

function listing({ images }: Session): string {
  const waiting = images.unplaced.map(({ id, path, selector, told }) => {
    const where = told === undefined ? 'not found in memory yet' : `not there yet: waits for ${told.text}`;
    return `${id}  ${path}  ${where}${selectorText(selector) && `, ${selectorText(selector)}`}`;
  });
  return [...images.all.map((loaded) => lineOf(loaded)), ...waiting].join('\n');
}

function lineOf({ id, path, image, selector, extent }: LoadedImage): string {
  const { symbols: list, lines, debug } = image.program;
  const parts = [
    `${list.length} symbols`,
    lines.rows.length > 0 ? 'source lines' : 'no source lines',
    debug === undefined ? undefined : 'variables and types',
    selectorText(selector) || undefined,
  ].filter((part) => part !== undefined);
  const where = extent.end > 0n ? `${hex(extent.start)} to ${hex(extent.end)}: ` : '';
  return `${id}  ${path}  ${where}${parts.join(', ')}`;
}

async function add({ session, expressions }: CommandContext, words: readonly string[]): Promise<CommandAnswer> {
  const [quoted, ...options] = words;
  if (quoted === undefined) return { error: 'Which file? Name an ELF file or an assembly source.' };
  const path = quoted.replace(/^(["'])(.*)\1$/, '$2');
  const numbers: Record<string, bigint> = {};
  let side: ImageSide | undefined;
  let find = false;
  for (let at = 0; at < options.length; at += 2) {
    const [option = '', value] = [options[at], options[at + 1]];
    if (value === undefined) return { error: `Something must follow "${option}".` };
    if (option === 'for') {
      side = IMAGE_SIDES.find((candidate) => sideWord(candidate) === value);
      if (side === undefined) return { error: `"${value}" is not ${IMAGE_SIDES.map(sideWord).join(', ')}.` };
    } else if (option === 'at' && value === 'find') find = true;
    else if (option === 'at' || option === 'vmcs' || option === 'cr3') {
      const found = evaluateText(value, expressions);
      if (!found.ok) return { error: `${option} ${value}: ${errorText(found.error)}` };
      numbers[option] = found.value.value;
    } else return { error: `"${option}" is not at, for, vmcs or cr3.` };
  }
  const selector: ImageSelector = { side, vmcs: numbers.vmcs, cr3: numbers.cr3 };
  try {
    const request = { path, address: find ? ('find' as const) : numbers.at, selector };
    const loaded = await session.openImage(request);
    session.added.push(request);
    if (loaded === undefined) return `${path} is read; its symbols count from when its code is met in memory.`;
    const notices = loaded.image.program.notices ?? [];
    return { text: [lineOf(loaded), ...notices].join('\n'), changed: true };
  } catch (thrown) {
    if (thrown instanceof ProgramError) return { error: thrown.message };
    throw thrown;
  }
}

function remove(session: Session, words: readonly string[]): CommandAnswer {
  const { all, unplaced } = session.images;
  const id = Number(words[0]);
  const loaded = all.find((candidate) => candidate.id === id);
  const found = loaded ?? unplaced.find((candidate) => candidate.id === id);
  if (found === undefined) return { error: `There is no image ${words[0] ?? ''}; "symbols" lists them.` };
  if (id === 1) return { error: 'The program itself stays.' };
  session.removeImage(id);
  return { text: `${found.path} is forgotten.`, changed: loaded !== undefined };
}

function nameOf({ session, expressions }: CommandContext, text: string): CommandAnswer {
  const found = evaluateText(text, expressions);
  if (!found.ok) return { error: errorText(found.error) };
  const { value } = found.value;
  const symbol = symbolAt(session.images.view(expressions.side), value);
  return symbol === undefined
    ? `${hex(value)} is in no symbol that is known.`
    : `${hex(value)} is ${symbolText(symbol)}.`;
}
