// The debug console: finds the command that a line means, runs it, completes it.

import { closest } from '../closest.ts';
import { type Completion, type Completions, completionsFor } from '../completion.ts';
import type { Context } from '../expressions/names.ts';
import type { Session } from '../session.ts';
import { COMMANDS } from './commands.ts';
import { commandHelp } from './help.ts';
import type { Command, CommandContext, CommandError, CommandResult } from './types.ts';
import { splitWords } from './words.ts';

/** A line that is a command. */
export interface CommandLine {
  readonly command: Command;
  /** What follows the name. */
  readonly rest: string;
}

/** `exits = 2`, `stats + 1`, `search,d`: what goes on like an expression is one, though it begins as a command does. */
const GOES_ON = /^(?:[-+*/%<>&|^.([]|\s*(?:[=,?]|!=)|\s+[-+*/%<>&|^]{1,2}=?\s)/;

/** The command that a line begins with; undefined when the line is an expression. */
export function commandLine(text: string): CommandLine | undefined {
  const match = /^\s*([A-Za-z][A-Za-z0-9-]*)(?![A-Za-z0-9_$@#-])(.*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || GOES_ON.test(match[2])) return undefined;
  const name = match[1].toLowerCase();
  const command = COMMANDS.find((candidate) => candidate.name === name);
  return command === undefined ? undefined : { command, rest: match[2] };
}

/** ` Is the command "help" meant?`, of a line that is neither a command nor an expression. */
export function commandMeant(text: string): string {
  const word = /^\s*([A-Za-z][A-Za-z-]*)/.exec(text)?.[1]?.toLowerCase() ?? '';
  const names = COMMANDS.map(({ name }) => name);
  const meant = word.length < 3 ? undefined : closest(word, names, word.length < 6 ? 1 : 2);
  return meant === undefined ? '' : ` Is the command "${meant}" meant?`;
}

/** What a command gets from where it is typed. */
export type Services = Pick<CommandContext, 'task' | 'writeFile'>;

const NO_SERVICES: Services = { task: () => ({ report: async () => true, end: () => {} }) };

/** Runs a command; an error's text has the usage with it. */
export async function runCommand(
  line: CommandLine,
  session: Session,
  expressions: Context,
  services: Services = NO_SERVICES,
): Promise<CommandResult | CommandError> {
  const { command } = line;
  const text = line.rest.trim();
  const words = splitWords(text);
  if (words.length === 1 && (words[0] === '-help' || words[0] === '--help')) return { text: commandHelp(command) };
  const answer = await command.run({ session, expressions, commands: COMMANDS, ...services }, { text, words });
  if (typeof answer === 'string') return { text: answer };
  return 'error' in answer ? { error: `${answer.error}\nUsage: ${command.usage}` } : answer;
}

/** Completions of a line of the console up to the cursor. */
export function completeLine(text: string, session: Session, expressions: Context): Completions {
  const line = commandLine(text);
  if (line === undefined || !/^\s/.test(line.rest)) {
    const found = completionsFor(text, expressions);
    return { ...found, names: [...commandNames(text), ...found.names] };
  }
  const words = splitWords(line.rest);
  const word = /\s$/.test(line.rest) ? '' : (words.pop() ?? '');
  const own =
    line.command.complete?.(
      { words, word },
      {
        session,
        expressions,
        commands: COMMANDS,
        ...NO_SERVICES,
      },
    ) ?? [];
  const help: Completion[] = words.length === 0 ? [{ label: '-help', kind: 'keyword', detail: 'how to use it' }] : [];
  const wanted = word.toLowerCase();
  const names = [...own, ...help].filter(({ label }) => label.toLowerCase().startsWith(wanted));
  if (names.length > 0) return { start: text.length - word.length, length: word.length, names };
  return completionsFor(text, expressions);
}

function commandNames(text: string): Completion[] {
  const typed = text.trimStart().toLowerCase();
  return COMMANDS.filter(({ name }) => name.startsWith(typed)).map(({ name, summary }) => ({
    label: name,
    kind: 'function',
    detail: summary,
  }));
}
