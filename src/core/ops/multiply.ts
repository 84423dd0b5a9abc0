// 32- and 64-bit MUL, IMUL, DIV, IDIV. The narrow ones are slow instructions.
import { type Family, type Handler, handler } from './context.ts';
import { DESTINATION, FORMS, SOURCE, type Size, address, explicit, immediate, register, setRegister } from './forms.ts';

const SIZES_HERE: readonly Size[] = [32, 64];
const NAMES = ['mul', 'imul1', 'div', 'idiv'] as const;
const OPERANDS = ['r', ...FORMS] as const;

function operand(n: Size, form: (typeof OPERANDS)[number], rem: string): string {
  return form === 'r' ? register(n, SOURCE) : `rd<u${n}>(${address(form)},op,${rem})`;
}

/** From operand b. */
function wide(name: (typeof NAMES)[number], n: Size, rem: string): string {
  if (name === 'div' || name === 'idiv') return `${name}${n}(b,op,${rem});`;
  const signed = name === 'imul1';
  if (n === 32) {
    const product = signed ? 'u64(i64(load<i32>(RAX))*i64(<i32>b))' : 'u64(load<u32>(RAX))*u64(b)';
    const overflow = signed ? 'u32(<i64>w!=<i64><i32>w)' : 'u32((w>>32)!=0)';
    return `const w:u64=${product};const r:u32=<u32>w;store<u64>(RAX,u64(r));store<u64>(RDX,w>>32);${explicit(32, `${overflow}*3`)}`;
  }
  const high = signed ? 'highSigned(a,b)' : 'highUnsigned(a,b)';
  const overflow = signed ? 'u32(u64(<i64>r>>63)!=hi)' : 'u32(hi!=0)';
  return `const a:u64=load<u64>(RAX);const r:u64=a*b;const hi:u64=${high};store<u64>(RAX,r);store<u64>(RDX,hi);${explicit(64, `${overflow}*3`)}`;
}

/** r and flags of the two- and three-operand IMUL from a and b; the 64-bit overflow is computed when asked for. */
function product(n: Size): string {
  return n === 32
    ? `const w:i64=i64(<i32>a)*i64(<i32>b);const r:u32=<u32>w;${explicit(32, 'u32(i64(<i32>w)!=w)*3')}`
    : `const r:u64=a*b;store<u32>(LF_KIND,K_IMUL|${63 << 8});store<u64>(LF_RES,r);store<u64>(LF_OP1,a);store<u64>(LF_OP2,b);`;
}

/** The same without flags. */
const quietProduct = (n: Size): string => `const r:u${n}=a*b;`;

function productForms(n: Size, label: string, product: (n: Size) => string): Handler[] {
  const two = OPERANDS.map((form) =>
    handler(
      `imul2${label}_${form}${n}`,
      (c) =>
        `const d=${DESTINATION};const b:u${n}=${operand(n, form, c.rem)};const a=${register(n, 'd')};${product(n)}${setRegister(n, 'd', 'r')}${c.next}`,
    ),
  );
  const three = OPERANDS.map((form) =>
    handler(
      `imul3${label}_${form}${n}`,
      (c) =>
        `const a:u${n}=${operand(n, form, c.rem)};const b=${immediate(n)};${product(n)}${setRegister(n, DESTINATION, 'r')}${c.next}`,
    ),
  );
  return [...two, ...three];
}

/** FAM_MULDIV + ((size - 2) * 4 + operation) * 3 + form; FAM_IMUL + ((size - 2) * 2 + three operands) * 3 + form. */
export const multiply: readonly Family[] = [
  {
    name: 'MULDIV',
    handlers: SIZES_HERE.flatMap((n) =>
      NAMES.flatMap((name) =>
        OPERANDS.map((form) =>
          handler(
            `${name}_${form}${n}`,
            (c) => `const b:u${n}=${operand(n, form, c.rem)};${wide(name, n, c.rem)}${c.next}`,
          ),
        ),
      ),
    ),
  },
  { name: 'IMUL', handlers: SIZES_HERE.flatMap((n) => productForms(n, '', product)) },
  // In the order of IMUL, for where the next instruction sets all flags.
  { name: 'IMUL_QUIET', handlers: SIZES_HERE.flatMap((n) => productForms(n, '_quiet', quietProduct)) },
];
