// SETcc, CMOVcc, Jcc, and comparisons fused with the Jcc that follows them.
import { alu } from './arithmetic.ts';
import { type Context, type Family, handler } from './context.ts';
import { DESTINATION, FORMS, SOURCE, type Size, address, register, setRegister } from './forms.ts';

const CONDITIONS = Array.from({ length: 16 }, (_, cc) => cc);
const OPERANDS = ['r', ...FORMS] as const;

/** Condition by the lazy flags. */
const condition = (cc: number): string => `cond${cc}()`;

/** After `a - b` with result r; overflow and parity are left to the lazy flags. */
function afterCompare(cc: number, n: Size): string {
  const s = `i${n}`;
  const direct: Record<number, string> = {
    2: 'a<b',
    3: 'a>=b',
    4: 'a==b',
    5: 'a!=b',
    6: 'a<=b',
    7: 'a>b',
    8: `(<${s}>r)<0`,
    9: `(<${s}>r)>=0`,
    12: `(<${s}>a)<(<${s}>b)`,
    13: `(<${s}>a)>=(<${s}>b)`,
    14: `(<${s}>a)<=(<${s}>b)`,
    15: `(<${s}>a)>(<${s}>b)`,
  };
  return direct[cc] ?? condition(cc);
}

/** After a logical operation with result r: CF and OF are 0. */
function afterLogic(cc: number, n: Size): string {
  const s = `i${n}`;
  const direct: Record<number, string> = {
    0: 'false',
    1: 'true',
    2: 'false',
    3: 'true',
    4: 'r==0',
    5: 'r!=0',
    6: 'r==0',
    7: 'r!=0',
    8: `(<${s}>r)<0`,
    9: `(<${s}>r)>=0`,
    12: `(<${s}>r)<0`,
    13: `(<${s}>r)>=0`,
    14: `(<${s}>r)<=0`,
    15: `(<${s}>r)>0`,
  };
  return direct[cc] ?? condition(cc);
}

const branch = (c: Context, taken: string): string => `if(${taken}){${c.gotoRelative}}else{${c.next}}`;

const FUSED_SIZES: readonly Size[] = [8, 32, 64];
const COMPARE_FORMS = ['rr', 'ri', 'mib', 'mix'] as const;
const immediate32 = (n: Size): string => `<u${n}><i${n}>load<i32>(op,24)`;

function compareOperands(form: (typeof COMPARE_FORMS)[number], n: Size, rem: string): string {
  if (form === 'rr') return `const a=${register(n, DESTINATION)};const b=${register(n, SOURCE)};`;
  const a = form === 'ri' ? register(n, DESTINATION) : `rd<u${n}>(${address(form === 'mib' ? 'b' : 'x')},op,${rem})`;
  return `const a=${a};const b=${immediate32(n)};`;
}

/** Operations with an immediate that fuse with Jcc on ZF or SF: name, in the decoder's order. */
const FUSED_ALU = ['add', 'sub', 'and'] as const;
const FUSED_ALU_CONDITIONS = [4, 5, 8, 9];

/**
 * FAM_SETCC + cc * 3 + form; FAM_CMOV + (cc * 2 + size - 2) * 3 + form; FAM_JCC + cc, FAM_JCC_FAR + cc;
 * FAM_COMPARE_JUMP + ((size) * 4 + form) * 16 + cc, FAM_TEST_JUMP + (size * 2 + form) * 16 + cc with size 0 to 2 for 8, 32, 64;
 * FAM_ALU_JUMP + ((operation * 2 + size - 2) * 4 + condition).
 */
export const conditions: readonly Family[] = [
  {
    name: 'JCC',
    handlers: CONDITIONS.map((cc) =>
      handler(`j${cc}`, (c) => `if(${condition(cc)}){${c.goto}}else{${c.next}}`, 'conditional'),
    ),
  },
  {
    name: 'JCC_FAR',
    handlers: CONDITIONS.map((cc) =>
      handler(`jfar${cc}`, (c) => `if(${condition(cc)}){${c.gotoFar}}else{${c.next}}`, 'conditional'),
    ),
  },
  {
    name: 'COMPARE_JUMP',
    handlers: FUSED_SIZES.flatMap((n) =>
      COMPARE_FORMS.flatMap((form) =>
        CONDITIONS.map((cc) =>
          handler(
            `cmpj_${form}${n}_${cc}`,
            (c) => compareOperands(form, n, c.rem) + alu('cmp', n) + branch(c, afterCompare(cc, n)),
            'conditional',
          ),
        ),
      ),
    ),
  },
  {
    name: 'TEST_JUMP',
    handlers: FUSED_SIZES.flatMap((n) =>
      (['rr', 'ri'] as const).flatMap((form) =>
        CONDITIONS.map((cc) =>
          handler(
            `testj_${form}${n}_${cc}`,
            (c) => compareOperands(form, n, c.rem) + alu('test', n) + branch(c, afterLogic(cc, n)),
            'conditional',
          ),
        ),
      ),
    ),
  },
  {
    name: 'ALU_JUMP',
    handlers: FUSED_ALU.flatMap((name) =>
      FUSED_SIZES.filter((n) => n !== 8).flatMap((n) =>
        FUSED_ALU_CONDITIONS.map((cc) =>
          handler(
            `${name}j_ri${n}_${cc}`,
            (c) =>
              `const d=${DESTINATION};const a=${register(n, 'd')};const b=${immediate32(n)};${alu(name, n)}${setRegister(n, 'd', 'r')}${branch(c, afterLogic(cc, n))}`,
            'conditional',
          ),
        ),
      ),
    ),
  },
  {
    name: 'SETCC',
    handlers: CONDITIONS.flatMap((cc) =>
      OPERANDS.map((form) =>
        handler(`set${cc}_${form}`, (c) =>
          form === 'r'
            ? `store<u8>(${DESTINATION},u8(${condition(cc)}),STATE);${c.next}`
            : `wrm<u8>(${address(form)},u8(${condition(cc)}),op,${c.rem});${c.next}`,
        ),
      ),
    ),
  },
  {
    name: 'CMOV',
    handlers: CONDITIONS.flatMap((cc) =>
      FUSED_SIZES.filter((n) => n !== 8).flatMap((n) =>
        OPERANDS.map((form) =>
          handler(`cmov${cc}_${form}${n}`, (c) => {
            const value = form === 'r' ? register(n, SOURCE) : `rd<u${n}>(${address(form)},op,${c.rem})`;
            return `const v:u${n}=${value};const d=${DESTINATION};const old=${register(n, 'd')};${setRegister(n, 'd', `(${condition(cc)}?v:old)`)}${c.next}`;
          }),
        ),
      ),
    ),
  },
];
/** CMOVcc of 16 bits, the condition in byte 8: FAM_CMOV16 + (1 for memory at EA). */
export const rareConditions: readonly Family[] = [
  {
    name: 'CMOV16',
    handlers: [
      handler(
        'cmov16_r',
        (c) => `if(condition(u32(load<u8>(op,8)))){${setRegister(16, DESTINATION, register(16, SOURCE))}}${c.next}`,
      ),
      handler(
        'cmov16_b',
        (c) =>
          `const v=rd<u16>(${address('b')},op,${c.rem});if(condition(u32(load<u8>(op,8)))){${setRegister(16, DESTINATION, 'v')}}${c.next}`,
      ),
    ],
  },
];
