// Where elements go: packing, unpacking, shuffling, inserting, extracting, extending, blending; masks and tests of signs.
import { both, type Feature, mmx, other, type Row, xmm } from './row.ts';

const MMX: readonly [Feature, Feature] = ['mmx', 'sse2'];
const LOW8 = '0,16,1,17,2,18,3,19,4,20,5,21,6,22,7,23';
const HIGH8 = '8,24,9,25,10,26,11,27,12,28,13,29,14,30,15,31';
const LOW16 = '0,8,1,9,2,10,3,11';
const HIGH16 = '4,12,5,13,6,14,7,15';
const LOW32 = '0,4,1,5';
const HIGH32 = '2,6,3,7';

/** Interleaves low halves; the MMX form reads 32 bits of memory. In 64 bits the high half is the upper part of the same. */
function unpack(opcode: number, name: string, lane: string, places: string): Row[] {
  const expression = `v128.shuffle<${lane}>(a,b,${places})`;
  return [mmx([1, 0, opcode], name, 'mmx', expression, 4), xmm([1, 0x66, opcode], name, 'sse2', expression)];
}

function unpackHigh(opcode: number, name: string, lane: string, low: string, high: string): Row[] {
  return both(1, opcode, name, MMX, `v128.shuffle<${lane}>(a,b,${high})`, `upper(v128.shuffle<${lane}>(a,b,${low}))`);
}

const pack = (opcode: number, name: string, narrow: string): Row[] =>
  both(1, opcode, name, MMX, `${narrow}(a,b)`, `${narrow}(join(a,b),i64x2.splat(0))`);

const PACKS: Row[] = [
  ...pack(0x63, 'packsswb', 'i8x16.narrow_i16x8_s'),
  ...pack(0x67, 'packuswb', 'i8x16.narrow_i16x8_u'),
  ...pack(0x6b, 'packssdw', 'i16x8.narrow_i32x4_s'),
  xmm([2, 0x66, 0x2b], 'packusdw', 'sse4.1', 'i16x8.narrow_i32x4_u(a,b)'),
  ...unpack(0x60, 'punpcklbw', 'i8', LOW8),
  ...unpack(0x61, 'punpcklwd', 'i16', LOW16),
  ...unpack(0x62, 'punpckldq', 'i32', LOW32),
  ...unpackHigh(0x68, 'punpckhbw', 'i8', LOW8, HIGH8),
  ...unpackHigh(0x69, 'punpckhwd', 'i16', LOW16, HIGH16),
  ...unpackHigh(0x6a, 'punpckhdq', 'i32', LOW32, HIGH32),
  xmm([1, 0x66, 0x6c], 'punpcklqdq', 'sse2', 'v128.shuffle<i64>(a,b,0,2)'),
  xmm([1, 0x66, 0x6d], 'punpckhqdq', 'sse2', 'v128.shuffle<i64>(a,b,1,3)'),
  xmm([1, 0, 0x14], 'unpcklps', 'sse', `v128.shuffle<i32>(a,b,${LOW32})`),
  xmm([1, 0, 0x15], 'unpckhps', 'sse', `v128.shuffle<i32>(a,b,${HIGH32})`),
  xmm([1, 0x66, 0x14], 'unpcklpd', 'sse2', 'v128.shuffle<i64>(a,b,0,2)'),
  xmm([1, 0x66, 0x15], 'unpckhpd', 'sse2', 'v128.shuffle<i64>(a,b,1,3)'),
];

const SHUFFLES: Row[] = [
  ...both(
    2,
    0x00,
    'pshufb',
    ['ssse3', 'ssse3'],
    'v128.swizzle(a,v128.and(b,i8x16.splat(-113)))',
    'v128.swizzle(a,v128.and(b,i8x16.splat(-121)))',
  ),
  ...both(
    3,
    0x0f,
    'palignr',
    ['ssse3', 'ssse3'],
    'aligned(a,b,n)',
    'n<16?v128.swizzle(join(b,a),i8x16.add(bytesInOrder(),i8x16.splat(i8(n)))):i64x2.splat(0)',
  ).map((row) => ({ ...row, immediate: true })),
  { ...mmx([1, 0, 0x70], 'pshufw', 'sse', 'shuffled16(b,n)'), immediate: true },
  { ...xmm([1, 0x66, 0x70], 'pshufd', 'sse2', 'shuffled32(b,b,n)'), immediate: true },
  { ...xmm([1, 0xf3, 0x70], 'pshufhw', 'sse2', 'v128.shuffle<i64>(b,shuffled16(upper(b),n),0,2)'), immediate: true },
  { ...xmm([1, 0xf2, 0x70], 'pshuflw', 'sse2', 'v128.shuffle<i64>(shuffled16(b,n),b,0,3)'), immediate: true },
  { ...xmm([1, 0, 0xc6], 'shufps', 'sse', 'shuffled32(a,b,n)'), immediate: true },
  { ...xmm([1, 0x66, 0xc6], 'shufpd', 'sse2', 'shuffled64(a,b,n)'), immediate: true },
  xmm([1, 0xf3, 0x12], 'movsldup', 'sse3', 'v128.shuffle<i32>(b,b,0,0,2,2)'),
  xmm([1, 0xf3, 0x16], 'movshdup', 'sse3', 'v128.shuffle<i32>(b,b,1,1,3,3)'),
  other(
    [1, 0xf2, 0x12],
    'movddup',
    'sse3',
    { form: 'either', reg: 'x', rm: 'x', bytes: 8 },
    'store<v128>(d,i64x2.splat(load<i64>(s)));',
  ),
];

