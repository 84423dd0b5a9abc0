// walk: how an address becomes a host-physical address, with every entry of the tables.

import { ACCESS_WORDS, walkArguments } from '../walk-arguments.ts';
import { walkAddress } from '../walk.ts';
import { walkText } from '../walk-text.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

export const WALK: Command = {
  name: 'walk',
  usage: 'walk ADDRESS [read|write|execute] [user|supervisor]',
  summary: 'how an address is translated: segment, page tables, EPT, each entry with its bits',
  help: `ADDRESS is an expression (a linear address of the frame's side), an offset in a segment (ds:rsi, fs:0x10), or has one of
the prefixes gva: hva: gpa: hpa:. With an access the rights are checked as the processor would; without one any translation will do.
Examples: walk rip execute, walk ds:rsi write user, walk gpa:0x1000.`,
  complete: ({ words }) =>
    words.length === 0 ? [] : ACCESS_WORDS.map((label) => ({ label, kind: 'keyword' as const, detail: undefined })),
  run: walk,
};

function walk({ session, expressions }: CommandContext, { words }: CommandArguments): CommandAnswer {
  const found = walkArguments(words, expressions);
  if (!found.ok) return { error: found.error };
  return walkText(walkAddress(session.machine, found.request.start, found.request.access));
}
