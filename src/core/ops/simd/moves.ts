// Moves between registers and memory.
import { type Feature, type Move, other, type Prefix, type Row } from './row.ts';

const COPY16 = 'store<v128>(d,load<v128>(s));';
const COPY8 = 'store<u64>(d,load<u64>(s));';
const COPY4 = 'store<u32>(d,load<u32>(s));';

/** Loads and stores of 16 bytes: opcode of the load, of the store. */
const whole = (
  name: string,
  prefix: Prefix,
  load: number,
  store: number,
  feature: Feature,
  aligned: boolean,
): Row[] => {
  const operands = { reg: 'x', rm: 'x', bytes: 16, aligned } as const;
  const suffix = aligned ? '_aligned' : '';
  return [
    other([1, prefix, load], name, feature, { ...operands, form: 'register', move: 'copy16' }, COPY16),
    other([1, prefix, load], name, feature, { ...operands, form: 'memory', move: `load16${suffix}` }, COPY16),
    other([1, prefix, store], name, feature, { ...operands, form: 'register', store: true }, COPY16),
    other(
      [1, prefix, store],
      name,
      feature,
      { ...operands, form: 'memory', store: true, move: `store16${suffix}` },
      '',
    ),
  ];
};

/** Stores past the caches, and the load: how they reach memory cannot be seen. */
const streaming = (name: string, prefix: Prefix, opcode: number, feature: Feature): Row =>
  other(
    [1, prefix, opcode],
    name,
    feature,
    { reg: 'x', rm: 'x', bytes: 16, aligned: true, form: 'memory', store: true, move: 'store16_aligned' },
    '',
  );

/** MOVSS and MOVSD: a load clears the rest of the register, a copy keeps it. */
const scalar = (name: string, prefix: Prefix, bytes: 4 | 8, feature: Feature): Row[] => {
  const operands = { reg: 'x', rm: 'x', bytes } as const;
  const copy = bytes === 4 ? COPY4 : COPY8;
  const load = `store<v128>(d,v128.load${bytes * 8}_zero(s));`;
  return [
    other([1, prefix, 0x10], name, feature, { ...operands, form: 'register', move: `low${bytes}` as Move }, copy),
    other([1, prefix, 0x10], name, feature, { ...operands, form: 'memory', move: `load${bytes}` as Move }, load),
    other([1, prefix, 0x11], name, feature, { ...operands, form: 'register', store: true }, copy),
    other(
      [1, prefix, 0x11],
      name,
      feature,
      { ...operands, form: 'memory', store: true, move: `store${bytes}` as Move },
      '',
    ),
  ];
};

const half = (prefix: Prefix, feature: Feature, suffix: string): Row[] => {
  const operands = { reg: 'x', rm: 'x', bytes: 8, form: 'memory' } as const;
  return [
    other([1, prefix, 0x12], `movlp${suffix}`, feature, operands, COPY8),
    other([1, prefix, 0x13], `movlp${suffix}`, feature, { ...operands, store: true, move: 'store8' }, ''),
    other([1, prefix, 0x16], `movhp${suffix}`, feature, operands, 'store<u64>(d,load<u64>(s),8);'),
    other([1, prefix, 0x17], `movhp${suffix}`, feature, { ...operands, store: true, high: true }, ''),
  ];
};

/** MOVD and MOVQ between general and XMM or MMX registers or memory. */
const general = (kind: 'x' | 'm'): Row[] => {
  const prefix = kind === 'x' ? 0x66 : 0;
  const feature = kind === 'x' ? 'sse2' : 'mmx';
  const load = (bytes: 4 | 8) =>
    kind === 'x' ? `store<v128>(d,v128.load${bytes * 8}_zero(s));` : `store<u64>(d,u64(load<u${bytes * 8}>(s)));`;
  return ([4, 8] as const).flatMap((bytes): Row[] => {
    const operands = { reg: kind, rm: 'g', bytes, ...(bytes === 8 ? { wide: true } : {}) } as const;
    const name = bytes === 4 ? 'movd' : 'movq';
    const move = (own: string) => (kind === 'x' ? { move: `${own}${bytes}` as Move } : {});
    return [
      other([1, prefix, 0x6e], name, feature, { ...operands, form: 'register', ...move('from_general') }, load(bytes)),
      other([1, prefix, 0x6e], name, feature, { ...operands, form: 'memory', ...move('load') }, load(bytes)),
      other(
        [1, prefix, 0x7e],
        name,
        feature,
        { ...operands, form: 'register', store: true, ...move('to_general') },
        `store<u64>(d,u64(load<u${bytes * 8}>(s)));`,
      ),
      other([1, prefix, 0x7e], name, feature, { ...operands, form: 'memory', store: true, ...move('store') }, ''),
    ];
  });
};

