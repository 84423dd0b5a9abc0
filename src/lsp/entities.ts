// What has a name in a program, where it is defined and where it is used: labels, constants, structures, macros.
import type { Expression } from '../asm/expression.ts';
import { isKeyword } from '../asm/parser.ts';
import type { MultiMacro, SingleMacro } from '../asm/preprocessor/state.ts';
import { REGISTERS } from '../asm/registers.ts';
import type { Body, DataItem, Operand, Statement } from '../asm/statement.ts';
import { type SourceRange, TOKEN, type Token } from '../asm/tokens.ts';
import type { Program } from './program.ts';

export type EntityKind = 'label' | 'constant' | 'structure' | 'field' | 'define' | 'macro';

export interface Entity {
  /** Full name: a local label has its parent in front. */
  readonly name: string;
  kind: EntityKind;
  readonly definitions: SourceRange[];
  readonly references: SourceRange[];
  /** All macros of this name. */
  readonly macros: (SingleMacro | MultiMacro)[];
}

export interface EntityIndex {
  readonly entities: readonly Entity[];
  readonly byName: ReadonlyMap<string, Entity>;
  readonly macros: ReadonlyMap<string, Entity>;
  /** By the place where a name begins. */
  readonly byPlace: ReadonlyMap<number, Entity>;
}

export const placeKey = (file: number, line: number, column: number): number => (file * 2 ** 24 + line) * 4096 + column;

interface Builder {
  readonly program: Program;
  readonly byName: Map<string, Entity>;
  readonly macros: Map<string, Entity>;
  readonly byPlace: Map<number, Entity>;
  readonly lines: Map<number, string[]>;
  readonly uses: { readonly name: string; readonly range: SourceRange }[];
  scope: string;
}

/** The source text at a place. */
function written(b: Builder, place: SourceRange): string {
  let lines = b.lines.get(place.file);
  if (lines === undefined) {
    lines = (b.program.assembly.files[place.file]?.text ?? '').split('\n');
    b.lines.set(place.file, lines);
  }
  return (lines[place.line - 1] ?? '').slice(place.column - 1, place.end - 1);
}

const isLocal = (name: string): boolean => name.charCodeAt(0) === 46 && name.charCodeAt(1) !== 46;

/** Whether the place holds the name itself, not a macro that became it. */
function shows(b: Builder, place: SourceRange, name: string): boolean {
  const text = written(b, place);
  if (text === name || text === `$${name}`) return true;
  const dot = name.lastIndexOf('.');
  if (dot > 0 && text === name.slice(dot)) return true;
  const own = /^\.\.@\d+\.(.+)$/.exec(name);
  return own !== null && (text === `%%${own[1]}` || text === `%$${own[1]}`);
}

function add(b: Builder, entity: Entity, place: SourceRange, role: 'definitions' | 'references'): void {
  const key = placeKey(place.file, place.line, place.column);
  const known = b.byPlace.get(key);
  if (known !== undefined) return;
  b.byPlace.set(key, entity);
  entity[role].push(place);
}

function define(b: Builder, name: string, kind: EntityKind, place: SourceRange): void {
  if (!shows(b, place, name)) return;
  let entity = b.byName.get(name);
  // A macro's own labels have another name in each call; their place is what they have in common.
  if (entity === undefined && name.startsWith('..@'))
    entity = b.byPlace.get(placeKey(place.file, place.line, place.column));
  if (entity === undefined) entity = { name, kind, definitions: [], references: [], macros: [] };
  b.byName.set(name, entity);
  add(b, entity, place, 'definitions');
}

const qualified = (b: Builder, name: string): string => (isLocal(name) ? b.scope + name : name);

function readExpression(b: Builder, expression: Expression): void {
  switch (expression.kind) {
    case 'symbol':
      b.uses.push({ name: qualified(b, expression.name), range: expression.range });
      return;
    case 'unary':
      readExpression(b, expression.operand);
      return;
    case 'binary':
      readExpression(b, expression.left);
      readExpression(b, expression.right);
      return;
    case 'choice':
      readExpression(b, expression.condition);
      readExpression(b, expression.yes);
      readExpression(b, expression.no);
      return;
    default:
      return;
  }
}

function readOperand(b: Builder, operand: Operand): void {
  if (operand.kind === 'immediate' || operand.kind === 'memory') readExpression(b, operand.expression);
  else if (operand.kind === 'far') {
    readExpression(b, operand.segment);
    readExpression(b, operand.expression);
  }
}

function readItem(b: Builder, item: DataItem): void {
  if (item.kind === 'expression') readExpression(b, item.expression);
  else if (item.kind === 'duplicate') {
    readExpression(b, item.count);
    for (const inner of item.items) readItem(b, inner);
  }
}

