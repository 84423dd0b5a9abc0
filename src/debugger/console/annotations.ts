// annotations: what comments of the sources assert, log and expect, switched as groups.

import { annotationPlace } from '../annotations/binding.ts';
import { groupsOf, isEnabled } from '../annotations/points.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

export const ANNOTATIONS: Command = {
  name: 'annotations',
  usage: 'annotations [on|off [GROUP …]]',
  summary: 'lists @assert, @log and @expect-exit of the sources, or switches them',
  help: `In comments of assembly and C: @assert EXPR stops when it does not hold, @log TEXT {expr} tells, @expect-exit REASON [if EXPR] stops when the
instruction does not cause that VM exit. @assert[GROUP] and so on put one into a group; on and off without a group switch all.
Examples: annotations; annotations off irq; annotations on`,
  whileRunning: true,
  complete: (typed, { session }) =>
    (typed.words.length === 0 ? ['on', 'off'] : groupsOf(session.annotations).filter((group) => group !== '')).map(
      (label) => ({ label, kind: 'keyword', detail: undefined }),
    ),
  run: annotations,
};

function annotations({ session }: CommandContext, { words }: CommandArguments): CommandAnswer {
  const { annotations: all, image } = session;
  const [word, ...groups] = words;
  const known = groupsOf(all);
  if (word === undefined) {
    if (all.bound.length === 0) return 'No source of the program has annotations.';
    return all.bound
      .map((one) => {
        const { kind, group, text } = one.annotation;
        const state = one.addresses.length === 0 ? 'no code' : isEnabled(all.enabled, group) ? 'on' : 'off';
        return `${state.padEnd(7)}  @${kind}${group === '' ? '' : `[${group}]`} ${text}  (${annotationPlace(image, one)})`;
      })
      .join('\n');
  }
  if (word !== 'on' && word !== 'off') return { error: `"${word}" is neither on nor off.` };
  const unknown = groups.find((group) => !known.includes(group));
  if (unknown !== undefined) {
    const names = known.filter((group) => group !== '');
    return { error: `There is no group "${unknown}"${names.length === 0 ? '' : `; there are ${names.join(', ')}`}.` };
  }
  const wanted = groups.length === 0 ? known : groups;
  const before = known.filter((group) => isEnabled(all.enabled, group));
  const after = word === 'on' ? [...before, ...wanted] : before.filter((group) => !wanted.includes(group));
  const without = session.enableAnnotations(new Set(after));
  const note = without === 0 ? '' : ` ${without} found no room: too many addresses have breakpoints.`;
  return `${session.breakpoints.annotations.length} of ${all.bound.length} annotations are on.${note}`;
}
