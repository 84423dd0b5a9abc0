// Packed integers element by element: MMX and SSE2 arithmetic, comparison, logic and shifts; SSSE3; SSE4.1 and SSE4.2.
import { both, type Feature, mmx, other, type Row, xmm } from './row.ts';

const MMX: readonly [Feature, Feature] = ['mmx', 'sse2'];
const SSE: readonly [Feature, Feature] = ['sse', 'sse2']; // MMX forms that came with SSE
const SSE2: readonly [Feature, Feature] = ['sse2', 'sse2'];
const SSSE3: readonly [Feature, Feature] = ['ssse3', 'ssse3'];

const JOIN = 'join(a,b)'; // the low halves of both, for MMX forms that take elements together
const EVEN16 = 'v128.shuffle<i16>(a,b,0,2,4,6,8,10,12,14)';
const ODD16 = 'v128.shuffle<i16>(a,b,1,3,5,7,9,11,13,15)';
const EVEN32 = 'v128.shuffle<i32>(a,b,0,2,4,6)';
const ODD32 = 'v128.shuffle<i32>(a,b,1,3,5,7)';
const low = (pairs: string): string => pairs.replace('(a,b,', `(${JOIN},${JOIN},`);

const horizontal = (opcode: number, name: string, operation: string, even: string, odd: string): Row[] =>
  both(2, opcode, name, SSSE3, `${operation}(${even},${odd})`, `${operation}(${low(even)},${low(odd)})`);

/** Upper halves of 16-bit products. */
const high16 = (sign: 's' | 'u'): string =>
  `v128.shuffle<i16>(i32x4.extmul_low_i16x8_${sign}(a,b),i32x4.extmul_high_i16x8_${sign}(a,b),1,3,5,7,9,11,13,15)`;

const sign = (lanes: string): string =>
  `v128.andnot(v128.bitselect(${lanes}.neg(a),a,${lanes}.lt_s(b,i64x2.splat(0))),${lanes}.eq(b,i64x2.splat(0)))`;

