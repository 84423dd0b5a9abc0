// Every instruction form with random operands: where nasm assembles a line, so do we, to the same bytes.
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';
import { FORM_ROWS } from '../../src/asm/encoder/generated/forms.ts';
import { hasNasm, hex, nasm, random } from './nasm.ts';

type Bits = 16 | 32 | 64;

const SEED = 20_250;
const REGISTERS: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
  r8: [
    ['al', 'cl', 'bl', 'ah', 'bh'],
    ['al', 'cl', 'bl', 'sil', 'r9b', 'bh'],
  ],
  r16: [
    ['ax', 'cx', 'bx', 'si'],
    ['ax', 'bx', 'r9w'],
  ],
  r32: [
    ['eax', 'ebx', 'edi'],
    ['eax', 'ebx', 'r12d'],
  ],
  r64: [['rax'], ['rax', 'rbx', 'r13', 'rsp']],
};
const MEMORY: Readonly<Record<Bits, readonly string[]>> = {
  16: ['[bx]', '[bp+si+5]', '[0x1234]', '[eax+ecx*4]'],
  32: ['[ebx]', '[ebp+esi*2+5]', '[0x12345]', '[bx+di]', '[eax*2]'],
  64: ['[rbx]', '[r13]', '[rsp+r9*4+0x1234]', '[0x1234]', '[ebx+5]', '[rax*2+8]'],
};
const SIZES: Readonly<Record<string, string>> = {
  1: 'byte ',
  2: 'word ',
  4: 'dword ',
  8: 'qword ',
  10: 'tword ',
  16: 'oword ',
  32: 'yword ',
  64: 'zword ',
};
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  i8: ['5', '-1', '0x7f', '200'],
  i8s16: ['5', '-3', '0x1234', '0xfff0'],
  i8s32: ['5', '-3', '0x12345678', '0xfffffff0', '0x80'],
  i8s64: ['5', '-3', '0x12345678', '-0x12345678'],
  i16: ['0x1234', '5', '-2'],
  i32: ['0x12345678', '7'],
  i32s64: ['0x12345678', '-5', '5'],
  i64: ['0x123456789abcdef0', '5', '-5', '0x90000000'],
  i4: ['3'],
  i1: ['1'],
};
const VECTORS: Readonly<Record<string, string>> = { x: 'xmm', y: 'ymm', z: 'zmm' };

/**
 * Forms that nasm 2.16 encodes against the SDM: PTWRITE without F3, WRSS with a 66H prefix that makes it WRUSS, the
 * shadow-stack reads with a 66H in 16-bit code, VMGEXIT as VMMCALL's neighbour, FP16 with a wrong opcode, scale or vector length,
 * VCVTNEPS2BF16 with a source in VVVV, and a 16-bit ENQCMD and MOVDIR64B with contradicting address sizes.
 */
const NASM_IS_WRONG =
  /^(ptwrite|wru?ssd|(inc|rd)sspd|vmgexit|\S*[ps]h |vcvt\S*(ph|sh|bf16)\S* |vcvtph2\S* |vcvttph2\S* |vcomish|vmovw|enqcmds?|movdir64b)/;
/** Only the 8086 had POP CS, which is what we say about it. */
const OBSOLETE = 'pop cs';
/** Equally good encodings of which nasm takes the other one: PEXTRW, VEXTRACTPS to a wide register, MPX and AMX with [r*2]. */
const OTHER_CHOICE = /^(v?pextrw|vextractps|bnd|tile)/;

interface FormRow {
  readonly name: string;
  readonly operands: readonly string[];
  readonly evex: boolean;
  readonly modes: number;
  readonly memory: string;
}

const rows: readonly FormRow[] = FORM_ROWS.trim()
  .split('\n')
  .map((text) => {
    const [name, operands, encoding, , , , , , , , , modes, memory] = text.split(' ') as string[];
    return {
      name: name!,
      operands: operands === '-' ? [] : operands!.split(','),
      evex: encoding === 'e',
      modes: Number(modes),
      memory: memory!,
    };
  });

