// The x87 instructions that are compared with this computer's processor.

export type OperandKind = 'none' | 'f32' | 'f64' | 'f80' | 'i16' | 'i32' | 'i64' | 'bcd';

export interface X87Instruction {
  readonly name: string;
  /** Memory operands are at [RBX]. */
  readonly bytes: readonly number[];
  readonly operand: OperandKind;
  /** Exponents, unbiased, that most operands in ST(0) and ST(1) have. */
  readonly exponents?: readonly [low: number, high: number];
  /** Status bits that the manual leaves undefined, or where it differs from this processor. */
  readonly ignored?: number;
  /** The result may be this many units in the last place away; the flags C1 and PE then mean nothing. */
  readonly tolerance?: number;
}

/** FCOMI and FCMOV clear C1 by the manual; AMD's processors leave it. FFREE leaves C0 to C3 undefined. */
export const C1 = 1 << 9;
const CODES = 0x4700;
/** An exact result of FYL2X is inexact to AMD's processors, and so underflows when it is tiny. */
const UNDERFLOW = 1 << 4;

const MEMORY = 3; // ModRM of [RBX], to which the operation is added
const ARITHMETIC = ['FADD', 'FMUL', 'FCOM', 'FCOMP', 'FSUB', 'FSUBR', 'FDIV', 'FDIVR'];

function memory(name: string, opcode: number, operation: number, operand: OperandKind): X87Instruction {
  return { name: `${name} ${operand}`, bytes: [opcode, MEMORY | (operation << 3)], operand };
}

function register(name: string, opcode: number, modrm: number, more: Partial<X87Instruction> = {}): X87Instruction {
  return { name, bytes: [opcode, modrm], operand: 'none', ...more };
}

function stack(name: string, opcode: number, modrm: number, ignored = 0): X87Instruction[] {
  return [0, 1, 5].map((i) => register(`${name} ST(${i})`, opcode, modrm + i, { ignored }));
}