const ELEMENTS = [
  ...both(1, 0xfc, 'paddb', MMX, 'i8x16.add(a,b)'),
  ...both(1, 0xfd, 'paddw', MMX, 'i16x8.add(a,b)'),
  ...both(1, 0xfe, 'paddd', MMX, 'i32x4.add(a,b)'),
  ...both(1, 0xd4, 'paddq', SSE2, 'i64x2.add(a,b)'),
  ...both(1, 0xec, 'paddsb', MMX, 'i8x16.add_sat_s(a,b)'),
  ...both(1, 0xed, 'paddsw', MMX, 'i16x8.add_sat_s(a,b)'),
  ...both(1, 0xdc, 'paddusb', MMX, 'i8x16.add_sat_u(a,b)'),
  ...both(1, 0xdd, 'paddusw', MMX, 'i16x8.add_sat_u(a,b)'),
  ...both(1, 0xf8, 'psubb', MMX, 'i8x16.sub(a,b)'),
  ...both(1, 0xf9, 'psubw', MMX, 'i16x8.sub(a,b)'),
  ...both(1, 0xfa, 'psubd', MMX, 'i32x4.sub(a,b)'),
  ...both(1, 0xfb, 'psubq', SSE2, 'i64x2.sub(a,b)'),
  ...both(1, 0xe8, 'psubsb', MMX, 'i8x16.sub_sat_s(a,b)'),
  ...both(1, 0xe9, 'psubsw', MMX, 'i16x8.sub_sat_s(a,b)'),
  ...both(1, 0xd8, 'psubusb', MMX, 'i8x16.sub_sat_u(a,b)'),
  ...both(1, 0xd9, 'psubusw', MMX, 'i16x8.sub_sat_u(a,b)'),
  ...both(1, 0xd5, 'pmullw', MMX, 'i16x8.mul(a,b)'),
  ...both(1, 0xe5, 'pmulhw', MMX, high16('s')),
  ...both(1, 0xe4, 'pmulhuw', SSE, high16('u')),
  ...both(1, 0xf5, 'pmaddwd', MMX, 'i32x4.dot_i16x8_s(a,b)'),
  ...both(
    1,
    0xf4,
    'pmuludq',
    SSE2,
    'i64x2.extmul_low_i32x4_u(v128.shuffle<i32>(a,a,0,2,0,2),v128.shuffle<i32>(b,b,0,2,0,2))',
  ),
  ...both(1, 0xf6, 'psadbw', SSE, 'sumOfDifferences(a,b)'),
  ...both(1, 0xe0, 'pavgb', SSE, 'i8x16.avgr_u(a,b)'),
  ...both(1, 0xe3, 'pavgw', SSE, 'i16x8.avgr_u(a,b)'),
  ...both(1, 0xda, 'pminub', SSE, 'i8x16.min_u(a,b)'),
  ...both(1, 0xde, 'pmaxub', SSE, 'i8x16.max_u(a,b)'),
  ...both(1, 0xea, 'pminsw', SSE, 'i16x8.min_s(a,b)'),
  ...both(1, 0xee, 'pmaxsw', SSE, 'i16x8.max_s(a,b)'),
  ...both(1, 0x74, 'pcmpeqb', MMX, 'i8x16.eq(a,b)'),
  ...both(1, 0x75, 'pcmpeqw', MMX, 'i16x8.eq(a,b)'),
  ...both(1, 0x76, 'pcmpeqd', MMX, 'i32x4.eq(a,b)'),
  ...both(1, 0x64, 'pcmpgtb', MMX, 'i8x16.gt_s(a,b)'),
  ...both(1, 0x65, 'pcmpgtw', MMX, 'i16x8.gt_s(a,b)'),
  ...both(1, 0x66, 'pcmpgtd', MMX, 'i32x4.gt_s(a,b)'),
  ...both(1, 0xdb, 'pand', MMX, 'v128.and(a,b)'),
  ...both(1, 0xdf, 'pandn', MMX, 'v128.andnot(b,a)'),
  ...both(1, 0xeb, 'por', MMX, 'v128.or(a,b)'),
  mmx([1, 0, 0xef], 'pxor', 'mmx', 'v128.xor(a,b)'),
  // SSSE3
  ...both(2, 0x1c, 'pabsb', SSSE3, 'i8x16.abs(b)'),
  ...both(2, 0x1d, 'pabsw', SSSE3, 'i16x8.abs(b)'),
  ...both(2, 0x1e, 'pabsd', SSSE3, 'i32x4.abs(b)'),
  ...both(2, 0x08, 'psignb', SSSE3, sign('i8x16')),
  ...both(2, 0x09, 'psignw', SSSE3, sign('i16x8')),
  ...both(2, 0x0a, 'psignd', SSSE3, sign('i32x4')),
  ...both(2, 0x0b, 'pmulhrsw', SSSE3, 'roundedProducts(a,b)'),
  ...both(2, 0x04, 'pmaddubsw', SSSE3, 'unsignedBySigned(a,b)'),
  ...horizontal(0x01, 'phaddw', 'i16x8.add', EVEN16, ODD16),
  ...horizontal(0x02, 'phaddd', 'i32x4.add', EVEN32, ODD32),
  ...horizontal(0x03, 'phaddsw', 'i16x8.add_sat_s', EVEN16, ODD16),
  ...horizontal(0x05, 'phsubw', 'i16x8.sub', EVEN16, ODD16),
  ...horizontal(0x06, 'phsubd', 'i32x4.sub', EVEN32, ODD32),
  ...horizontal(0x07, 'phsubsw', 'i16x8.sub_sat_s', EVEN16, ODD16),
  // SSE4.1 and SSE4.2
  xmm([2, 0x66, 0x29], 'pcmpeqq', 'sse4.1', 'i64x2.eq(a,b)'),
  xmm([2, 0x66, 0x37], 'pcmpgtq', 'sse4.2', 'i64x2.gt_s(a,b)'),
  xmm([2, 0x66, 0x38], 'pminsb', 'sse4.1', 'i8x16.min_s(a,b)'),
  xmm([2, 0x66, 0x39], 'pminsd', 'sse4.1', 'i32x4.min_s(a,b)'),
  xmm([2, 0x66, 0x3a], 'pminuw', 'sse4.1', 'i16x8.min_u(a,b)'),
  xmm([2, 0x66, 0x3b], 'pminud', 'sse4.1', 'i32x4.min_u(a,b)'),
  xmm([2, 0x66, 0x3c], 'pmaxsb', 'sse4.1', 'i8x16.max_s(a,b)'),
  xmm([2, 0x66, 0x3d], 'pmaxsd', 'sse4.1', 'i32x4.max_s(a,b)'),
  xmm([2, 0x66, 0x3e], 'pmaxuw', 'sse4.1', 'i16x8.max_u(a,b)'),
  xmm([2, 0x66, 0x3f], 'pmaxud', 'sse4.1', 'i32x4.max_u(a,b)'),
  xmm([2, 0x66, 0x40], 'pmulld', 'sse4.1', 'i32x4.mul(a,b)'),
  xmm(
    [2, 0x66, 0x28],
    'pmuldq',
    'sse4.1',
    'i64x2.extmul_low_i32x4_s(v128.shuffle<i32>(a,a,0,2,0,2),v128.shuffle<i32>(b,b,0,2,0,2))',
  ),
  xmm([2, 0x66, 0x41], 'phminposuw', 'sse4.1', 'smallestWord(b)'),
];

