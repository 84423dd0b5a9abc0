// The preprocessor gives the parser one expanded line at a time.
import { endMissing, tooManyLines } from '../errors.ts';
import { lexText } from '../lexer.ts';
import { TOKEN, type Token } from '../tokens.ts';
import { conditional, taking } from './conditions.ts';
import { isDirectiveName, runDirective } from './directives.ts';
import { callMacro, fillParameters } from './multi-macros.ts';
import { defineSingle, expandSingles } from './single-macros.ts';
import { type Frame, type Line, type Preprocessor, type PreprocessorHost, lineKey, report } from './state.ts';

/** What NASM 2.16 defines by itself and programs test for. */
const STANDARD: Readonly<Record<string, string>> = {
  MAJOR: '2',
  MINOR: '16',
  SUBMINOR: '1',
  VERSION_ID: '0x02100100',
  VER: '"2.16.01"',
};

export function createPreprocessor(
  host: PreprocessorHost,
  lines: readonly (readonly Token[])[],
  file: number,
): Preprocessor {
  const pp: Preprocessor = {
    host,
    frames: [{ kind: 'file', lines, index: 0, call: undefined, conditions: [], remaining: 0, file }],
    singles: new Map(),
    foldedSingles: new Map(),
    multis: new Map(),
    foldedMultis: new Map(),
    contexts: [],
    nextId: 1,
    produced: 0,
    expanded: 0,
    changes: new Map(),
    expansion: undefined,
    stopped: false,
  };
  const place = { file, line: 1, column: 1, end: 1 };
  const add = (name: string, text: string): void => {
    const token: Token = { kind: TOKEN.identifier, text: name, space: false, ...place };
    defineSingle(pp, token, { parameters: undefined, body: lexText(text, place), ignoreCase: false, alias: false });
  };
  for (const [name, text] of Object.entries(STANDARD)) {
    add(`__NASM_${name}__`, text);
    add(`__?NASM_${name}?__`, text);
  }
  add('__OUTPUT_FORMAT__', 'bin');
  add('__?OUTPUT_FORMAT?__', 'bin');
  for (const [name, text] of Object.entries(host.defines)) add(name, text);
  return pp;
}

/** The next line that is not for the preprocessor, or undefined at the end of the program. */
export function nextLine(pp: Preprocessor): Line | undefined {
  while (!pp.stopped) {
    const frame = pp.frames[pp.frames.length - 1];
    if (frame === undefined) return undefined;
    pp.expansion = frame.call?.expansion;
    const raw = frame.lines[frame.index];
    if (raw === undefined) {
      finishFrame(pp);
      continue;
    }
    frame.index++;
    if (++pp.produced > pp.host.lineLimit) {
      report(pp, tooManyLines(pp.host.lineLimit), raw[0]!);
      return undefined;
    }
    const live = taking(frame);
    // %elif is evaluated although the lines above it do not count.
    const tokens = live || /^%elif/i.test(raw[0]!.text) ? fillParameters(pp, raw, frame.call) : raw;
    const word = tokens[0];
    if (word === undefined) continue;
    if (word.kind === TOKEN.percent && isDirectiveName(word.text)) {
      const name = word.text.toLowerCase();
      // Conditions inside a part that does not count belong to it.
      if (pp.host.trace !== undefined && !live && (name.startsWith('%if') || innermost(frame) === 'dead'))
        skip(pp, frame, word);
      if (conditional(pp, frame, name, tokens)) continue;
      if (live) runDirective(pp, frame, name, tokens);
      else skip(pp, frame, word);
      continue;
    }
    if (!live) {
      skip(pp, frame, word);
      continue;
    }
    const expanded = expandSingles(pp, tokens);
    if (expanded.length === 0) continue;
    const line = { tokens: expanded, expansion: pp.expansion, raw: frame.kind === 'file' ? raw : undefined };
    if (pp.multis.size === 0 && pp.foldedMultis.size === 0) return line;
    const call = callMacro(pp, expanded);
    if (call === undefined) return line;
    if (call.before.length > 0) return { tokens: call.before, expansion: pp.expansion };
  }
  return undefined;
}

const innermost = (frame: Frame): string | undefined => frame.conditions[frame.conditions.length - 1]?.state;

function skip(pp: Preprocessor, frame: Frame, word: Token): void {
  if (frame.kind === 'file' && frame.again !== true) pp.host.trace?.skipped.add(lineKey(word.file, word.line));
}

/** At the end of a file, macro or repetition: the next round, or back to where it was called from. */
function finishFrame(pp: Preprocessor): void {
  const frame = pp.frames[pp.frames.length - 1]!;
  for (const condition of frame.conditions) report(pp, endMissing('%if'), condition.opened);
  frame.conditions.length = 0;
  if (frame.kind === 'repeat' && frame.remaining > 0) {
    frame.remaining--;
    frame.index = 0;
    return;
  }
  if (frame.kind === 'macro') frame.call!.macro.busy = false;
  pp.frames.pop();
}
