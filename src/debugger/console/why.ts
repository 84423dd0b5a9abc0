// why: whether an instruction of the guest exits, or why the last VM exit happened, and what decides it.

import { whyHere } from '../why/here.ts';
import { whyText } from '../why/text.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

export const WHY: Command = {
  name: 'why',
  usage: 'why [ADDRESS | exit | last]',
  summary: 'whether an instruction of the guest exits, or why the last VM exit happened, and what decides it',
  help: `ADDRESS is a linear address of the guest. Without one: in a guest, the instruction that is about to run; in the hypervisor, the last
VM exit. "why exit" explains the last VM exit in any case, "why last" the instruction that the last step ran. Controls, masks, bitmaps and registers are read as they are now.`,
  complete: ({ words }) =>
    words.length > 0
      ? []
      : [
          { label: 'exit', kind: 'keyword', detail: 'the last VM exit' },
          { label: 'last', kind: 'keyword', detail: 'the instruction that the last step ran' },
        ],
  run: why,
};

function why({ session, expressions }: CommandContext, { text }: CommandArguments): CommandAnswer {
  const result = whyHere(session.machine, expressions, text, session.steppedFrom);
  return result.ok ? whyText(result.answer) : { error: result.error };
}
