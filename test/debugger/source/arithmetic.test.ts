// Arithmetic on a program's values: GCC compiles every expression, the program computes them, and the debugger must come to the same, in a type of
// the same width and sign.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { setFunctionBreakpoints } from '../../../src/debugger/breakpoints.ts';
import { evaluateText } from '../../../src/debugger/expressions/evaluator.ts';
import { numeric, type Value } from '../../../src/debugger/expressions/values.ts';
import { sizeOfType } from '../../../src/program/debug-types.ts';
import { addressOf } from '../../../src/program/image.ts';
import { lacking, run, temporaryFolder } from '../../program/toolchain.ts';
import { openSession, type Standing } from './gdb.ts';

const DECLARATIONS = `
enum mood { CALM, BUSY = 7, ANGRY = -2 };
enum plain { NONE, SOME = 3 };
struct bits { unsigned narrow : 5; int low : 7; unsigned whole : 32; };
struct node { struct node *next; int weight; unsigned char tag; short list[3]; };
signed char v_schar = -3; unsigned char v_uchar = 200; short v_short = -300; unsigned short v_ushort = 65535;
int v_int = -5; unsigned v_uint = 0xfffffff0u; long v_long = -7000000000; unsigned long v_ulong = 0x8000000000000001;
long long v_llong = 77; _Bool v_bool = 1; enum mood v_mood = ANGRY; enum plain v_plain = SOME; int v_big = 0x7fffffff;
struct bits v_bits = {19, -9, 0xfffffffe};
struct node second = {0, -40, 'x', {7, 8, -9}}, first = {&second, 1000, 'y', {1, -2, 3}};
int v_array[5] = {10, -20, 30, -40, 50};
int *v_pointer = &v_array[2];
unsigned char *v_bytes = (unsigned char *)&v_array[1];
struct node v_nodes[3] = {{0, 1, 1, {0}}, {0, 2, 2, {0}}, {0, 3, 3, {0}}};
void *v_void = &second;
`;

const SCALARS = [
  'v_schar',
  'v_uchar',
  'v_short',
  'v_ushort',
  'v_int',
  'v_uint',
  'v_long',
  'v_ulong',
  'v_bool',
  'v_mood',
];
const LITERALS = ['3', '-2', '0x7fffffff', '0xffffffff', '4294967295', '5u', '6l', '7UL', '0x8000000000000000'];
const BINARY = ['+', '-', '*', '/', '%', '&', '|', '^', '<', '>', '<=', '==', '!='];

const PAIRS = SCALARS.flatMap((left) =>
  [...SCALARS, ...LITERALS].flatMap((right) => BINARY.map((operator) => `${left} ${operator} ${right}`)),
);
const TURNED = LITERALS.flatMap((left) =>
  SCALARS.flatMap((right) => ['-', '/', '>'].map((operator) => `${left} ${operator} ${right}`)),
);
const UNARY = SCALARS.flatMap((name) => ['-', '~', '!', '+'].map((operator) => `${operator}${name}`));
const SHIFTS = SCALARS.flatMap((name) =>
  ['<< 3', '>> 2', '<< v_bool', '>> v_plain', '>> 31'].flatMap((shift) =>
    name === 'v_bool' && shift === '<< 3' ? [] : `${name} ${shift}`,
  ),
);
const OTHERS = [
  'v_big + 1',
  'v_big * 2 / 2',
  '(v_uint + 20) * 3l',
  'v_uchar + v_uchar * v_uchar',
  '(unsigned char)(v_uchar + 100)',
  '(signed char)v_ushort - 1',
  '(unsigned short)v_int >> 4',
  '(unsigned)v_int / 2',
  '(long)v_uint + v_int',
  '(unsigned long)v_int',
  '(int)v_long',
  '(_Bool)v_int + 1',
  'v_bits.narrow - 20',
  'v_bits.low * 3',
  'v_bits.whole + 3',
  '~v_bits.narrow',
  'BUSY - 10',
  'ANGRY + v_uint',
  'SOME - v_plain - 1',
  'v_plain - 4',
  'v_mood < NONE',
  'first.weight - second.weight * 2u',
  'first.next->weight % 7',
  'second.tag + first.tag',
  'first.list[1] - second.list[2] * v_uchar',
  '*v_pointer - v_pointer[1] / 3',
  'v_pointer[-1] + *(v_pointer + 2)',
  '*(v_array + 1) + v_array[4]',
  '&v_array[4] - v_pointer',
  'v_pointer - v_array + v_int',
  '(&v_array[4] - &v_array[0]) * v_big',
  '(unsigned long)(v_pointer + 1) - (unsigned long)v_pointer',
  '(unsigned long)(&v_nodes[2]) - (unsigned long)v_nodes',
  '&v_nodes[2] - v_nodes',
  '(v_nodes + 1)->weight + v_nodes[2].tag',
  '*v_bytes + v_bytes[3]',
  '*(short *)v_bytes - 1',
  '((struct node *)v_void)->weight + 1',
  '*&v_int * 2',
  'v_pointer == &v_array[2]',
  'v_pointer > v_array',
  'v_void == &second',
  '!v_void',
  'sizeof(struct node) * 2',
  'sizeof v_array / sizeof v_array[0]',
  'sizeof(v_uchar + 1)',
  'sizeof(v_long + 1)',
  'sizeof(v_uchar << 1)',
  'sizeof(int *)',
  'sizeof first.list',
  'v_int ? v_short : v_uchar',
  "v_uchar - 'A'",
  'v_int < 0 && v_uint > 0',
  '(v_int < 0) + v_uchar',
  '(v_int < 0) - v_uint',
  '-v_uint / 2',
  '-(v_int - 3) % 4',
  'v_int & 0xff',
  'v_int & ~0xf',
  'v_long >> 4 << 2',
  'v_int >> 1 == -3',
  '-1 < v_uint',
  '-1 < v_uchar',
  '0xffffffff == v_int',
  'v_int == 0xfffffffb',
  'v_int == 4294967291',
];
const EXPRESSIONS = [...new Set([...PAIRS, ...TURNED, ...UNARY, ...SHIFTS, ...OTHERS])];

