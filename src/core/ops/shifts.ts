// ROL ROR SHL SHR SAR, and BT BTS BTR BTC where the bit lies in the operand.
import { type Family, type Handler, handler } from './context.ts';
import {
  DESTINATION,
  FORMS,
  SIZES,
  SOURCE,
  type Size,
  WIDE,
  address,
  explicit,
  immediate,
  readModifyWrite,
  register,
  setRegister,
} from './forms.ts';

const SHIFTS = ['rol', 'ror', 'shl', 'shr', 'sar'] as const;
type ShiftName = (typeof SHIFTS)[number];

/** Computes r from a and the masked count k; flags change only when k is not 0. OF is that of a shift by 1. */
function shift(name: ShiftName, n: Size): string {
  const top = n - 1;
  switch (name) {
    case 'shl':
      return n >= 32
        ? `const r:u${n}=a<<(<u${n}>k);if(k){const cf=u32(a>>(<u${n}>(${n}-k)))&1;const ovf=(u32(r>>${top})^cf)&1;${explicit(n, 'cf|(ovf<<1)')}}`
        : `const w:u64=u64(a)<<u64(k);const r:u${n}=<u${n}>w;if(k){const cf=u32(w>>${n})&1;const ovf=(u32(r>>${top})^cf)&1;${explicit(n, 'cf|(ovf<<1)')}}`;
    case 'shr':
      return `const w:u64=u64(a);const r:u${n}=<u${n}>(w>>u64(k));if(k){const cf=u32(w>>u64(k-1))&1;${explicit(n, `cf|((u32(w>>${top})&1)<<1)`)}}`;
    case 'sar':
      return `const w:i64=<i64><i${n}>a;const r:u${n}=<u${n}>(w>>i64(k));if(k){const cf=u32(w>>i64(k-1))&1;${explicit(n, 'cf')}}`;
    case 'rol':
      return `const r:u${n}=rotl<u${n}>(a,<u${n}>k);if(k){setCarryOverflow(u32(r&1),(u32(r>>${top})^u32(r))&1);}`;
    case 'ror':
      return `const r:u${n}=rotr<u${n}>(a,<u${n}>k);if(k){setCarryOverflow(u32(r>>${top})&1,u32((r>>${top})^(r>>${top - 1}))&1);}`;
  }
}

/** Forms: r by immediate, r by CL, memory by immediate (b, x), memory by CL (b, x). */
function shiftForms(name: ShiftName, n: Size): Handler[] {
  const byImmediate = 'const k:u32=u32(load<u8>(op,24));';
  const byCl = `const k:u32=u32(load<u8>(RCX))&${n === 64 ? 63 : 31};`;
  const inRegister = (label: string, count: string) =>
    handler(
      `${name}_r${label}${n}`,
      (c) =>
        `const d=${DESTINATION};const a=${register(n, 'd')};${count}${shift(name, n)}${setRegister(n, 'd', 'r')}${c.next}`,
    );
  const inMemory = (label: string, count: string) =>
    FORMS.map((form) =>
      handler(
        `${name}_m${label}${form}${n}`,
        (c) => `${readModifyWrite(n, form, c.rem, count + shift(name, n))}${c.next}`,
      ),
    );
  return [inRegister('i', byImmediate), inRegister('c', byCl), ...inMemory('i', byImmediate), ...inMemory('c', byCl)];
}

/** SHL SHR SAR of a register by an immediate, without flags, which the next instruction sets. */
function quietShift(name: 'shl' | 'shr' | 'sar', n: Size): Handler {
  const type = name === 'sar' ? `i${n}` : `u${n}`;
  const shifted = `<u${n}>(load<${type}>(d,STATE)${name === 'shl' ? '<<' : '>>'}<${type}>load<u8>(op,24))`;
  return handler(
    `${name}_quiet_ri${n}`,
    (c) => `const d=${DESTINATION};const r:u${n}=${shifted};${setRegister(n, 'd', 'r')}${c.next}`,
  );
}

const BIT_TESTS = ['bt', 'bts', 'btr', 'btc'] as const;

/** Computes r from a and the bit number k. */
function bitTest(name: (typeof BIT_TESTS)[number], n: Size): string {
  const bit = `(<u${n}>1<<k)`;
  const result = { bt: 'a', bts: `a|${bit}`, btr: `a&~${bit}`, btc: `a^${bit}` }[name];
  return `const r:u${n}=${result};setCarry(u32(a>>k)&1);`;
}

/** Forms: rr, ri, memory by immediate (b, x). */
function bitTestForms(name: (typeof BIT_TESTS)[number], n: Size): Handler[] {
  const store = name === 'bt' ? '' : setRegister(n, 'd', 'r');
  const inRegister = (label: string, k: string) =>
    handler(
      `${name}_r${label}${n}`,
      (c) =>
        `const d=${DESTINATION};const a=${register(n, 'd')};const k=${k}&${n - 1};${bitTest(name, n)}${store}${c.next}`,
    );
  const count = `const k=${immediate(n)}&${n - 1};`;
  return [
    inRegister('r', register(n, SOURCE)),
    inRegister('i', immediate(n)),
    ...FORMS.map((form) =>
      handler(`${name}_mi${form}${n}`, (c) =>
        name === 'bt'
          ? `const a=rd<u${n}>(${address(form)},op,${c.rem});${count}${bitTest(name, n)}${c.next}`
          : `${readModifyWrite(n, form, c.rem, count + bitTest(name, n))}${c.next}`,
      ),
    ),
  ];
}

/** FAM_SHIFT + (operation * 4 + size) * 6 + form; FAM_BIT_TEST + (operation * 3 + size - 1) * 4 + form. */
export const shifts: readonly Family[] = [
  // FAM_SHIFT_QUIET + operation * 2 + size - 2, operations from SHL
  {
    name: 'SHIFT_QUIET',
    handlers: (['shl', 'shr', 'sar'] as const).flatMap((name) => [quietShift(name, 32), quietShift(name, 64)]),
  },
  { name: 'SHIFT', handlers: SHIFTS.flatMap((name) => SIZES.flatMap((n) => shiftForms(name, n))) },
];
export const bitTests: readonly Family[] = [
  { name: 'BIT_TEST', handlers: BIT_TESTS.flatMap((name) => WIDE.flatMap((n) => bitTestForms(name, n))) },
];
