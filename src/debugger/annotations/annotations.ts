// Annotations of a source: what must hold, what is to be logged, and which VM exit an instruction must cause, written in its comments.

import { errorText } from '../expressions/errors.ts';
import { type Expression, parseExpression } from '../expressions/parser.ts';
import { exitReasonByName, exitReasonIdentifiers } from '../facts.ts';
import { parseLogMessage } from '../log-messages.ts';
import { closest } from '../closest.ts';
import { commentsOf, type SourceLanguage } from './comments.ts';

export const ANNOTATION_KINDS = ['assert', 'log', 'expect-exit'] as const;
export type AnnotationKind = (typeof ANNOTATION_KINDS)[number];

interface Common {
  /** Of the comment, from 1. It means the code of that line, or the next code after it. */
  readonly line: number;
  readonly column: number;
  /** `@log[irq] …`: the group that it is switched with; empty without one. */
  readonly group: string;
  /** As written, without the directive. */
  readonly text: string;
}

export type Annotation =
  | (Common & { readonly kind: 'assert'; readonly expression: Expression })
  | (Common & { readonly kind: 'log'; readonly pieces: LogPieces })
  | (Common & {
      readonly kind: 'expect-exit';
      /** Basic exit reason. */
      readonly reason: number;
      /** The exit is expected only when this holds before the instruction. */
      readonly condition: Expression | undefined;
    });

export type LogPieces = Extract<ReturnType<typeof parseLogMessage>, { readonly pieces: unknown }>['pieces'];

/** An annotation that cannot be understood. */
export interface AnnotationProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface Annotations {
  readonly annotations: readonly Annotation[];
  readonly problems: readonly AnnotationProblem[];
}

/** The annotations of a source, in its order. */
export function annotationsOf(source: string, language: SourceLanguage): Annotations {
  const annotations: Annotation[] = [];
  const problems: AnnotationProblem[] = [];
  for (const comment of commentsOf(source, language)) {
    const match = /^[\s*]*@([a-z][a-z-]*)(?:\[([^\]\s]*)\])?(?![\w-])[ \t]*(.*?)\s*$/.exec(comment.text);
    if (match === null) continue;
    const [, word = '', group = '', text = ''] = match;
    const place = { line: comment.line, column: comment.column + comment.text.indexOf('@') };
    const read = readOne(word, text, { ...place, group, text });
    if (read === undefined) continue;
    if ('message' in read) problems.push({ ...place, message: read.message });
    else annotations.push(read);
  }
  return { annotations, problems };
}

/** Undefined for words that are somebody else's: comments have many uses for @. */
function readOne(word: string, text: string, common: Common): Annotation | { readonly message: string } | undefined {
  switch (word) {
    case 'assert':
      return readAssert(text, common);
    case 'log': {
      const parsed = parseLogMessage(text);
      return 'error' in parsed ? { message: parsed.error } : { ...common, kind: 'log', pieces: parsed.pieces };
    }
    case 'expect-exit':
      return readExpectExit(text, common);
    default: {
      const meant = closest(word, ANNOTATION_KINDS, 2);
      return meant === undefined ? undefined : { message: `"@${word}" is not an annotation; "@${meant}" is.` };
    }
  }
}

function readAssert(text: string, common: Common): Annotation | { readonly message: string } {
  if (text === '') return { message: '"@assert" needs an expression, for example "@assert rax == 0".' };
  const parsed = parseExpression(text);
  return parsed.ok ? { ...common, kind: 'assert', expression: parsed.value } : { message: errorText(parsed.error) };
}

function readExpectExit(text: string, common: Common): Annotation | { readonly message: string } {
  const match = /^(\w+)(?:\s+if\s+(.+))?$/.exec(text);
  if (match?.[1] === undefined) {
    return { message: '"@expect-exit" needs an exit reason, for example "@expect-exit CPUID if eax == 1".' };
  }
  const name = match[1].toUpperCase();
  const reason = exitReasonByName(name);
  if (reason === undefined) {
    const meant = closest(name, exitReasonIdentifiers(), 4);
    return { message: `"${match[1]}" is not an exit reason${meant === undefined ? '' : `; is ${meant} meant?`}` };
  }
  if (match[2] === undefined) return { ...common, kind: 'expect-exit', reason, condition: undefined };
  const condition = parseExpression(match[2]);
  return condition.ok
    ? { ...common, kind: 'expect-exit', reason, condition: condition.value }
    : { message: `Condition: ${errorText(condition.error)}` };
}
