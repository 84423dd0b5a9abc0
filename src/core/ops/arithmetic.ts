// ADD OR ADC SBB AND SUB XOR CMP, TEST, INC DEC NOT NEG.
import { type Family, type Handler, handler } from './context.ts';
import {
  DESTINATION,
  FORMS,
  SIZES,
  SOURCE,
  type Size,
  address,
  immediate,
  lazy,
  readModifyWrite,
  register,
  setRegister,
} from './forms.ts';

export const ALU = ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'] as const;
export type AluName = (typeof ALU)[number] | 'test';

/** Computes r from a and b, with flags. ADC and SBB set an immediate carry kind, as the carry itself is read first. */
export function alu(name: AluName, n: Size): string {
  switch (name) {
    case 'add':
      return `const r:u${n}=a+b;${lazy(n, 'K_ADD', 'r', 'a')}`;
    case 'sub':
    case 'cmp':
      return `const r:u${n}=a-b;${lazy(n, 'K_SUB', 'r', 'a')}`;
    case 'and':
    case 'test':
      return `const r:u${n}=a&b;${lazy(n, 'K_LOGIC', 'r', null)}`;
    case 'or':
      return `const r:u${n}=a|b;${lazy(n, 'K_LOGIC', 'r', null)}`;
    case 'xor':
      return `const r:u${n}=a^b;${lazy(n, 'K_LOGIC', 'r', null)}`;
    case 'adc':
      return `const c:u32=getCF();const r:u${n}=a+b+<u${n}>c;${lazy(n, '(c?K_ADC:K_ADD)', 'r', 'a')}`;
    case 'sbb':
      return `const c:u32=getCF();const r:u${n}=a-b-<u${n}>c;${lazy(n, '(c?K_SBB:K_SUB)', 'r', 'a')}`;
  }
}

/** Forms: rr, ri, r-memory (b, x), memory-r (b, x), memory-i (b, x). */
function aluForms(name: (typeof ALU)[number], n: Size): Handler[] {
  const writes = name !== 'cmp';
  const result = writes ? setRegister(n, 'd', 'r') : '';
  const a = `const d=${DESTINATION};const a=${register(n, 'd')};`;
  const toRegister = (label: string, b: (rem: string) => string) =>
    handler(`${name}_${label}${n}`, (c) => `${a}const b:u${n}=${b(c.rem)};${alu(name, n)}${result}${c.next}`);
  const toMemory = (label: string, b: string) =>
    FORMS.map((form) =>
      handler(`${name}_m${label}${form}${n}`, (c) =>
        writes
          ? `${readModifyWrite(n, form, c.rem, `const b=${b};${alu(name, n)}`)}${c.next}`
          : `const a=rd<u${n}>(${address(form)},op,${c.rem});const b=${b};${alu(name, n)}${c.next}`,
      ),
    );
  return [
    toRegister('rr', () => register(n, SOURCE)),
    toRegister('ri', () => immediate(n)),
    ...FORMS.map((form) => toRegister(`rm${form}`, (rem) => `rd<u${n}>(${address(form)},op,${rem})`)),
    ...toMemory('r', register(n, SOURCE)),
    ...toMemory('i', immediate(n)),
  ];
}

/** Forms: rr, ri, memory-r (b, x), memory-i (b, x). */
function testForms(n: Size): Handler[] {
  const a = `const a=${register(n, DESTINATION)};`;
  const memory = (label: string, b: string) =>
    FORMS.map((form) =>
      handler(
        `test_m${label}${form}${n}`,
        (c) => `const a=rd<u${n}>(${address(form)},op,${c.rem});const b=${b};${alu('test', n)}${c.next}`,
      ),
    );
  return [
    handler(`test_rr${n}`, (c) => `${a}const b=${register(n, SOURCE)};${alu('test', n)}${c.next}`),
    handler(`test_ri${n}`, (c) => `${a}const b=${immediate(n)};${alu('test', n)}${c.next}`),
    ...memory('r', register(n, SOURCE)),
    ...memory('i', immediate(n)),
  ];
}

const UNARY = ['inc', 'dec', 'not', 'neg'] as const;

function unary(name: (typeof UNARY)[number], n: Size): string {
  switch (name) {
    case 'inc':
      return `const cf=getCF();const r:u${n}=a+1;${lazy(n, 'K_INC', 'r', null)}store<u64>(LF_OP1,u64(cf));`;
    case 'dec':
      return `const cf=getCF();const r:u${n}=a-1;${lazy(n, 'K_DEC', 'r', null)}store<u64>(LF_OP1,u64(cf));`;
    case 'not':
      return `const r:u${n}=~a;`;
    case 'neg':
      return `const r:u${n}=0-a;${lazy(n, 'K_SUB', 'r', '0')}`;
  }
}

/** Forms: r, memory (b, x). */
function unaryForms(name: (typeof UNARY)[number], n: Size): Handler[] {
  return [
    handler(
      `${name}_r${n}`,
      (c) => `const d=${DESTINATION};const a=${register(n, 'd')};${unary(name, n)}${setRegister(n, 'd', 'r')}${c.next}`,
    ),
    ...FORMS.map((form) =>
      handler(`${name}_${form}${n}`, (c) => `${readModifyWrite(n, form, c.rem, unary(name, n))}${c.next}`),
    ),
  ];
}

/** Operations whose flags are often dead, as the next instruction sets all of them. In the decoder's order. */
const QUIET = ['add', 'or', 'and', 'sub', 'xor'] as const;
const QUIET_SIZES: readonly Size[] = [32, 64];
const QUIET_OPERATOR = { add: '+', or: '|', and: '&', sub: '-', xor: '^' } as const;

/** Without flags. Forms: rr, ri, r-memory (b, x). */
function quietForms(name: (typeof QUIET)[number], n: Size): Handler[] {
  const form = (label: string, b: (rem: string) => string) =>
    handler(
      `${name}_quiet_${label}${n}`,
      (c) =>
        `const d=${DESTINATION};const b:u${n}=${b(c.rem)};const r:u${n}=${register(n, 'd')}${QUIET_OPERATOR[name]}b;` +
        `${setRegister(n, 'd', 'r')}${c.next}`,
    );
  return [
    form('rr', () => register(n, SOURCE)),
    form('ri', () => immediate(n)),
    ...FORMS.map((f) => form(`rm${f}`, (rem) => `rd<u${n}>(${address(f)},op,${rem})`)),
  ];
}

/** FAM_ALU + (operation * 4 + size) * 8 + form; FAM_TEST + size * 6 + form; FAM_UNARY + (operation * 4 + size) * 3 + form. */
export const arithmetic: readonly Family[] = [
  { name: 'ALU', handlers: ALU.flatMap((name) => SIZES.flatMap((n) => aluForms(name, n))) },
  { name: 'TEST', handlers: SIZES.flatMap(testForms) },
  // FAM_ALU_QUIET + (operation * 2 + size - 2) * 4 + form
  { name: 'ALU_QUIET', handlers: QUIET.flatMap((name) => QUIET_SIZES.flatMap((n) => quietForms(name, n))) },
  { name: 'UNARY', handlers: UNARY.flatMap((name) => SIZES.flatMap((n) => unaryForms(name, n))) },
];