/** PXOR, XORPS, XORPD and their kin differ in nothing that can be seen. */
const LOGIC: Row[] = (
  [
    [0x54, 'and', 'v128.and(a,b)'],
    [0x55, 'andn', 'v128.andnot(b,a)'],
    [0x56, 'or', 'v128.or(a,b)'],
  ] as const
).flatMap(([opcode, name, expression]) => [
  xmm([1, 0, opcode], `${name}ps`, 'sse', expression),
  xmm([1, 0x66, opcode], `${name}pd`, 'sse2', expression),
]);

const XOR: Row[] = (
  [
    [0x66, 0xef, 'pxor', 'sse2'],
    [0, 0x57, 'xorps', 'sse'],
    [0x66, 0x57, 'xorpd', 'sse2'],
  ] as const
).flatMap(([prefix, opcode, name, feature]) => {
  const row = xmm([1, prefix, opcode], name, feature, 'v128.xor(a,b)');
  return [
    { ...row, form: 'memory' as const },
    { ...row, form: 'register' as const, move: 'xor' as const },
  ];
});

/** Shifts by a count c (u64); a count beyond the element clears it, or fills it with the sign. */
const shift = (lanes: string, bits: number, operation: 'shl' | 'shr_u' | 'shr_s'): string =>
  operation === 'shr_s'
    ? `${lanes}.shr_s(a,i32(min<u64>(c,${bits - 1})))`
    : `c>${bits - 1}?i64x2.splat(0):${lanes}.${operation}(a,i32(c))`;

const SHIFTS: Row[] = (
  [
    ['psrlw', 0xd1, 0x71, 2, shift('i16x8', 16, 'shr_u')],
    ['psrld', 0xd2, 0x72, 2, shift('i32x4', 32, 'shr_u')],
    ['psrlq', 0xd3, 0x73, 2, shift('i64x2', 64, 'shr_u')],
    ['psraw', 0xe1, 0x71, 4, shift('i16x8', 16, 'shr_s')],
    ['psrad', 0xe2, 0x72, 4, shift('i32x4', 32, 'shr_s')],
    ['psllw', 0xf1, 0x71, 6, shift('i16x8', 16, 'shl')],
    ['pslld', 0xf2, 0x72, 6, shift('i32x4', 32, 'shl')],
    ['psllq', 0xf3, 0x73, 6, shift('i64x2', 64, 'shl')],
  ] as const
).flatMap(([name, opcode, group, digit, expression]) => {
  const wide = (count: string) => `const c=${count};const a=load<v128>(d);store<v128>(d,${expression});`;
  const narrow = (count: string) =>
    `const c=${count};const a=v128.load64_zero(d);v128.store64_lane(d,${expression},0);`;
  const counted = { form: 'register', bytes: 0, immediate: true, digit, store: true } as const;
  return [
    other([1, 0, opcode], name, 'mmx', { form: 'either', reg: 'm', rm: 'm', bytes: 8 }, narrow('load<u64>(s)')),
    other(
      [1, 0x66, opcode],
      name,
      'sse2',
      { form: 'either', reg: 'x', rm: 'x', bytes: 16, aligned: true },
      wide('load<u64>(s)'),
    ),
    other([1, 0, group], name, 'mmx', { ...counted, reg: 'm', rm: 'm' }, narrow('u64(n)')),
    other([1, 0x66, group], name, 'sse2', { ...counted, reg: 'x', rm: 'x' }, wide('u64(n)')),
  ];
});

const BYTE_SHIFTS: Row[] = (
  [
    ['psrldq', 3, 'i8x16.add(bytesInOrder(),i8x16.splat(i8(min<u32>(n,16))))'],
    ['pslldq', 7, 'i8x16.sub(bytesInOrder(),i8x16.splat(i8(min<u32>(n,16))))'],
  ] as const
).map(([name, digit, places]) =>
  other(
    [1, 0x66, 0x73],
    name,
    'sse2',
    { form: 'register', reg: 'x', rm: 'x', bytes: 0, immediate: true, digit, store: true },
    `store<v128>(d,v128.swizzle(load<v128>(d),${places}));`,
  ),
);

export const integerRows: readonly Row[] = [...ELEMENTS, ...LOGIC, ...XOR, ...SHIFTS, ...BYTE_SHIFTS];
