// MOV, MOVZX, MOVSX, MOVSXD, LEA, XCHG between registers, BSWAP, CBW and CWD with their wider kin.
import { type Family, type Handler, handler } from './context.ts';
import {
  DESTINATION,
  FORMS,
  SIZES,
  SOURCE,
  type Size,
  WIDE,
  address,
  immediate,
  register,
  setRegister,
} from './forms.ts';

/** Forms: rr, ri, r-memory (b, x), memory-r (b, x), memory-i (b, x). */
function movForms(n: Size): Handler[] {
  const toMemory = (label: string, value: string) =>
    FORMS.map((form) =>
      handler(`mov_m${label}${form}${n}`, (c) => `wrm<u${n}>(${address(form)},${value},op,${c.rem});${c.next}`),
    );
  return [
    handler(`mov_rr${n}`, (c) => `${setRegister(n, DESTINATION, register(n, SOURCE))}${c.next}`),
    handler(`mov_ri${n}`, (c) => `${setRegister(n, DESTINATION, immediate(n))}${c.next}`),
    ...FORMS.map((form) =>
      handler(
        `mov_rm${form}${n}`,
        (c) => `${setRegister(n, DESTINATION, `rd<u${n}>(${address(form)},op,${c.rem})`)}${c.next}`,
      ),
    ),
    ...toMemory('r', register(n, SOURCE)),
    ...toMemory('i', immediate(n)),
  ];
}

/** Source and destination sizes of the extending moves, in the decoder's order. */
const EXTENSIONS: readonly (readonly [Size, Size])[] = [
  [8, 16],
  [8, 32],
  [8, 64],
  [16, 32],
  [16, 64],
  [32, 64],
];

/** Forms: r, memory (b, x). */
function extensionForms(from: Size, to: Size, sign: boolean): Handler[] {
  const extend = (value: string) => (sign ? `<u${to}><i${to}><i${from}>(${value})` : `<u${to}>(${value})`);
  const name = `mov${sign ? 's' : 'z'}x`;
  return [
    handler(
      `${name}_r${from}_${to}`,
      (c) => `${setRegister(to, DESTINATION, extend(register(from, SOURCE)))}${c.next}`,
    ),
    ...FORMS.map((form) =>
      handler(
        `${name}_${form}${from}_${to}`,
        (c) => `${setRegister(to, DESTINATION, extend(`rd<u${from}>(${address(form)},op,${c.rem})`))}${c.next}`,
      ),
    ),
  ];
}

function exchange(n: Size): Handler {
  return handler(
    `xchg_rr${n}`,
    (c) =>
      `const d=${DESTINATION};const s=${SOURCE};const a=${register(n, 'd')};const b=${register(n, 's')};` +
      `${setRegister(n, 'd', 'b')}${setRegister(n, 's', 'a')}${c.next}`,
  );
}

/** FAM_MOV + size * 8 + form; FAM_MOVX + (pair * 2 + sign) * 3 + form; FAM_LEA + (size - 1) * 2 + form. */
export const moves: readonly Family[] = [
  { name: 'MOV', handlers: SIZES.flatMap(movForms) },
  {
    name: 'MOVX',
    handlers: EXTENSIONS.flatMap(([from, to]) => [false, true].flatMap((sign) => extensionForms(from, to, sign))),
  },
  {
    name: 'LEA',
    handlers: WIDE.flatMap((n) =>
      FORMS.map((form) =>
        handler(`lea_${form}${n}`, (c) => `${setRegister(n, DESTINATION, `<u${n}>(${address(form)})`)}${c.next}`),
      ),
    ),
  },
  { name: 'XCHG', handlers: SIZES.map(exchange) },
  {
    name: 'BSWAP',
    handlers: [
      // Undefined by the SDM; processors clear the word.
      handler('bswap16', (c) => `store<u16>(${DESTINATION},0,STATE);${c.next}`),
      handler(
        'bswap32',
        (c) => `const d=${DESTINATION};store<u64>(d,u64(bswap<u32>(load<u32>(d,STATE))),STATE);${c.next}`,
      ),
      handler('bswap64', (c) => `const d=${DESTINATION};store<u64>(d,bswap<u64>(load<u64>(d,STATE)),STATE);${c.next}`),
    ],
  },
  {
    name: 'EXTEND_A', // CBW CWDE CDQE, then CWD CDQ CQO
    handlers: [
      handler('cbw', (c) => `store<i16>(RAX,<i16>load<i8>(RAX));${c.next}`),
      handler('cwde', (c) => `store<u64>(RAX,<u64><u32><i32>load<i16>(RAX));${c.next}`),
      handler('cdqe', (c) => `store<i64>(RAX,<i64>load<i32>(RAX));${c.next}`),
      handler('cwd', (c) => `store<i16>(RDX,<i16>(load<i16>(RAX)>>15));${c.next}`),
      handler('cdq', (c) => `store<u64>(RDX,<u64><u32>(load<i32>(RAX)>>31));${c.next}`),
      handler('cqo', (c) => `store<i64>(RDX,load<i64>(RAX)>>63);${c.next}`),
    ],
  },
];
