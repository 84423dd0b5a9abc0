// Packed and scalar floating point.
import { type Feature, other, type Prefix, type Row } from './row.ts';

interface Type {
  readonly suffix: string;
  readonly prefix: Prefix;
  readonly feature: Feature;
  readonly element: 'f32' | 'f64';
  readonly bytes: 4 | 8 | 16;
}

const PS: Type = { suffix: 'ps', prefix: 0, feature: 'sse', element: 'f32', bytes: 16 };
const PD: Type = { suffix: 'pd', prefix: 0x66, feature: 'sse2', element: 'f64', bytes: 16 };
const SS: Type = { suffix: 'ss', prefix: 0xf3, feature: 'sse', element: 'f32', bytes: 4 };
const SD: Type = { suffix: 'sd', prefix: 0xf2, feature: 'sse2', element: 'f64', bytes: 8 };
const TYPES: readonly Type[] = [PS, PD, SS, SD];

/** Operands: XMM registers, or memory as wide as the type. */
const operands = (type: Type) =>
  ({ form: 'either', reg: 'x', rm: 'x', bytes: type.bytes, aligned: type.bytes === 16 }) as const;

const ARITHMETIC: Row[] = (
  [
    ['add', 0x58, 'ADD'],
    ['mul', 0x59, 'MULTIPLY'],
    ['sub', 0x5c, 'SUBTRACT'],
    ['min', 0x5d, 'MINIMUM'],
    ['div', 0x5e, 'DIVIDE'],
    ['max', 0x5f, 'MAXIMUM'],
    ['sqrt', 0x51, 'SQUARE_ROOT'],
  ] as const
).flatMap(([name, opcode, operation]) =>
  TYPES.map((type) =>
    other(
      [1, type.prefix, opcode],
      name + type.suffix,
      type.feature,
      operands(type),
      `${type.bytes === 16 ? 'packed' : 'scalar'}<${type.element}>(${operation},d,s,op,rem);`,
    ),
  ),
);

const COMPARISONS: Row[] = [
  ...TYPES.map((type) =>
    other(
      [1, type.prefix, 0xc2],
      `cmp${type.suffix}`,
      type.feature,
      { ...operands(type), immediate: true },
      `comparePacked<${type.element}>(${type.bytes},d,s,n,op,rem);`,
    ),
  ),
  ...[SS, SD].flatMap((type) =>
    (['ucomi', 'comi'] as const).map((name, i) =>
      other(
        [1, type === SS ? 0 : 0x66, 0x2e + i],
        name + type.suffix,
        type.feature,
        operands(type),
        `compareFlags<${type.element}>(d,s,${name === 'comi'},op,rem);`,
      ),
    ),
  ),
];

const PAIRS: Row[] = [PS, PD].flatMap((type) => {
  const prefix = type === PS ? 0xf2 : 0x66;
  const { element } = type;
  return [
    other([1, prefix, 0x7c], `hadd${type.suffix}`, 'sse3', operands(type), `horizontal<${element}>(ADD,d,s,op,rem);`),
    other(
      [1, prefix, 0x7d],
      `hsub${type.suffix}`,
      'sse3',
      operands(type),
      `horizontal<${element}>(SUBTRACT,d,s,op,rem);`,
    ),
    other([1, prefix, 0xd0], `addsub${type.suffix}`, 'sse3', operands(type), `alternating<${element}>(d,s,op,rem);`),
    other(
      [3, 0x66, type === PS ? 0x40 : 0x41],
      `dp${type.suffix}`,
      'sse4.1',
      { ...operands(type), immediate: true },
      `dotProduct<${element}>(d,s,n,op,rem);`,
    ),
  ];
});

const ROUNDING: Row[] = [PS, PD, SS, SD].map((type, i) =>
  other(
    [3, 0x66, 0x08 + i],
    `round${type.suffix}`,
    'sse4.1',
    { ...operands(type), immediate: true },
    `roundElements<${type.element}>(${type.bytes},d,s,n,op,rem);`,
  ),
);

const APPROXIMATIONS: Row[] = [PS, SS].flatMap((type) => [
  other([1, type.prefix, 0x52], `rsqrt${type.suffix}`, 'sse', operands(type), `approximate(true,${type.bytes},d,s);`),
  other([1, type.prefix, 0x53], `rcp${type.suffix}`, 'sse', operands(type), `approximate(false,${type.bytes},d,s);`),
]);