/** The program that stores what each expression is, and the size and sign of its type. */
const PROGRAM = `${DECLARATIONS}
struct { long value; int size, sign; } results[${EXPRESSIONS.length}];
__attribute__((noinline)) void done(void) { asm volatile(""); }
void _start(void) {
${EXPRESSIONS.map((text, index) => `  results[${index}].value = (long)(${text}); results[${index}].size = sizeof(${text}); results[${index}].sign = (__typeof__((${text}) + 0))-1 < 0;`).join('\n')}
  done();
  for (;;)
    ;
}
`;

describe.skipIf(lacking('gcc'))('arithmetic on values of the program', () => {
  const results: { readonly value: bigint; readonly size: number; readonly signed: boolean }[] = [];
  let standing: Standing;

  beforeAll(async () => {
    const folder = temporaryFolder();
    const [source, elf] = [join(folder, 'arithmetic.c'), join(folder, 'arithmetic.elf')];
    writeFileSync(source, PROGRAM);
    // biome-ignore format: a command line
    run('gcc', ['-g', '-O0', '-w', '-fwrapv', '-ffreestanding', '-nostdlib', '-static', '-fno-pie', '-no-pie', '-fno-stack-protector', '-mno-sse', '-Wl,--build-id=none', '-Wl,-Ttext=0x100000', '-o', elf, source]);
    let arrived: () => void = () => {};
    standing = await openSession(elf, () => arrived());
    const { session, machine, image } = standing;
    setFunctionBreakpoints(session.breakpoints, image, [{ name: 'done' }]);
    await new Promise<void>((resolve) => {
      arrived = resolve;
      session.continue();
    });
    const bytes = machine.peekLinear('root', addressOf(image, 'results')!, EXPRESSIONS.length * 16);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (const [index] of EXPRESSIONS.entries()) {
      const at = index * 16;
      const [value, size] = [view.getBigInt64(at, true), view.getInt32(at + 8, true)];
      results.push({ value, size, signed: view.getInt32(at + 12, true) !== 0 });
    }
  });

  const valueOfText = (text: string): Value => {
    const found = evaluateText(text, standing.session.context());
    if (!found.ok) throw new Error(`${text}: ${found.error.message}`);
    return found.value;
  };

  it('comes to what the compiled program comes to', () => {
    const wrong: string[] = [];
    for (const [index, text] of EXPRESSIONS.entries()) {
      const { value, size, signed } = results[index]!;
      const own = valueOfText(text);
      const told = `${text} is ${value} in ${size} bytes`;
      if (BigInt.asIntN(64, own.value) !== value) wrong.push(`${told}, not ${numeric(own)}`);
      else if (own.typed !== undefined && own.typed.place === undefined) {
        const type = own.typed.type;
        // The program tells the sign of the promoted type.
        if (sizeOfType(type) !== size || (size >= 4 && own.signed !== signed))
          wrong.push(
            `${told}, ${signed ? '' : 'un'}signed, not in ${sizeOfType(type)}, ${own.signed ? '' : 'un'}signed`,
          );
      }
    }
    expect(wrong).toEqual([]);
    expect(results.length).toBeGreaterThan(2000);
  });

  it.each([
    // Registers and memory without a type are 64 bits without a sign, whatever they meet.
    ['rax * 2', 0xfffffffffffffffen],
    ['rax + v_int', 0xfffffffffffffffan],
    ['rax / v_uint', 0xffffffffffffffffn / 0xfffffff0n],
    ['eax + v_uint', 0x1ffffffefn],
    ['rax < v_int', 0n],
    // Of the same width a register is what the program says.
    ['eax == -1', 0n],
    ['ebx == v_int', 1n],
    ['dword[&v_int] == v_int', 1n],
    ['dword[&v_int] + 0', 0xfffffffbn],
    // Literals alone are 64-bit, and so is what they are shifted to.
    ['0x7fffffff + 1', 0x80000000n],
    ['1 << 40', 1n << 40n],
    ['1 << v_plain + 40', 1n << 43n],
  ])('%s', (text, value) => {
    standing.machine.writeRegister('rax', 0xffffffffffffffffn);
    standing.machine.writeRegister('rbx', 0xfffffffbn);
    expect(valueOfText(text).value).toBe(value);
  });
});
