// Handlers of MMX and SSE instructions: the general ones, which give operands' addresses to the function of the row
// (simd/table.ts), and those of the moves that compilers emit most.
//
// The general operations have at +24 the immediate byte, at +25 the operand's bytes (bit 5: aligned), at +26 the row's function
// (u16), at +28 and +30 (u16) destination and source as offsets from STATE. In the others byte 4 is an XMM register's offset from
// XMM, byte 5 a second one's, or a general register's from RAX.
import { type Context, type Family, type Handler, handler } from './context.ts';
import { FORMS, type Form, address } from './forms.ts';
import { MOVES, type Move } from './simd/row.ts';

/** CR0.EM and CR0.TS clear, CR4.OSFXSAVE set; else #UD or #NM. */
const allowed = (c: Context): string => `if(load<u32>(CR0)&12|~load<u32>(CR4)&512)simdDenied(op,${c.rem});`;
const where = (offset: number): string => `STATE+usize(load<u16>(op,${offset}))`;
const XMM_1 = 'usize(load<u8>(op,4))';
const XMM_2 = 'usize(load<u8>(op,5))';

/** Registers alone; load (b, x); store (b, x): with SSE's checks, then with those of MMX. */
const general: Handler[] = (['simd', 'mmx'] as const).flatMap((name) => {
  const check = (c: Context) => (name === 'simd' ? allowed(c) : `mmxCheck(op,${c.rem});`);
  const row = 'const i=load<u32>(op,24);';
  return [
    handler(
      `${name}_r`,
      (c) => `${check(c)}${row}execSimd(i>>16,${where(28)},${where(30)},i&0xff,op,${c.rem});${c.next}`,
    ),
    ...FORMS.map((form) =>
      handler(
        `${name}_load_${form}`,
        (c) =>
          `${check(c)}${row}execSimd(i>>16,${where(28)},simdSource(${address(form)},i,op,${c.rem}),i&0xff,op,${c.rem});${c.next}`,
      ),
    ),
    ...FORMS.map((form) =>
      handler(
        `${name}_store_${form}`,
        (c) =>
          `${check(c)}${row}simdStore(${address(form)},${where(30)},i,op,${c.rem});${name === 'mmx' ? 'mmxUsed();' : ''}${c.next}`,
      ),
    ),
  ];
});

const checkedAlignment = (c: Context): string => `if(va&15)simdMisaligned(op,${c.rem});`;

function load(bytes: 4 | 8 | 16, aligned: boolean): (form: Form) => (c: Context) => string {
  const zero = bytes === 4 ? 'v128.load32_zero(h)' : bytes === 8 ? 'v128.load64_zero(h)' : 'load<v128>(h)';
  return (form) => (c) =>
    `${allowed(c)}const va:u64=${address(form)};${aligned ? checkedAlignment(c) : ''}` +
    `const h=hostR(va,${bytes},op,${c.rem});store<v128>(${XMM_1},${zero},XMM);${c.next}`;
}

function store(bytes: 4 | 8 | 16, aligned: boolean): (form: Form) => (c: Context) => string {
  const type = bytes === 16 ? 'v128' : `u${bytes * 8}`;
  const write = bytes === 16 ? 'wr128' : `wrm<${type}>`;
  return (form) => (c) =>
    `${allowed(c)}const va:u64=${address(form)};${aligned ? checkedAlignment(c) : ''}` +
    `${write}(va,load<${type}>(${XMM_1},XMM),op,${c.rem});${c.next}`;
}

const registers: Partial<Record<Move, string>> = {
  copy16: `store<v128>(${XMM_1},load<v128>(${XMM_2},XMM),XMM);`,
  xor: `const d=${XMM_1};store<v128>(d,v128.xor(load<v128>(d,XMM),load<v128>(${XMM_2},XMM)),XMM);`,
  from_general4: `store<v128>(${XMM_1},v128.load32_zero(${XMM_2},RAX),XMM);`,
  from_general8: `store<v128>(${XMM_1},v128.load64_zero(${XMM_2},RAX),XMM);`,
  to_general4: `store<u64>(${XMM_2},u64(load<u32>(${XMM_1},XMM)),RAX);`,
  to_general8: `store<u64>(${XMM_2},load<u64>(${XMM_1},XMM),RAX);`,
  low8: `store<u64>(${XMM_1},load<u64>(${XMM_2},XMM),XMM);`,
  low4: `store<u32>(${XMM_1},load<u32>(${XMM_2},XMM),XMM);`,
};

const memory: Partial<Record<Move, (form: Form) => (c: Context) => string>> = {
  load16: load(16, false),
  load16_aligned: load(16, true),
  load8: load(8, false),
  load4: load(4, false),
  store16: store(16, false),
  store16_aligned: store(16, true),
  store8: store(8, false),
  store4: store(4, false),
};

/** Two handlers for each: forms b and x, or one of registers and none. */
function moveHandlers(move: Move): Handler[] {
  const text = memory[move];
  if (text) return FORMS.map((form) => handler(`simd_${move}_${form}`, text(form)));
  const body = registers[move];
  return [
    handler(`simd_${move}`, (c) => (body ? `${allowed(c)}${body}${c.next}` : 'unreachable();')),
    handler(`simd_${move}_none`, () => 'unreachable();'),
  ];
}

/** FAM_SIMD + (MMX ? 5 : 0) + 0 registers, 1 load, 3 store; FAM_SIMD_MOVE + move * 2. */
export const simd: readonly Family[] = [
  { name: 'SIMD', handlers: general },
  { name: 'SIMD_MOVE', handlers: MOVES.flatMap(moveHandlers) },
];