const QUADS: Row[] = [
  other([1, 0, 0x6f], 'movq', 'mmx', { form: 'either', reg: 'm', rm: 'm', bytes: 8 }, COPY8),
  other([1, 0, 0x7f], 'movq', 'mmx', { form: 'register', reg: 'm', rm: 'm', bytes: 8, store: true }, COPY8),
  other([1, 0, 0x7f], 'movq', 'mmx', { form: 'memory', reg: 'm', rm: 'm', bytes: 8, store: true }, ''),
  other([1, 0, 0xe7], 'movntq', 'sse', { form: 'memory', reg: 'm', rm: 'm', bytes: 8, store: true }, ''),
  other(
    [1, 0xf3, 0x7e],
    'movq',
    'sse2',
    { form: 'register', reg: 'x', rm: 'x', bytes: 8 },
    'store<v128>(d,v128.load64_zero(s));',
  ),
  other(
    [1, 0xf3, 0x7e],
    'movq',
    'sse2',
    { form: 'memory', reg: 'x', rm: 'x', bytes: 8, move: 'load8' },
    'store<v128>(d,v128.load64_zero(s));',
  ),
  other(
    [1, 0x66, 0xd6],
    'movq',
    'sse2',
    { form: 'register', reg: 'x', rm: 'x', bytes: 8, store: true },
    'store<v128>(d,v128.load64_zero(s));',
  ),
  other(
    [1, 0x66, 0xd6],
    'movq',
    'sse2',
    { form: 'memory', reg: 'x', rm: 'x', bytes: 8, store: true, move: 'store8' },
    '',
  ),
  other(
    [1, 0xf3, 0xd6],
    'movq2dq',
    'sse2',
    { form: 'register', reg: 'x', rm: 'm', bytes: 0 },
    'store<v128>(d,v128.load64_zero(s));',
  ),
  other([1, 0xf2, 0xd6], 'movdq2q', 'sse2', { form: 'register', reg: 'm', rm: 'x', bytes: 0 }, COPY8),
];

export const moveRows: readonly Row[] = [
  ...whole('movups', 0, 0x10, 0x11, 'sse', false),
  ...whole('movupd', 0x66, 0x10, 0x11, 'sse2', false),
  ...whole('movaps', 0, 0x28, 0x29, 'sse', true),
  ...whole('movapd', 0x66, 0x28, 0x29, 'sse2', true),
  ...whole('movdqa', 0x66, 0x6f, 0x7f, 'sse2', true),
  ...whole('movdqu', 0xf3, 0x6f, 0x7f, 'sse2', false),
  streaming('movntps', 0, 0x2b, 'sse'),
  streaming('movntpd', 0x66, 0x2b, 'sse2'),
  streaming('movntdq', 0x66, 0xe7, 'sse2'),
  other(
    [2, 0x66, 0x2a],
    'movntdqa',
    'sse4.1',
    { reg: 'x', rm: 'x', bytes: 16, aligned: true, form: 'memory', move: 'load16_aligned' },
    COPY16,
  ),
  other([1, 0xf2, 0xf0], 'lddqu', 'sse3', { reg: 'x', rm: 'x', bytes: 16, form: 'memory', move: 'load16' }, COPY16),
  ...scalar('movss', 0xf3, 4, 'sse'),
  ...scalar('movsd', 0xf2, 8, 'sse2'),
  ...half(0, 'sse', 's'),
  ...half(0x66, 'sse2', 'd'),
  other(
    [1, 0, 0x12],
    'movhlps',
    'sse',
    { reg: 'x', rm: 'x', bytes: 0, form: 'register' },
    'store<u64>(d,load<u64>(s,8));',
  ),
  other(
    [1, 0, 0x16],
    'movlhps',
    'sse',
    { reg: 'x', rm: 'x', bytes: 0, form: 'register' },
    'store<u64>(d,load<u64>(s),8);',
  ),
  ...general('x'),
  ...general('m'),
  ...QUADS,
  other(
    [1, 0, 0xae],
    'ldmxcsr',
    'sse',
    { reg: 'mxcsr', rm: 'x', bytes: 4, form: 'memory', digit: 2 },
    'setMxcsr(load<u32>(s),op,rem);',
  ),
  other([1, 0, 0xae], 'stmxcsr', 'sse', { reg: 'mxcsr', rm: 'x', bytes: 4, form: 'memory', digit: 3, store: true }, ''),
];
