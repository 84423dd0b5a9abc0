// The formatter: columns as a person sets them by hand. Labels at the margin, instructions, operands and comments each in
// their column. Strings, comments' words and the order of everything stay as they are.
import type { Position, Range, TextEdit } from 'vscode-languageserver';
import { PREFIX_NAMES } from '../asm/encoder/prefixes.ts';
import { isKeyword } from '../asm/parser.ts';
import { DATA_WORDS } from '../asm/words.ts';
import { commentStart } from './comments.ts';
import type { Settings } from './settings.ts';

type Columns = Settings['format'];

const BLOCK_OPENS = /^%(?:i?r?macro|if\w*|rep|elif\w*|else)\b/i;
const BLOCK_CLOSES = /^%(?:endmacro|endm|endif|endrep|elif\w*|else)\b/i;
const STEP = 2;
/** Blocks further inside are not indented more. */
const DEEPEST = 20;

interface Parts {
  readonly label: string;
  /** Mnemonic with its prefixes, or the directive. */
  readonly head: string;
  readonly operands: string;
}

const LABEL = /^((?:%[%$]+|[A-Za-z_.?@$])[\w$#@~.?%]*)\s*(:(?!:))?\s*/;

/** Splits code without its comment. */
export function partsOf(code: string, isMacro: (name: string) => boolean): Parts {
  let rest = code.trim();
  let label = '';
  const match = LABEL.exec(rest);
  if (match) {
    const word = match[1]!.toLowerCase();
    const next = /^[\w.$@?%]+/.exec(rest.slice(match[0].length))?.[0]?.toLowerCase() ?? '';
    const isStatement = isKeyword(word) || isMacro(match[1]!);
    if (match[2] !== undefined && !PREFIX_NAMES.has(word)) {
      label = `${match[1]}:`;
      rest = rest.slice(match[0].length);
    } else if (!isStatement && (isKeyword(next) || isMacro(next)) && match[2] === undefined) {
      label = match[1]!;
      rest = rest.slice(match[0].length);
    }
  }
  const words: string[] = [];
  for (;;) {
    const word = /^[^\s,[(]+/.exec(rest)?.[0];
    if (word === undefined) break;
    words.push(word);
    rest = rest.slice(word.length).trimStart();
    if (!PREFIX_NAMES.has(word.toLowerCase())) break;
  }
  return { label, head: words.join(' '), operands: rest };
}

/** One space behind commas, none before; strings stay. */
export function tidyOperands(text: string): string {
  let out = '';
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote !== '') {
      out += c;
      if (c === '\\' && quote === '`' && i + 1 < text.length) out += text[++i];
      else if (c === quote) quote = '';
      continue;
    }
    if (c === '"' || c === "'" || c === '`') {
      quote = c;
      out += c;
    } else if (c === ',') {
      out = `${out.trimEnd()}, `;
      while (/[ \t]/.test(text[i + 1] ?? '')) i++;
    } else if (c === '\t') out += ' ';
    else out += c;
  }
  return out.trimEnd();
}

const pad = (text: string, column: number): string =>
  text.length < column ? text.padEnd(column) : text === '' ? '' : `${text} `;

const DATA: ReadonlySet<string> = new Set([...DATA_WORDS, 'align', 'alignb']);
const AT_MARGIN = /^(section|segment|global|extern|static|common|struc|endstruc|absolute)$/;

interface Line {
  readonly text: string;
  /** Blank, a comment alone, for the preprocessor, continued, code, or a definition of data or of a constant. */
  readonly kind: 'blank' | 'comment' | 'preprocessor' | 'kept' | 'code' | 'data';
  readonly parts: Parts;
  readonly comment: string;
  /** Columns as they are: of the head, of the operands, of the comment. -1: there is none. */
  readonly head: number;
  readonly operands: number;
  readonly commentAt: number;
}

const NO_PARTS: Parts = { label: '', head: '', operands: '' };

/** A longer line was not written by hand. */
const LONGEST = 5000;

function readLine(raw: string, continued: boolean, isMacro: (name: string) => boolean): Line {
  const text = raw.replaceAll('\t', '        ');
  const at = commentStart(text);
  const code = (at < 0 ? text : text.slice(0, at)).trimEnd();
  const line = {
    text: raw,
    comment: at < 0 ? '' : text.slice(at).trimEnd(),
    head: -1,
    operands: -1,
    commentAt: at,
    parts: NO_PARTS,
  };
  // What does not begin with a word, such as [bits 64], is left alone.
  if (continued || raw.length > LONGEST || /\\$/.test(raw) || /^\s*[^\w\s.$@?%;]/.test(code))
    return { ...line, kind: 'kept' };
  if (code.trim() === '') return { ...line, kind: at < 0 ? 'blank' : 'comment' };
  if (/^\s*%[a-z]/i.test(code)) return { ...line, kind: 'preprocessor', parts: { ...NO_PARTS, head: code.trim() } };
  const parts = partsOf(code, isMacro);
  if (parts.head === '' && parts.operands !== '') return { ...line, kind: 'kept' };
  const head = parts.head === '' ? -1 : code.indexOf(parts.head, code.indexOf(parts.label) + parts.label.length);
  const operands = parts.operands === '' ? -1 : code.length - parts.operands.trimEnd().length;
  const first = parts.head.split(' ').at(-1)!.toLowerCase();
  return { ...line, kind: DATA.has(first) ? 'data' : 'code', parts, head, operands };
}

/** The value that most of the list has; undefined when fewer than three lines or six in ten agree. */
function common(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [value, count] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [0, 0];
  return count >= 3 && count >= values.length * 0.6 ? value : undefined;
}

interface Style {
  readonly head: number;
  /** 0: one space behind the mnemonic. */
  readonly operands: number;
  readonly comment: number;
}

/** How the file is written: what its author does most often, otherwise what the settings say. */
function styleOf(lines: readonly Line[], columns: Columns): Style {
  const code = lines.filter(
    (l) => l.kind === 'code' && l.parts.label === '' && l.head >= 0 && !AT_MARGIN.test(l.parts.head),
  );
  const withOperands = code.filter((l) => l.operands >= 0);
  const spaced = withOperands.filter((l) => l.operands === l.head + l.parts.head.length + 1 && l.parts.head.length < 7);
  const short = withOperands.filter((l) => l.parts.head.length < 7);
  const head = common(code.map((l) => l.head)) ?? columns.instructionColumn;
  const oneSpace = short.length >= 3 && spaced.length >= short.length * 0.6;
  const behind = lines.filter((l) => (l.kind === 'code' || l.kind === 'data') && l.commentAt >= 0);
  return {
    head,
    operands: oneSpace ? 0 : (common(short.map((l) => l.operands)) ?? columns.operandColumn),
    comment: common(behind.map((l) => l.commentAt)) ?? columns.commentColumn,
  };
}

interface DataColumns {
  readonly head: number;
  readonly gap: (head: string) => number;
}

/** Columns of a block of data definitions: where most of them stand, else behind the longest name. */
function dataColumns(block: readonly Line[], style: Style): DataColumns {
  const labelled = block.filter((l) => l.parts.label !== '');
  const longest = labelled.reduce((most, l) => Math.max(most, l.parts.label.length + 1), 0);
  const heads = block.map((l) => l.head);
  const counts = new Map<number, number>();
  for (const head of heads) counts.set(head, (counts.get(head) ?? 0) + 1);
  const [most, count] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [style.head, 0];
  const usual =
    count * 2 > block.length && most > 0 ? most : labelled.length === 0 ? style.head : Math.max(longest, style.head);
  // Names and what they stand for are not squeezed together.
  const head = labelled.length === 0 ? usual : Math.max(usual, longest, style.head);
  const gaps = block.filter((l) => l.operands >= 0).map((l) => l.operands - l.head - l.parts.head.length);
  const wide = gaps.filter((gap) => gap > 1).length * 2 > gaps.length;
  const column = block.reduce((most, l) => Math.max(most, l.operands - l.head), 0);
  return { head, gap: (word) => (wide ? Math.max(column, word.length + 1) : word.length + 1) };
}

function withComment(code: string, line: Line, column: number): string {
  const text = code.trimEnd();
  if (line.comment === '') return text;
  return (text.length < column ? text.padEnd(column) : `${text} `) + line.comment;
}

function formatCode(line: Line, style: Style): string {
  const { label, head, operands } = line.parts;
  if (head === '') return withComment(label, line, style.comment);
  const margin = label === '' && AT_MARGIN.test(head.toLowerCase());
  const first = margin ? '' : label === '' ? ' '.repeat(style.head) : pad(label, style.head);
  const tidy = tidyOperands(operands);
  const width = margin || style.operands === 0 ? 0 : style.operands - style.head;
  return withComment(
    first + (tidy === '' ? head : pad(head, Math.max(width, head.length + 1)) + tidy),
    line,
    style.comment,
  );
}

function formatData(line: Line, columns: DataColumns): string {
  const { label, head, operands } = line.parts;
  const first = label === '' ? ' '.repeat(columns.head) : pad(label, columns.head);
  return first + pad(head, columns.gap(head)) + tidyOperands(operands);
}

/** Columns of each data definition: those of its block, in which no blank line and no other code stands. */
function columnsOfData(lines: readonly Line[], style: Style): ReadonlyMap<Line, DataColumns> {
  const columns = new Map<Line, DataColumns>();
  let block: Line[] = [];
  const close = (): void => {
    if (block.length > 0) {
      const own = dataColumns(block, style);
      for (const line of block) columns.set(line, own);
    }
    block = [];
  };
  for (const line of lines) {
    if (line.kind === 'data') block.push(line);
    else if (line.kind !== 'comment') close();
  }
  close();
  return columns;
}

/** The edits, a line each, that bring a text into its columns. `range`: only these lines. */
export function formatText(
  text: string,
  columns: Columns,
  isMacro: (name: string) => boolean = () => false,
  range?: Range,
): TextEdit[] {
  let continued = false;
  const raw = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const lines = raw.map((line) => {
    const read = readLine(line, continued, isMacro);
    continued = /\\$/.test(line);
    return read;
  });
  const style = styleOf(lines, columns);
  const data = columnsOfData(lines, style);
  const edits: TextEdit[] = [];
  let depth = 0;
  lines.forEach((line, i) => {
    const word = line.parts.head;
    const directive = line.kind === 'preprocessor';
    if (directive && BLOCK_CLOSES.test(word)) depth = Math.max(0, depth - 1);
    const wanted = formatted(line, data, style, depth);
    if (directive && BLOCK_OPENS.test(word)) depth++;
    if (wanted === line.text) return;
    if (range !== undefined && (i < range.start.line || i > range.end.line)) return;
    edits.push({
      range: { start: { line: i, character: 0 }, end: { line: i, character: line.text.length } },
      newText: wanted,
    });
  });
  return edits;
}

function formatted(line: Line, data: ReadonlyMap<Line, DataColumns>, style: Style, depth: number): string {
  switch (line.kind) {
    case 'blank':
      return '';
    case 'kept':
      return line.text;
    case 'comment':
      return line.text.replaceAll('\t', '        ').trimEnd();
    case 'preprocessor':
      return withComment(
        ' '.repeat(Math.min(depth, DEEPEST) * STEP) + line.parts.head,
        line,
        Math.min(style.comment, Math.max(line.commentAt, 0)),
      );
    case 'data':
      return withComment(formatData(line, data.get(line)!), line, style.comment);
    default:
      return formatCode(line, style);
  }
}

/** While writing: the line that was left with the Enter key. */
export function formatOnType(
  text: string,
  position: Position,
  columns: Columns,
  isMacro: (name: string) => boolean = () => false,
): TextEdit[] {
  const line = position.line - 1;
  if (line < 0) return [];
  const range = { start: { line, character: 0 }, end: { line, character: 0 } };
  return formatText(text, columns, isMacro, range);
}