const EXTENSIONS: Row[] = (['s', 'u'] as const).flatMap((sign, k) =>
  (
    [
      ['bw', 8, (v: string) => `i16x8.extend_low_i8x16_${sign}(${v})`],
      ['bd', 4, (v: string) => `i32x4.extend_low_i16x8_${sign}(i16x8.extend_low_i8x16_${sign}(${v}))`],
      [
        'bq',
        2,
        (v: string) =>
          `i64x2.extend_low_i32x4_${sign}(i32x4.extend_low_i16x8_${sign}(i16x8.extend_low_i8x16_${sign}(${v})))`,
      ],
      ['wd', 8, (v: string) => `i32x4.extend_low_i16x8_${sign}(${v})`],
      ['wq', 4, (v: string) => `i64x2.extend_low_i32x4_${sign}(i32x4.extend_low_i16x8_${sign}(${v}))`],
      ['dq', 8, (v: string) => `i64x2.extend_low_i32x4_${sign}(${v})`],
    ] as const
  ).map(([name, bytes, extend], i) =>
    other(
      [2, 0x66, 0x20 + 0x10 * k + i],
      `pmov${sign === 's' ? 's' : 'z'}x${name}`,
      'sse4.1',
      { form: 'either', reg: 'x', rm: 'x', bytes },
      `store<v128>(d,${extend(bytes === 8 ? 'v128.load64_zero(s)' : bytes === 4 ? 'v128.load32_zero(s)' : 'i16x8.splat(load<i16>(s))')});`,
    ),
  ),
);

const BLENDS: Row[] = [
  xmm([2, 0x66, 0x10], 'pblendvb', 'sse4.1', 'v128.bitselect(b,a,i8x16.shr_s(load<v128>(XMM),7))'),
  xmm([2, 0x66, 0x14], 'blendvps', 'sse4.1', 'v128.bitselect(b,a,i32x4.shr_s(load<v128>(XMM),31))'),
  xmm([2, 0x66, 0x15], 'blendvpd', 'sse4.1', 'v128.bitselect(b,a,i64x2.shr_s(load<v128>(XMM),63))'),
  { ...xmm([3, 0x66, 0x0c], 'blendps', 'sse4.1', 'v128.bitselect(b,a,mask32(n))'), immediate: true },
  { ...xmm([3, 0x66, 0x0d], 'blendpd', 'sse4.1', 'v128.bitselect(b,a,mask64(n))'), immediate: true },
  { ...xmm([3, 0x66, 0x0e], 'pblendw', 'sse4.1', 'v128.bitselect(b,a,mask16(n))'), immediate: true },
];

const toGeneral = { reg: 'g', form: 'register', bytes: 0 } as const;

const MASKS: Row[] = [
  other(
    [1, 0, 0xd7],
    'pmovmskb',
    'sse',
    { ...toGeneral, rm: 'm' },
    'store<u64>(d,u64(i8x16.bitmask(v128.load64_zero(s))));',
  ),
  other(
    [1, 0x66, 0xd7],
    'pmovmskb',
    'sse2',
    { ...toGeneral, rm: 'x' },
    'store<u64>(d,u64(i8x16.bitmask(load<v128>(s))));',
  ),
  other([1, 0, 0x50], 'movmskps', 'sse', { ...toGeneral, rm: 'x' }, 'store<u64>(d,u64(i32x4.bitmask(load<v128>(s))));'),
  other(
    [1, 0x66, 0x50],
    'movmskpd',
    'sse2',
    { ...toGeneral, rm: 'x' },
    'store<u64>(d,u64(i64x2.bitmask(load<v128>(s))));',
  ),
  other(
    [2, 0x66, 0x17],
    'ptest',
    'sse4.1',
    { form: 'either', reg: 'x', rm: 'x', bytes: 16, aligned: true },
    'testBits(load<v128>(d),load<v128>(s));',
  ),
];