export const EXACT: readonly X87Instruction[] = [
  ...ARITHMETIC.flatMap((name, operation) => [
    memory(name, 0xd8, operation, 'f32'),
    memory(name, 0xdc, operation, 'f64'),
    memory(`FI${name.slice(1)}`, 0xda, operation, 'i32'),
    memory(`FI${name.slice(1)}`, 0xde, operation, 'i16'),
    ...stack(name, 0xd8, 0xc0 + operation * 8),
    ...stack(`${name} to`, 0xdc, 0xc0 + operation * 8),
    ...(operation === 3 ? [] : stack(`${name}P`, 0xde, 0xc0 + operation * 8)),
  ]),
  register('FCOMPP', 0xde, 0xd9),
  register('FUCOMPP', 0xda, 0xe9),
  ...stack('FUCOM', 0xdd, 0xe0),
  ...stack('FUCOMP', 0xdd, 0xe8),
  ...stack('FUCOMI', 0xdb, 0xe8, C1),
  ...stack('FCOMI', 0xdb, 0xf0, C1),
  ...stack('FUCOMIP', 0xdf, 0xe8, C1),
  ...stack('FCOMIP', 0xdf, 0xf0, C1),
  memory('FLD', 0xd9, 0, 'f32'),
  memory('FLD', 0xdd, 0, 'f64'),
  memory('FLD', 0xdb, 5, 'f80'),
  ...stack('FLD', 0xd9, 0xc0),
  memory('FST', 0xd9, 2, 'f32'),
  memory('FSTP', 0xd9, 3, 'f32'),
  memory('FST', 0xdd, 2, 'f64'),
  memory('FSTP', 0xdd, 3, 'f64'),
  memory('FSTP', 0xdb, 7, 'f80'),
  ...stack('FST', 0xdd, 0xd0),
  ...stack('FSTP', 0xdd, 0xd8),
  memory('FILD', 0xdf, 0, 'i16'),
  memory('FILD', 0xdb, 0, 'i32'),
  memory('FILD', 0xdf, 5, 'i64'),
  { ...memory('FIST', 0xdf, 2, 'i16'), exponents: [-2, 18] },
  { ...memory('FISTP', 0xdf, 3, 'i16'), exponents: [-2, 18] },
  { ...memory('FISTTP', 0xdf, 1, 'i16'), exponents: [-2, 18] },
  { ...memory('FIST', 0xdb, 2, 'i32'), exponents: [-2, 34] },
  { ...memory('FISTP', 0xdb, 3, 'i32'), exponents: [-2, 34] },
  { ...memory('FISTTP', 0xdb, 1, 'i32'), exponents: [-2, 34] },
  { ...memory('FISTP', 0xdf, 7, 'i64'), exponents: [-2, 66] },
  { ...memory('FISTTP', 0xdd, 1, 'i64'), exponents: [-2, 66] },
  memory('FBLD', 0xdf, 4, 'bcd'),
  { ...memory('FBSTP', 0xdf, 6, 'bcd'), exponents: [-2, 62] },
  ...stack('FXCH', 0xd9, 0xc8),
  ...['B', 'E', 'BE', 'U'].flatMap((cc, operation) => [
    ...stack(`FCMOV${cc}`, 0xda, 0xc0 + operation * 8, C1),
    ...stack(`FCMOVN${cc}`, 0xdb, 0xc0 + operation * 8, C1),
  ]),
  register('FCHS', 0xd9, 0xe0),
  register('FABS', 0xd9, 0xe1),
  register('FTST', 0xd9, 0xe4),
  register('FXAM', 0xd9, 0xe5),
  ...['FLD1', 'FLDL2T', 'FLDL2E', 'FLDPI', 'FLDLG2', 'FLDLN2', 'FLDZ'].map((name, i) => register(name, 0xd9, 0xe8 + i)),
  register('FXTRACT', 0xd9, 0xf4),
  register('FPREM1', 0xd9, 0xf5, { exponents: [-30, 32] }),
  register('FPREM', 0xd9, 0xf8, { exponents: [-30, 32] }),
  register('FDECSTP', 0xd9, 0xf6),
  register('FINCSTP', 0xd9, 0xf7),
  register('FSQRT', 0xd9, 0xfa),
  register('FRNDINT', 0xd9, 0xfc, { exponents: [-3, 66] }),
  register('FSCALE', 0xd9, 0xfd, { exponents: [-3, 15] }),
  register('FNOP', 0xd9, 0xd0),
  ...stack('FFREE', 0xdd, 0xc0, CODES),
  ...stack('FFREEP', 0xdf, 0xc0, CODES),
  register('FNINIT', 0xdb, 0xe3),
  register('FNCLEX', 0xdb, 0xe2),
  register('FNSTSW AX', 0xdf, 0xe0),
  memory('FNSTSW', 0xdd, 7, 'i16'),
  memory('FNSTCW', 0xd9, 7, 'i16'),
  memory('FLDCW', 0xd9, 5, 'i16'),
];

export const APPROXIMATE: readonly X87Instruction[] = [
  register('F2XM1', 0xd9, 0xf0, { exponents: [-70, -1], tolerance: 1 }),
  register('FYL2X', 0xd9, 0xf1, { exponents: [-70, 70], tolerance: 1, ignored: UNDERFLOW }),
  register('FYL2XP1', 0xd9, 0xf9, { exponents: [-70, -3], tolerance: 1 }),
  register('FPATAN', 0xd9, 0xf3, { exponents: [-40, 40], tolerance: 1 }),
  register('FPTAN', 0xd9, 0xf2, { exponents: [-66, -1], tolerance: 1 }),
  register('FSIN', 0xd9, 0xfe, { exponents: [-66, -1], tolerance: 1 }),
  register('FCOS', 0xd9, 0xff, { exponents: [-66, -1], tolerance: 1 }),
  register('FSINCOS', 0xd9, 0xfb, { exponents: [-66, -1], tolerance: 1 }),
];