function readBody(b: Builder, body: Body): void {
  switch (body.kind) {
    case 'instruction':
      for (const operand of body.operands) readOperand(b, operand);
      return;
    case 'data':
      for (const item of body.items) readItem(b, item);
      return;
    case 'reserve':
      readExpression(b, body.count);
      return;
    case 'equ':
      readExpression(b, body.expression);
      return;
    case 'align':
      readExpression(b, body.boundary);
      if (body.fill !== undefined) readBody(b, body.fill);
      return;
    case 'incbin':
      if (body.skip !== undefined) readExpression(b, body.skip);
      if (body.length !== undefined) readExpression(b, body.length);
      return;
    case 'directive':
      for (const token of body.arguments)
        if (token.kind === TOKEN.identifier) b.uses.push({ name: qualified(b, token.text), range: token });
      return;
    default:
      return;
  }
}

function readStatement(b: Builder, statement: Statement, inStructure: boolean): void {
  const { label, body, times } = statement;
  if (times !== undefined) readExpression(b, times);
  if (label !== undefined) {
    const name = qualified(b, label.name);
    const constant = body.kind === 'equ';
    if (!constant && label.name.charCodeAt(0) !== 46) b.scope = name;
    define(b, name, constant ? 'constant' : inStructure ? 'field' : 'label', label.range);
  }
  if (body.kind === 'directive' && body.name === 'struc' && body.arguments[0]?.kind === TOKEN.identifier) {
    const name = body.arguments[0];
    b.scope = name.text;
    define(b, name.text, 'structure', name);
  }
  readBody(b, body);
}

function readMacros(b: Builder): void {
  const entityOf = (macro: SingleMacro | MultiMacro): Entity => {
    const key = macro.ignoreCase ? macro.name.toLowerCase() : macro.name;
    let entity = b.macros.get(key);
    if (entity === undefined) {
      const kind: EntityKind = 'minimum' in macro ? 'macro' : 'define';
      entity = { name: macro.name, kind, definitions: [], references: [], macros: [] };
      b.macros.set(key, entity);
    }
    return entity;
  };
  for (const macro of b.program.trace.definitions) {
    const entity = entityOf(macro);
    entity.macros.push(macro);
    if (written(b, macro.defined).toLowerCase() === macro.name.toLowerCase())
      add(b, entity, macro.defined, 'definitions');
  }
  for (const { range, macro } of b.program.trace.uses) {
    if (written(b, range).toLowerCase() === macro.name.toLowerCase()) add(b, entityOf(macro), range, 'references');
  }
}

const DEFINING = /^%i?(?:x?define|assign|defstr|deftok|defalias|macro|rmacro)$/i;

/** Names in lines that were not assembled, such as macros that nobody calls and parts that a condition left out. */
function readRest(b: Builder): void {
  b.program.assembly.files.forEach((file, index) => {
    for (const tokens of file.lines) {
      const start = DEFINING.test(tokens[0]!.text) && tokens[0]!.kind === TOKEN.percent ? 1 : 0;
      const parameters = start === 1 && tokens[2]?.text === '(' ? parameterNames(tokens) : undefined;
      for (let i = start; i < tokens.length; i++) {
        const token = tokens[i]!;
        if (token.kind !== TOKEN.identifier || b.byPlace.has(placeKey(index, token.line, token.column))) continue;
        const name = token.text.charCodeAt(0) === 36 ? token.text.slice(1) : token.text;
        if (parameters?.has(name) === true) continue;
        const entity = b.byName.get(name) ?? b.macros.get(name);
        if (entity === undefined || isLocal(name)) continue;
        const lower = name.toLowerCase();
        if (entity.macros.length === 0 && (REGISTERS.has(lower) || isKeyword(lower))) continue;
        add(b, entity, token, 'references');
      }
    }
  });
}

function parameterNames(tokens: readonly Token[]): Set<string> {
  const close = tokens.findIndex((t) => t.text === ')');
  return new Set(tokens.slice(3, close).map((t) => t.text));
}

export function indexEntities(program: Program): EntityIndex {
  const b: Builder = {
    program,
    byName: new Map(),
    macros: new Map(),
    byPlace: new Map(),
    lines: new Map(),
    uses: [],
    scope: '',
  };
  readMacros(b);
  let inStructure = false;
  for (const statement of program.statements) {
    if (statement.body.kind === 'directive') {
      if (statement.body.name === 'struc') inStructure = true;
      else if (statement.body.name === 'endstruc') inStructure = false;
    }
    readStatement(b, statement, inStructure);
  }
  for (const { name, range } of b.uses) {
    const entity = b.byName.get(name) ?? structureOf(b, name);
    if (entity !== undefined && shows(b, range, name)) add(b, entity, range, 'references');
  }
  readRest(b);
  const entities = new Set([...b.byName.values(), ...b.macros.values()]);
  return { entities: [...entities], byName: b.byName, macros: b.macros, byPlace: b.byPlace };
}

/** `name_size` stands for the structure `name`. */
function structureOf(b: Builder, name: string): Entity | undefined {
  if (!name.endsWith('_size')) return undefined;
  const entity = b.byName.get(name.slice(0, -5));
  return entity?.kind === 'structure' ? entity : undefined;
}