function writeOperand(
  row: FormRow,
  operand: string,
  bits: Bits,
  variant: number,
  below: (n: number) => number,
): string {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const size = variant === 1 ? '' : (SIZES[row.memory] ?? '');
  const far = /^(jmp|call)$/.test(row.name) && row.operands[0] === 'm';
  if (operand.startsWith('=')) return operand.slice(1);
  if (operand === 'm' || operand === 'mib' || operand === 'msib')
    return far ? `far ${pick(MEMORY[bits])}` : size + pick(MEMORY[bits]);
  if (/^v[xyz]$/.test(operand)) return `${size}[${bits === 64 ? 'rax' : 'eax'}+${VECTORS[operand[1]!]}${below(8)}*4+8]`;
  if (operand === 'moffs') return bits === 64 ? '[qword 0x123456789]' : '[0x1234]';
  const numbers = NUMBERS[operand];
  if (numbers !== undefined) return pick(numbers);
  if (operand.startsWith('rel')) return variant === 0 ? '$+10' : pick(['$+10', 'near $+30', '$+1000', 'short $+20']);
  if (operand.startsWith('far')) return '0x1234:0x5678';
  if (operand.includes('/') && variant < 2) return size + pick(MEMORY[bits]);
  return writeRegister(operand.split(/[:/]/)[0]!, bits, row.evex, below);
}

function writeRegister(kind: string, bits: Bits, evex: boolean, below: (n: number) => number): string {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const general = REGISTERS[kind];
  if (general !== undefined) return pick(general[bits === 64 ? 1 : 0]);
  const vector = VECTORS[kind];
  if (vector !== undefined) return vector + below(bits === 64 ? (evex ? 32 : 16) : 8);
  switch (kind) {
    case 'sreg':
      return pick(['es', 'ss', 'ds', 'fs', 'gs']);
    case 'cr':
      return pick(bits === 64 ? ['cr0', 'cr3', 'cr8'] : ['cr0', 'cr4']);
    case 'bnd':
      return `bnd${below(4)}`;
    default:
      return `${kind}${below(8)}`;
  }
}

function program(bits: Bits, select: (row: FormRow) => boolean, variants: number): string[] {
  const below = random(SEED + bits);
  const lines = new Set<string>();
  for (const row of rows) {
    if ((row.modes & (bits === 16 ? 1 : bits === 32 ? 2 : 4)) === 0 || !select(row)) continue;
    for (let variant = 0; variant < (row.operands.length === 0 ? 1 : variants); variant++) {
      const operands = row.operands.map((operand) => writeOperand(row, operand, bits, variant, below));
      lines.add(`${row.name} ${operands.join(', ')}`.trim());
    }
  }
  return [...lines].filter((line) => line !== OBSOLETE && !NASM_IS_WRONG.test(line) && !OTHER_CHOICE.test(line));
}

/** Nasm's bytes by line, for the lines that it takes: it shows errors pass by pass, so ask until none is left. */
function oracle(bits: Bits, lines: readonly string[]): { kept: string[]; bytes: string[] } {
  let kept = [...lines];
  for (let round = 0; round < 40; round++) {
    const answer = nasm(`bits ${bits}\n${kept.join('\n')}\n`);
    if (answer.bytes !== undefined) {
      // A word that nasm does not know is a label to it and gives no bytes.
      const known = kept
        .map((line, i) => ({ line, bytes: answer.lines.get(i + 2) }))
        .filter((l) => l.bytes !== undefined);
      return { kept: known.map((l) => l.line), bytes: known.map((l) => l.bytes!) };
    }
    kept = kept.filter((_, i) => !answer.errors.has(i + 2));
  }
  throw new Error('nasm keeps finding errors');
}

const cases = ([16, 32, 64] as const).flatMap((bits) => [
  {
    bits,
    title: 'integer, system and SSE',
    select: (row: FormRow) => !row.evex && !row.name.startsWith('v'),
    variants: 3,
  },
  { bits, title: 'AVX, XOP and VMX', select: (row: FormRow) => !row.evex && row.name.startsWith('v'), variants: 3 },
]);
cases.push({ bits: 64, title: 'AVX-512', select: (row) => row.evex, variants: 2 });

describe.skipIf(!hasNasm())('instruction forms', () => {
  it.each(cases)('$bits-bit: $title', { timeout: 120_000 }, ({ bits, select, variants }) => {
    const { kept, bytes } = oracle(bits, program(bits, select, variants));
    expect(kept.length).toBeGreaterThan(bits === 64 ? 1000 : 500);
    const ours = assemble('forms.asm', `bits ${bits}\n${kept.join('\n')}\n`, { origin: 0 });
    expect(
      ours.diagnostics.filter((d) => d.severity === 'error').map((d) => `${kept[d.line - 2]}: ${d.message}`),
    ).toEqual([]);
    const wrong = ours.lines.flatMap((line) => {
      const text = hex(ours.bytes.subarray(line.address, line.address + line.length));
      return text === bytes[line.line - 2]
        ? []
        : [`${kept[line.line - 2]}: ours ${text}, nasm ${bytes[line.line - 2]}`];
    });
    expect(wrong).toEqual([]);
    expect(ours.lines.length).toBe(kept.length);
  });
});
