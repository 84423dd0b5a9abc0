// What a command of the debug console is. One file a command in this folder, named in commands.ts.

import type { Completion } from '../completion.ts';
import type { Context } from '../expressions/names.ts';
import type { Session } from '../session.ts';

export interface Command {
  /** One lower-case word. */
  readonly name: string;
  /** `dump ADDRESS [LENGTH]`: what is in capitals is the user's, what is in brackets may be left out. */
  readonly usage: string;
  /** A line without a full stop, for lists. */
  readonly summary: string;
  /** What `NAME -help` says below usage and summary: arguments, options, examples. May be empty. */
  readonly help: string;
  /** True when it may run while the machine does. */
  readonly whileRunning?: boolean;
  /** Names that could stand where the user types; the framework keeps those that begin with what is typed. */
  readonly complete?: (typed: Typed, context: CommandContext) => readonly Completion[];
  readonly run: (context: CommandContext, args: CommandArguments) => CommandAnswer | Promise<CommandAnswer>;
}

/** What a command may use. */
export interface CommandContext {
  readonly session: Session;
  /** What expressions are evaluated against: the side of the selected frame. */
  readonly expressions: Context;
  readonly commands: readonly Command[];
  /** Begins work that may take more than half a second: the client shows its progress and can cancel it. */
  task(title: string): Task;
  /** Writes text to a file, anew or at its end; undefined where there are no files. Rejects with an Error whose message says why. */
  readonly writeFile?: ((path: string, text: string, append: boolean) => Promise<void>) | undefined;
}

/** Long work. */
export interface Task {
  /** Lets the host breathe; `done` is from 0 to 1. Answers false when the user cancelled: stop at once. */
  report(done: number): Promise<boolean>;
  /** To be called at the end, whatever it was. */
  end(): void;
}

/** What follows a command's name. */
export interface CommandArguments {
  /** As typed, without blanks around it. */
  readonly text: string;
  /** Split at blanks that are not inside quotes, brackets or parentheses; quotes are kept. */
  readonly words: readonly string[];
}

/** Where the user types. */
export interface Typed {
  /** Whole words between the command's name and the word that is typed. */
  readonly words: readonly string[];
  /** The beginning of a word, perhaps empty. */
  readonly word: string;
}

/** A text to show, with what else happened; or what was wrong, which is shown with the usage. */
export type CommandAnswer = string | CommandResult | CommandError;

export interface CommandResult {
  readonly text: string;
  /** True when registers, memory, breakpoints or other things that views show were changed. */
  readonly changed?: boolean;
  /** What a memory view opens, `gva:0x1000`. */
  readonly reference?: string;
}

export interface CommandError {
  /** What was wrong and what to do, in whole sentences. */
  readonly error: string;
}
