// The assembler's own directives: SECTION, BITS, ORG, STRUC and so on.
import { type Assembly, addProblem, createSection, currentSection, defineSymbol, position } from './assembly.ts';
import {
  badBits,
  badDefault,
  badOrigin,
  badSection,
  commonUnsupported,
  expected,
  externUnsupported,
  needsName,
  noStructure,
  secondOrigin,
  structureOpen,
  unknownDirectiveWord,
  badAlignment,
} from './errors.ts';
import { type Names, constantValue, evaluate } from './evaluate.ts';
import { type Cursor, type Expression, parseExpression } from './expression.ts';
import type { Body } from './statement.ts';
import { type SourceRange, TOKEN, type Token, textOf } from './tokens.ts';

type Directive = Extract<Body, { kind: 'directive' }>;

function parseAll(a: Assembly, tokens: readonly Token[], after: SourceRange): Expression | undefined {
  const last = tokens[tokens.length - 1];
  const end =
    last === undefined
      ? { ...after, column: after.end, end: after.end + 1 }
      : { ...last, column: last.end, end: last.end + 1 };
  const cursor: Cursor = {
    tokens,
    at: 0,
    end,
    problem: (problem, range) => addProblem(a, problem, range, a.expansion),
  };
  const expression = parseExpression(cursor);
  if (expression !== undefined && cursor.at < tokens.length) {
    addProblem(a, expected('the end of the line', tokens[cursor.at]!.text), tokens[cursor.at]!, a.expansion);
    return undefined;
  }
  return expression;
}

/** A plain number that is known; undefined after a report. */
function plainNumber(a: Assembly, names: Names, tokens: readonly Token[], after: SourceRange): bigint | undefined {
  const expression = parseAll(a, tokens, after);
  if (expression === undefined) return undefined;
  const value = evaluate(expression, names);
  if (value === undefined || value.unknown) return undefined;
  return value.terms === undefined ? value.constant : undefined;
}

export function runDirective(a: Assembly, names: Names, body: Directive): void {
  const args = body.arguments;
  const place = args[0] ?? body.nameRange;
  const fail = (problem: Parameters<typeof addProblem>[1]): void => addProblem(a, problem, place, a.expansion);
  switch (body.name) {
    case 'section':
    case 'segment':
      selectSection(a, names, body);
      return;
    case 'bits': {
      const value = plainNumber(a, names, args, body.nameRange);
      if (value === 16n || value === 32n || value === 64n) a.bits = Number(value) as 16 | 32 | 64;
      else fail(badBits(textOf(args)));
      return;
    }
    case 'use16':
    case 'use32':
    case 'use64':
      a.bits = Number(body.name.slice(3)) as 16 | 32 | 64;
      return;
    case 'org': {
      const value = plainNumber(a, names, args, body.nameRange);
      if (value === undefined || value < 0n || value > 0xffffffffffffn) fail(badOrigin());
      else if (a.origin !== undefined && a.origin !== Number(value)) fail(secondOrigin());
      else a.origin = Number(value);
      return;
    }
    case 'default': {
      const word = args[0]?.text.toLowerCase();
      if (word === 'rel') a.defaultRelative = true;
      else if (word === 'abs') a.defaultRelative = false;
      else if (word !== 'bnd' && word !== 'nobnd') fail(badDefault(textOf(args)));
      return;
    }
    case 'extern':
    case 'required':
      fail(externUnsupported(textOf(args)));
      return;
    case 'common':
      fail(commonUnsupported());
      return;
    case 'global':
    case 'static':
      if (args.length === 0) fail(needsName(body.name.toUpperCase()));
      return;
    case 'absolute': {
      const expression = parseAll(a, args, body.nameRange);
      const value = expression === undefined ? undefined : evaluate(expression, names);
      a.absolute = value ?? constantValue(0n);
      a.absoluteStart = a.absolute;
      return;
    }
    case 'struc':
      openStructure(a, names, body);
      return;
    case 'endstruc':
      closeStructure(a, body);
      return;
    case 'istruc':
      if (args[0]?.kind !== TOKEN.identifier) fail(needsName('ISTRUC'));
      else a.instance = { name: args[0].text, start: position(a) };
      return;
    case 'sectalign': {
      const word = args[0]?.text.toLowerCase();
      if (word === 'on' || word === 'off') return;
      const value = plainNumber(a, names, args, body.nameRange);
      if (value === undefined || value < 1n || (value & (value - 1n)) !== 0n) fail(badAlignment(value ?? 0n));
      else currentSection(a).align = Math.max(currentSection(a).align, Number(value));
      return;
    }
    case 'cpu':
    case 'float':
    case 'warning':
    case 'list':
    case 'map':
      return;
    default:
      fail(unknownDirectiveWord(body.name));
  }
}

