// explain: why the machine stopped, in words.

import { explainCause, explainExit } from '../explain.ts';
import type { Command, CommandContext } from './types.ts';

export const EXPLAIN: Command = {
  name: 'explain',
  usage: 'explain',
  summary: 'why the machine stopped, in words',
  help: 'Away from an event it explains the last VM exit.',
  run: explain,
};

function explain({ session }: CommandContext): string {
  const { machine, image, cause } = session;
  const exit = machine.lastExit();
  const explanation =
    (cause === undefined ? undefined : explainCause(cause, machine, image)) ??
    (exit === undefined ? undefined : explainExit(exit, machine, image, false));
  if (explanation === undefined) return 'There was no VM exit yet, and no failure: nothing to explain.';
  return `${explanation.title}\n${explanation.body}`;
}
