// BSF BSR TZCNT LZCNT POPCNT, SHLD and SHRD between registers, and bit tests in a string of bits in memory, of 32 and 64 bits.
import { type Family, type Handler, handler } from './context.ts';
import {
  DESTINATION,
  FORMS,
  SOURCE,
  type Form,
  type Size,
  address,
  explicit,
  immediate,
  register,
  setRegister,
} from './forms.ts';

const SIZES_HERE: readonly Size[] = [32, 64];
const SCANS = ['bsf', 'bsr', 'tzcnt', 'lzcnt', 'popcnt'] as const;
const OPERANDS = ['r', ...FORMS] as const;

/** From operand b to register d. */
function scan(name: (typeof SCANS)[number], n: Size): string {
  const d = `const d=${DESTINATION};`;
  const write = setRegister(n, 'd', 'r');
  switch (name) {
    case 'bsf':
    case 'bsr': {
      // With a source of 0 the destination and the flags but ZF stay. Else ZF is 0 although the index may be: 3 has its SF and PF.
      const r = name === 'bsf' ? `ctz<u${n}>(b)` : `${n - 1}-clz<u${n}>(b)`;
      return `if(b){${d}const r:u${n}=${r};${write}store<u32>(LF_KIND,K_LOGIC|${(n - 1) << 8});store<u64>(LF_RES,r?u64(r):3);}else setZero();`;
    }
    case 'tzcnt':
      return `${d}const r:u${n}=ctz<u${n}>(b);${write}${explicit(n, 'u32(b==0)')}`;
    case 'lzcnt':
      return `${d}const r:u${n}=clz<u${n}>(b);${write}${explicit(n, 'u32(b==0)')}`;
    case 'popcnt':
      // All flags but ZF are 0: a result of 1 reads so, and 0 does with PF flipped.
      return (
        `${d}const r:u${n}=popcnt<u${n}>(b);${write}const z=u32(b==0);` +
        `store<u32>(LF_KIND,K_EXPLICIT|${63 << 8}|(z<<17));store<u64>(LF_RES,u64(z^1));store<u64>(LF_OP1,0);`
      );
  }
}

const DOUBLE_SHIFTS = ['shld', 'shrd'] as const;

function doubleShift(name: (typeof DOUBLE_SHIFTS)[number], n: Size, count: string): string {
  const u = `<u${n}>`;
  const left = name === 'shld';
  const r = left ? `(a<<(${u}k))|(b>>(${u}(${n}-k)))` : `(a>>(${u}k))|(b<<(${u}(${n}-k)))`;
  const cf = left ? `a>>(${u}(${n}-k))` : `a>>(${u}(k-1))`;
  const of = left ? `u32(r>>${n - 1})^cf` : `u32((r>>${n - 1})^(r>>${n - 2}))`;
  return (
    `const k:u32=${count}&${n - 1};const d=${DESTINATION};const a=${register(n, 'd')};` +
    `if(k){const b=${register(n, SOURCE)};const r:u${n}=${r};const cf=u32(${cf})&1;${explicit(n, `cf|(((${of})&1)<<1)`)}` +
    `${setRegister(n, 'd', 'r')}}else{${setRegister(n, 'd', 'a')}}`
  );
}

const BIT_TESTS = ['bt', 'bts', 'btr', 'btc'] as const;

/** The bit number in the register counts from the operand's address, in both directions; flat 64-bit addresses only. */
function bitString(name: (typeof BIT_TESTS)[number], n: Size, form: Form, rem: string): string {
  const word = n === 32 ? '(i>>5)<<2' : '(i>>6)<<3';
  const place = `const i=<i64>load<i${n}>(${SOURCE},STATE);const va:u64=${address(form)}+u64(${word});const k=<u${n}>(i&${n - 1});`;
  if (name === 'bt') return `${place}const a=rd<u${n}>(va,op,${rem});setCarry(u32(a>>k)&1);`;
  const bit = `(<u${n}>1<<k)`;
  const r = { bts: `a|${bit}`, btr: `a&~${bit}`, btc: `a^${bit}` }[name];
  return (
    `${place}const h=hostRW<u${n}>(va,op,${rem});const a=load<u${n}>(h);store<u${n}>(h,${r});` +
    `if(h<SCRATCH_END)commitRW(va,${n / 8});setCarry(u32(a>>k)&1);`
  );
}

function scanForms(name: (typeof SCANS)[number], n: Size): Handler[] {
  return OPERANDS.map((form) =>
    handler(`${name}_${form}${n}`, (c) => {
      const b = form === 'r' ? register(n, SOURCE) : `rd<u${n}>(${address(form)},op,${c.rem})`;
      return `const b:u${n}=${b};${scan(name, n)}${c.next}`;
    }),
  );
}

/**
 * FAM_SCAN + (operation * 2 + size - 2) * 3 + form; FAM_DOUBLE_SHIFT + (operation * 2 + size - 2) * 2 + by CL;
 * FAM_BIT_STRING + (operation * 2 + size - 2) * 2 + form.
 */
export const scans: readonly Family[] = [
  { name: 'SCAN', handlers: SCANS.flatMap((name) => SIZES_HERE.flatMap((n) => scanForms(name, n))) },
  {
    name: 'DOUBLE_SHIFT',
    handlers: DOUBLE_SHIFTS.flatMap((name) =>
      SIZES_HERE.flatMap((n) => [
        handler(`${name}_i${n}`, (c) => `${doubleShift(name, n, `u32(${immediate(8)})`)}${c.next}`),
        handler(`${name}_c${n}`, (c) => `${doubleShift(name, n, 'u32(load<u8>(RCX))')}${c.next}`),
      ]),
    ),
  },
  {
    name: 'BIT_STRING',
    handlers: BIT_TESTS.flatMap((name) =>
      SIZES_HERE.flatMap((n) =>
        FORMS.map((form) => handler(`${name}_m${form}${n}`, (c) => `${bitString(name, n, form, c.rem)}${c.next}`)),
      ),
    ),
  },
];