function openStructure(a: Assembly, names: Names, body: Directive): void {
  const name = body.arguments[0];
  if (name?.kind !== TOKEN.identifier) {
    addProblem(a, needsName('STRUC'), name ?? body.nameRange, a.expansion);
    return;
  }
  const rest = body.arguments.slice(body.arguments[1]?.text === ',' ? 2 : 1);
  const start = rest.length === 0 ? 0n : (plainNumber(a, names, rest, name) ?? 0n);
  a.structure = { name: name.text, range: name, section: a.section, absolute: a.absolute, start };
  a.absolute = constantValue(start);
  a.absoluteStart = a.absolute;
  defineSymbol(a, name.text, constantValue(start), name);
}

function closeStructure(a: Assembly, body: Directive): void {
  const structure = a.structure;
  if (structure === undefined) {
    addProblem(a, noStructure('endstruc'), body.nameRange, a.expansion);
    return;
  }
  defineSymbol(
    a,
    `${structure.name}_size`,
    constantValue((a.absolute?.constant ?? 0n) - structure.start),
    structure.range,
    false,
  );
  a.absolute = structure.absolute;
  a.section = structure.section;
  a.structure = undefined;
}

/** At the end of the program. */
export function checkClosed(a: Assembly): void {
  if (a.structure !== undefined) addProblem(a, structureOpen(a.structure.name), a.structure.range, undefined);
}

const FLAGS = new Set([
  'code',
  'text',
  'data',
  'rdata',
  'exec',
  'noexec',
  'write',
  'nowrite',
  'alloc',
  'noalloc',
  'progbits',
  'nobits',
  'bss',
  'public',
  'private',
  'use16',
  'use32',
  'use64',
]);

function selectSection(a: Assembly, names: Names, body: Directive): void {
  const name = body.arguments[0];
  if (name === undefined || (name.kind !== TOKEN.identifier && name.kind !== TOKEN.string)) {
    addProblem(a, needsName('SECTION'), name ?? body.nameRange, a.expansion);
    return;
  }
  const text = name.kind === TOKEN.string ? name.text.slice(1, -1) : name.text;
  let section = a.sections.find((s) => s.name === text);
  section ??= createSection(a, text, name);
  a.section = section.index;
  a.absolute = undefined;
  let i = 1;
  while (i < body.arguments.length) {
    const word = body.arguments[i]!;
    const lower = word.text.toLowerCase();
    if (body.arguments[i + 1]?.text !== '=') {
      if (lower === 'nobits' || lower === 'bss') section.reserved = true;
      else if (lower === 'progbits') section.reserved = false;
      else if (lower === 'use16' || lower === 'use32' || lower === 'use64')
        a.bits = Number(lower.slice(3)) as 16 | 32 | 64;
      else if (!FLAGS.has(lower)) addProblem(a, badSection(word.text), word, a.expansion);
      i++;
      continue;
    }
    let end = i + 2;
    while (
      end < body.arguments.length &&
      body.arguments[end + 1]?.text !== '=' &&
      !FLAGS.has(body.arguments[end]!.text.toLowerCase())
    )
      end++;
    setAttribute(a, names, section.index, word, lower, body.arguments.slice(i + 2, end));
    i = end;
  }
}

function setAttribute(
  a: Assembly,
  names: Names,
  index: number,
  word: Token,
  lower: string,
  tokens: readonly Token[],
): void {
  const section = a.sections[index]!;
  if (lower === 'follows') section.follows = tokens[0]?.text;
  else if (lower === 'vfollows') section.virtualFollows = tokens[0]?.text;
  else if (lower === 'align' || lower === 'valign' || lower === 'start' || lower === 'vstart') {
    const value = plainNumber(a, names, tokens, word);
    if (value === undefined) {
      if (a.final) addProblem(a, expected('a plain number', textOf(tokens)), word, a.expansion);
      return;
    }
    const number = Number(value);
    if (lower === 'start') section.start = number;
    else if (lower === 'vstart') section.virtualStart = number;
    else if (number < 1 || (number & (number - 1)) !== 0)
      addProblem(a, badAlignment(value), tokens[0] ?? word, a.expansion);
    else if (lower === 'align') section.align = number;
    else section.virtualAlign = number;
  } else addProblem(a, badSection(word.text), word, a.expansion);
}
