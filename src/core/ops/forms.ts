// Pieces of handler text: registers, immediates, effective addresses, lazy flags.

export type Size = 8 | 16 | 32 | 64;
export const SIZES: readonly Size[] = [8, 16, 32, 64];
export const WIDE: readonly Size[] = [16, 32, 64];
/** Memory forms: base + displacement, and base + index * scale + displacement. */
export type Form = 'b' | 'x';
export const FORMS: readonly Form[] = ['b', 'x'];

export const DESTINATION = 'usize(load<u8>(op,4))';
export const SOURCE = 'usize(load<u8>(op,5))';
const BASE = 'usize(load<u8>(op,6))';
const INDEX = 'usize(load<u8>(op,7))';

export const unsigned = (n: Size): string => `u${n}`;
export const signed = (n: Size): string => `i${n}`;

/** Register of size n at a byte offset (text). */
export const register = (n: Size, offset: string): string => `load<u${n}>(${offset},STATE)`;

/** Writes a register; a 32-bit result clears the upper half. */
export const setRegister = (n: Size, offset: string, value: string): string =>
  n === 32 ? `store<u64>(${offset},u64(${value}),STATE);` : `store<u${n}>(${offset},${value},STATE);`;

/** The linear address of the memory operand. */
export const address = (form: Form): string =>
  form === 'b'
    ? `load<u64>(${BASE},STATE)+load<u64>(op,16)`
    : `load<u64>(${BASE},STATE)+(load<u64>(${INDEX},STATE)<<u64(load<u8>(op,8)))+load<u64>(op,16)`;

export const immediate = (n: Size): string => `load<u${n}>(op,24)`;

/** Lazy flags of a result, with the first operand unless null. */
export const lazy = (n: Size, kind: string, result: string, operand: string | null): string =>
  `store<u32>(LF_KIND,${kind}|${(n - 1) << 8});store<i64>(LF_RES,<i64><i${n}>(${result}));` +
  (operand === null ? '' : `store<i64>(LF_OP1,<i64><i${n}>(${operand}));`);

/** Explicit CF (bit 0), OF (bit 1) and AF (bit 2), with ZF, SF and PF of the result `r`. */
export const explicit = (n: Size, bits: string): string =>
  `store<u32>(LF_KIND,K_EXPLICIT|${(n - 1) << 8});store<i64>(LF_RES,<i64><i${n}>r);store<i64>(LF_OP1,i64(${bits}));`;

/** Reads, changes and writes a memory operand: `change` computes r from a. */
export const readModifyWrite = (n: Size, form: Form, rem: string, change: string): string =>
  `const va:u64=${address(form)};const h=hostRW<u${n}>(va,op,${rem});const a=load<u${n}>(h);${change}` +
  `store<u${n}>(h,r);if(h<SCRATCH_END)commitRW(va,${n / 8});`;