const inserted = { reg: 'x', rm: 'g', form: 'either', immediate: true } as const;

const INSERTS: Row[] = [
  other(
    [1, 0, 0xc4],
    'pinsrw',
    'sse',
    { ...inserted, reg: 'm', bytes: 2 },
    'store<u16>(d+usize((n&3)<<1),load<u16>(s));',
  ),
  other([1, 0x66, 0xc4], 'pinsrw', 'sse2', { ...inserted, bytes: 2 }, 'store<u16>(d+usize((n&7)<<1),load<u16>(s));'),
  other([3, 0x66, 0x20], 'pinsrb', 'sse4.1', { ...inserted, bytes: 1 }, 'store<u8>(d+usize(n&15),load<u8>(s));'),
  other([3, 0x66, 0x22], 'pinsrd', 'sse4.1', { ...inserted, bytes: 4 }, 'store<u32>(d+usize((n&3)<<2),load<u32>(s));'),
  other(
    [3, 0x66, 0x22],
    'pinsrq',
    'sse4.1',
    { ...inserted, bytes: 8, wide: true },
    'store<u64>(d+usize((n&1)<<3),load<u64>(s));',
  ),
  other(
    [3, 0x66, 0x21],
    'insertps',
    'sse4.1',
    { ...inserted, rm: 'x', form: 'register', bytes: 0 },
    'insertSingle(d,load<u32>(s+usize(n>>6<<2)),n);',
  ),
  other(
    [3, 0x66, 0x21],
    'insertps',
    'sse4.1',
    { ...inserted, rm: 'x', form: 'memory', bytes: 4 },
    'insertSingle(d,load<u32>(s),n);',
  ),
];

/** An element to a general register, extended with zeros, or to memory. */
function extract(opcode: number, name: string, bytes: 1 | 2 | 4 | 8): Row[] {
  const common = {
    reg: 'x',
    rm: 'g',
    store: true,
    immediate: true,
    bytes,
    ...(bytes === 8 ? { wide: true } : {}),
  } as const;
  const type = `u${bytes * 8}`;
  const at = `s+usize(n&${16 / bytes - 1})*${bytes}`;
  return [
    other(
      [3, 0x66, opcode],
      name,
      'sse4.1',
      { ...common, form: 'register' },
      `store<u64>(d,u64(load<${type}>(${at})));`,
    ),
    other([3, 0x66, opcode], name, 'sse4.1', { ...common, form: 'memory', select: true }, ''),
  ];
}

const EXTRACTS: Row[] = [
  other(
    [1, 0, 0xc5],
    'pextrw',
    'sse',
    { ...toGeneral, rm: 'm', immediate: true },
    'store<u64>(d,u64(load<u16>(s+usize((n&3)<<1))));',
  ),
  other(
    [1, 0x66, 0xc5],
    'pextrw',
    'sse2',
    { ...toGeneral, rm: 'x', immediate: true },
    'store<u64>(d,u64(load<u16>(s+usize((n&7)<<1))));',
  ),
  ...extract(0x14, 'pextrb', 1),
  ...extract(0x15, 'pextrw', 2),
  ...extract(0x16, 'pextrd', 4),
  ...extract(0x16, 'pextrq', 8),
  ...extract(0x17, 'extractps', 4),
];

const STRINGS: Row[] = (
  [
    [0x60, 'pcmpestrm', true, true],
    [0x61, 'pcmpestri', true, false],
    [0x62, 'pcmpistrm', false, true],
    [0x63, 'pcmpistri', false, false],
  ] as const
).flatMap(([opcode, name, explicit, mask]) =>
  [false, true].map((wide) =>
    other(
      [3, 0x66, opcode],
      name,
      'sse4.2',
      { form: 'either', reg: 'x', rm: 'x', bytes: 16, immediate: true, ...(wide ? { wide } : {}) },
      `compareStrings(load<v128>(d),load<v128>(s),n,${explicit},${mask},${wide});`,
    ),
  ),
);

const SUMS: Row[] = [{ ...xmm([3, 0x66, 0x42], 'mpsadbw', 'sse4.1', 'sumsOfDifferences(a,b,n)'), immediate: true }];

export const shuffleRows: readonly Row[] = [
  ...PACKS,
  ...SHUFFLES,
  ...EXTENSIONS,
  ...BLENDS,
  ...MASKS,
  ...INSERTS,
  ...EXTRACTS,
  ...STRINGS,
  ...SUMS,
];