const FORMATS: Row[] = [
  other([1, 0, 0x5a], 'cvtps2pd', 'sse2', { form: 'either', reg: 'x', rm: 'x', bytes: 8 }, 'widen(2,d,s,op,rem);'),
  other([1, 0x66, 0x5a], 'cvtpd2ps', 'sse2', operands(PD), 'narrow(2,16,d,s,op,rem);'),
  other([1, 0xf3, 0x5a], 'cvtss2sd', 'sse2', operands(SS), 'widen(1,d,s,op,rem);'),
  other([1, 0xf2, 0x5a], 'cvtsd2ss', 'sse2', operands(SD), 'narrow(1,4,d,s,op,rem);'),
];

const half = { form: 'either', reg: 'x', rm: 'x', bytes: 8 } as const;

const INTEGERS: Row[] = [
  other([1, 0, 0x5b], 'cvtdq2ps', 'sse2', operands(PS), 'fromDoublewords<f32>(4,d,s,op,rem);'),
  other([1, 0xf3, 0xe6], 'cvtdq2pd', 'sse2', half, 'fromDoublewords<f64>(2,d,s,op,rem);'),
  other([1, 0x66, 0x5b], 'cvtps2dq', 'sse2', operands(PS), 'toDoublewords<f32>(4,16,false,d,s,op,rem);'),
  other([1, 0xf3, 0x5b], 'cvttps2dq', 'sse2', operands(PS), 'toDoublewords<f32>(4,16,true,d,s,op,rem);'),
  other([1, 0xf2, 0xe6], 'cvtpd2dq', 'sse2', operands(PD), 'toDoublewords<f64>(2,16,false,d,s,op,rem);'),
  other([1, 0x66, 0xe6], 'cvttpd2dq', 'sse2', operands(PD), 'toDoublewords<f64>(2,16,true,d,s,op,rem);'),
  ...[SS, SD].flatMap((type) =>
    ([32, 64] as const).flatMap((bits) => {
      const wide = bits === 64 ? { wide: true } : {};
      const from = { form: 'either', reg: 'x', rm: 'g', bytes: bits / 8, ...wide } as const;
      const to = { form: 'either', reg: 'g', rm: 'x', bytes: type.bytes, ...wide } as const;
      const convert = (truncate: boolean) => `toGeneral<${type.element}>(${bits},${truncate},d,s,op,rem);`;
      return [
        other(
          [1, type.prefix, 0x2a],
          `cvtsi2${type.suffix}`,
          type.feature,
          from,
          `fromGeneral<${type.element}>(${bits},d,s,op,rem);`,
        ),
        other([1, type.prefix, 0x2c], `cvtt${type.suffix}2si`, type.feature, to, convert(true)),
        other([1, type.prefix, 0x2d], `cvt${type.suffix}2si`, type.feature, to, convert(false)),
      ];
    }),
  ),
];

/** Between MMX registers and XMM registers. Doublewords in memory leave the x87 registers alone. */
const MMX: Row[] = [
  ...(['register', 'memory'] as const).flatMap((form) => {
    const from = { form, reg: 'x', rm: form === 'register' ? 'm' : 'x', bytes: 8 } as const;
    return [
      other([1, 0, 0x2a], 'cvtpi2ps', 'sse', from, 'fromDoublewords<f32>(2,d,s,op,rem);'),
      other([1, 0x66, 0x2a], 'cvtpi2pd', 'sse2', from, 'fromDoublewords<f64>(2,d,s,op,rem);'),
    ];
  }),
  ...(
    [
      ['cvttps2pi', 0x2c, true],
      ['cvtps2pi', 0x2d, false],
    ] as const
  ).map(([name, opcode, truncate]) =>
    other(
      [1, 0, opcode],
      name,
      'sse',
      { form: 'either', reg: 'm', rm: 'x', bytes: 8 },
      `toDoublewords<f32>(2,8,${truncate},d,s,op,rem);`,
    ),
  ),
  ...(
    [
      ['cvttpd2pi', 0x2c, true],
      ['cvtpd2pi', 0x2d, false],
    ] as const
  ).map(([name, opcode, truncate]) =>
    other(
      [1, 0x66, opcode],
      name,
      'sse2',
      { form: 'either', reg: 'm', rm: 'x', bytes: 16, aligned: true },
      `toDoublewords<f64>(2,8,${truncate},d,s,op,rem);`,
    ),
  ),
];

export const floatRows: readonly Row[] = [
  ...ARITHMETIC,
  ...COMPARISONS,
  ...PAIRS,
  ...ROUNDING,
  ...APPROXIMATIONS,
  ...FORMATS,
  ...INTEGERS,
  ...MMX,
];
