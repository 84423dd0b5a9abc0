// Types, layouts and expressions over a program's objects: every leaf is asked of gdb on the same file.

import { describe, expect, it } from 'vitest';
import { evaluateText } from '../../../src/debugger/expressions/evaluator.ts';
import { numeric } from '../../../src/debugger/expressions/values.ts';
import { typedRows } from '../../../src/debugger/source/rows.ts';
import { typeName } from '../../../src/program/debug-types.ts';
import { askGdb, build, titleOf, type Variant } from '../../program/compile.ts';
import { lacking, temporaryFolder } from '../../program/toolchain.ts';
import { fileSubject } from './file-machine.ts';

const VARIANTS: readonly Variant[] = (['gcc', 'clang'] as const).flatMap((compiler) =>
  ([3, 4, 5] as const).flatMap((version): Variant[] => [
    { compiler, version, optimization: '-O0', bits: 64 },
    { compiler, version, optimization: '-O2', bits: version === 4 ? 32 : 64 },
  ]),
);

/** Without the blanks that gdb sets in another way. */
const canonical = (name: string): string => name.replaceAll(/\s*([*[(])\s*/g, '$1');

describe.skipIf(lacking('gcc', 'clang', 'gdb'))('objects of a program, as gdb has them', () => {
  const folder = temporaryFolder();

  it.each(VARIANTS.map((variant) => [titleOf(variant), variant] as const))('%s', async (_title, variant) => {
    const elf = build(folder, 'types.c', variant);
    const { subject, context, globals } = await fileSubject(elf, 'work');
    expect(globals.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['first', 'second', 'packed', 'matrix', 'table', 'counter', 'last']),
    );
    const types = askGdb(
      elf,
      globals.map(({ name }) => `whatis ${name}`),
    );
    for (const [index, { name, type }] of globals.entries()) {
      expect(canonical(typeName(type)), name).toBe(canonical(types[index]!.replace(/^type = /, '')));
    }
    // Every leaf below the globals, two pointers deep, as the view names it.
    const leaves: { expression: string; bits: number }[] = [];
    const visit = (path: string, depth: number): void => {
      for (const row of typedRows(subject, path) ?? []) {
        const below = `${path}/${encodeURIComponent(row.name)}`;
        if (row.named + row.indexed > 0 && depth < 6) visit(below, depth + 1);
        else if (!/^<|^"|^\[/.test(row.value)) leaves.push({ expression: row.evaluateName, bits: 64 });
      }
    };
    visit(subject.globalsPath, 0);
    expect(leaves.length).toBeGreaterThan(150);
    const printed = askGdb(
      elf,
      leaves.map(({ expression }) => `output/x ${expression}`),
    );
    for (const [index, { expression }] of leaves.entries()) {
      const value = evaluateText(expression, context);
      expect(value.ok, `${expression}: ${value.ok ? '' : value.error.message}`).toBe(true);
      if (!value.ok || /ratio|exact/.test(expression)) continue;
      const bits = value.value.bits;
      // gdb prints a negative bit field as wide as its type.
      expect(BigInt.asUintN(bits, value.value.value), expression).toBe(BigInt.asUintN(bits, BigInt(printed[index]!)));
    }
  });

  const EXPRESSIONS: readonly string[] = [
    'first.next->name[1]',
    'first.next->at.y',
    '*pointer_chain',
    'last->x + last[-1].y',
    '(last - corners) * 10',
    'sizeof(struct node)',
    'sizeof first.grid',
    'sizeof(first.grid[0])',
    'sizeof(unsigned short)',
    'sizeof(struct node *)',
    '&first.next->grid[1][2] - &second.grid[0][0]',
    '(long)&second.at.y - (long)&second',
    '((struct node *)first.next)->number.bytes[3]',
    '*(unsigned short *)&second.number',
    '(unsigned char)counter',
    '(signed char)(counter >> 4)',
    '(int)counter',
    'matrix[1][2][0] * 2 + **matrix[0]',
    '*(*(row_pointer + 0) + 1)[0]',
    '(*row_pointer)[2][1]',
    'second.color == BLUE',
    'FLAG_B | FLAG_C',
    'second.flags & FLAG_C',
    'small < medium',
    'medium + 1',
    'second.bits.b * 2',
    'packed.middle',
    'packed.long_one',
    'favourite',
    'truth ? counter % 1000 : 0',
    'letter',
    '~small',
    '-small',
    '!second.ready',
    'table[0] == second.compute',
    'second.as_text[2]',
    'corners[2].x == (&corners[1])[1].x',
    // C converts both sides to the wider type, and of two as wide to the unsigned one.
    'second.at.y < second.number.low',
    'second.at.y > second.number.low',
    'second.at.y == (unsigned)-4',
    '(unsigned)-4 == second.at.y',
    '(unsigned)second.at.y > 1',
    '(unsigned)1 > -1',
    '(unsigned)1 < second.at.y',
    'long_one < second.number.low',
    'second.number.low > long_one',
    'long_one < 1',
    'second.at.y == (unsigned long)-4',
    'second.at.y < (unsigned long)1',
    'second.at.y < (long)1',
    '(long)second.at.y == (unsigned)-4',
    'small < (unsigned)1',
    'small < medium',
    'second.bits.b < (unsigned)1',
    'second.color < 0',
    'second.at.y != -4',
    'counter > -1',
  ];

  it.each(VARIANTS.filter(({ version }) => version > 3).map((variant) => [titleOf(variant), variant] as const))(
    'expressions, %s',
    async (_title, variant) => {
      const elf = build(folder, 'types.c', variant);
      const { context } = await fileSubject(elf, 'work');
      const printed = askGdb(
        elf,
        EXPRESSIONS.map((expression) => `output/d (long long)(${expression})`),
      );
      for (const [index, expression] of EXPRESSIONS.entries()) {
        const value = evaluateText(expression, context);
        const own = value.ok ? numeric(value.value).toString() : value.error.message;
        const narrow = value.ok ? BigInt.asIntN(64, value.value.value).toString() : own;
        expect([own, narrow], expression).toContain(printed[index]);
      }
    },
  );

  it.each([
    ['first.nothing', 'struct node has no member `nothing`; there are next, name, at'],
    ['small.x', 'this is not a structure or union'],
    ['*small', 'This is not a pointer or an array: cast it'],
    ['(struct nobody *)1', 'There is no type `struct nobody`'],
    ['&packed.low', '`packed.low` has no address: it is a bit field'],
    ['ratio + 1', 'integers only'],
    ['first.next->', 'The name of a member follows'],
    ['*(void *)1', 'A void pointer says nothing'],
    ['first = 1', 'A structure or array cannot be assigned to'],
  ])('%s: says what is wrong', async (expression, message) => {
    const { context } = await fileSubject(build(folder, 'types.c', VARIANTS[0]!), 'work');
    const value = evaluateText(expression, context);
    expect(value.ok ? 'no error' : value.error.message).toContain(message);
  });

  it.each([
    ['second.color', '0xfffffffd', '-3 (BLUE)'],
    ['second.flags', '9', '0x9 (FLAG_A | FLAG_C)'],
    ['second.bits.b', '-5', '-5'],
    ['second.name', '', '0x*("second")'],
    ['text', '', '"a static text"'],
    ['letter', '', "0x52 ('R')"],
    ['ratio', '', '0.25'],
    ['exact', '', '-1.5'],
    ['truth', '', 'true'],
    ['second.compute', '', '0x*(add)'],
    ['second.at', '', '{x: 3, y: -4}'],
    ['matrix', '', '[2] {[3] {[2] {…}, [2] {…}, [2] {…}}, [3] {[2] {…}, [2] {…}, [2] {…}}}'],
  ])('%s reads well', async (expression, _value, text) => {
    const { context, image } = await fileSubject(build(folder, 'types.c', VARIANTS[0]!), 'work');
    const { evaluateShown } = await import('../../../src/debugger/evaluation.ts');
    const shown = evaluateShown(expression, { ...context, image });
    const pattern = text.replaceAll(/[.[\](){}|\\+^$?]/g, '\\$&').replace('*', '[0-9a-f]+ ');
    expect(shown.ok ? shown.value.text : shown.error.message).toMatch(new RegExp(`^${pattern}$`));
  });

  it('writes variables, members and bit fields, and nothing beside them', async () => {
    const { context } = await fileSubject(build(folder, 'types.c', VARIANTS[0]!), 'work');
    const value = (text: string): bigint => {
      const found = evaluateText(text, context);
      if (!found.ok) throw new Error(`${text}: ${found.error.message}`);
      return numeric(found.value);
    };
    value('second.bits.b = 3');
    expect([value('second.bits.a'), value('second.bits.b'), value('second.bits.c')]).toEqual([1n, 3n, 0x123456789n]);
    value('packed.long_one = 1');
    expect([value('packed.high'), value('packed.long_one'), value('packed.flag')]).toEqual([0xabcden, 1n, 1n]);
    value('first.next->grid[2][3] += 5');
    expect(value('second.grid[2][3]')).toBe(405n);
    value('small = -100');
    expect(value('small')).toBe(-100n);
    value('*(unsigned short *)&second.number = 0x9999');
    expect(value('second.number.whole')).toBe(0x1122334455669999n);
  });
});
