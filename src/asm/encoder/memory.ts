// Effective addresses: from an evaluated expression to ModRM, SIB and displacement, as NASM chooses them.
import {
  addressSizes,
  addressTooComplex,
  badBase,
  badIndex,
  badScale,
  noAddressing16,
  ripRelativeImpossible,
} from '../errors.ts';
import { type Value, evaluate, type Names } from '../evaluate.ts';
import { type BaseHint, baseHint } from '../expression.ts';
import type { Problem } from '../errors.ts';
import type { Register } from '../registers.ts';
import type { MemoryOperand } from '../statement.ts';

export interface Address {
  readonly base: Register | undefined;
  readonly index: Register | undefined;
  readonly scale: number;
  readonly displacement: Value;
  /** 16, 32 or 64. */
  readonly addressBits: number;
  readonly ripRelative: boolean;
  /** Displacement size keyword, or 0. */
  readonly forced: number;
  /** Can be the bare offset of MOV AL, [offset]. */
  readonly offsetOnly: boolean;
}

export interface AddressContext {
  readonly bits: 16 | 32 | 64;
  readonly names: Names;
  readonly defaultRelative: boolean;
  /** From an a16/a32/a64 prefix; 0: none. */
  readonly addressSize: number;
}

const isStackPointer = (r: Register): boolean =>
  r.number === 4 && r.class !== 'x' && r.class !== 'y' && r.class !== 'z';
const isVector = (r: Register): boolean => r.class === 'x' || r.class === 'y' || r.class === 'z';
const isGeneral = (r: Register): boolean => r.class === 'r16' || r.class === 'r32' || r.class === 'r64';

/** Undefined after a report. */
export function resolveAddress(operand: MemoryOperand, context: AddressContext): Address | undefined {
  const fail = (problem: Problem): undefined => {
    context.names.problem(problem, operand.range);
    return undefined;
  };
  const value = evaluate(operand.expression, context.names);
  if (value === undefined) return undefined;
  const registers = (value.terms ?? []).filter((t) => t.register !== undefined);
  const sections = (value.terms ?? []).filter((t) => t.register === undefined);
  const displacement: Value = {
    constant: value.constant,
    terms: sections.length > 0 ? sections : undefined,
    unknown: value.unknown,
  };
  if (sections.length > 1 || (sections.length === 1 && sections[0]!.factor !== 1n)) return fail(addressTooComplex());
  if (registers.length > 2) return fail(addressTooComplex());
  const usual =
    operand.addressSize ||
    context.addressSize ||
    (operand.displacement > 0 && context.bits !== 64 && operand.displacement !== 8
      ? operand.displacement
      : context.bits);
  const wantsRelative =
    context.bits === 64 &&
    (operand.relative === 'rel' ||
      (operand.relative === undefined &&
        context.defaultRelative &&
        (operand.segment === undefined || operand.segment.number < 4)));
  if (operand.relative === 'rel' && context.bits !== 64) return fail(ripRelativeImpossible());
  if (registers.length === 0 && !value.unknown) {
    // Like NASM, a plain number is never made relative to RIP, whatever DEFAULT says.
    return {
      base: undefined,
      index: undefined,
      scale: 1,
      displacement,
      addressBits: usual,
      ripRelative: wantsRelative && sections.length > 0,
      forced: operand.displacement,
      offsetOnly: !wantsRelative,
    };
  }
  if (registers.length === 0) {
    // First pass: like NASM, forget the registers too, so that sizes settle in the same way.
    return {
      base: undefined,
      index: undefined,
      scale: 1,
      displacement,
      addressBits: usual,
      ripRelative: wantsRelative,
      forced: operand.displacement,
      offsetOnly: !wantsRelative,
    };
  }
  return withRegisters(
    operand,
    registers as readonly { register: Register; factor: bigint }[],
    displacement,
    context,
    fail,
  );
}

function withRegisters(
  operand: MemoryOperand,
  terms: readonly { readonly register: Register; readonly factor: bigint }[],
  displacement: Value,
  context: AddressContext,
  fail: (problem: Problem) => undefined,
): Address | undefined {
  let base: Register | undefined;
  let index: Register | undefined;
  let scale = 1n;
  for (const term of terms) {
    const register = term.register;
    if (!isGeneral(register) && !isVector(register)) return fail(badBase(register.name));
    if (!isVector(register) && term.factor === 1n && base === undefined) base = register;
    else if (index === undefined) {
      index = register;
      scale = term.factor;
    } else return fail(addressTooComplex());
  }
  const general = [base, index].filter((r): r is Register => r !== undefined && isGeneral(r));
  if (general.length === 2 && general[0]!.class !== general[1]!.class)
    return fail(addressSizes(general[0]!.name, general[1]!.name));
  const bits = general[0]?.bits ?? context.bits;
  if (bits === 64 && context.bits !== 64) return fail(badBase(general[0]!.name));
  if (bits === 16 && context.bits === 64) return fail(noAddressing16(general[0]!.name));
  const hint = baseHint(operand.expression);
  const common = {
    displacement,
    addressBits: bits,
    ripRelative: false,
    forced: operand.displacement,
    offsetOnly: false,
  };
  if (bits === 16) {
    if (scale !== 1n) return fail(badScale(scale));
    return { base, index, scale: 1, ...common };
  }
  return arrange(base, index, scale, hint, operand, common, fail);
}

/** NASM's rules for which register becomes base and which index. */
function arrange(
  givenBase: Register | undefined,
  givenIndex: Register | undefined,
  givenScale: bigint,
  hint: BaseHint | undefined,
  operand: MemoryOperand,
  common: Pick<Address, 'displacement' | 'addressBits' | 'ripRelative' | 'forced' | 'offsetOnly'>,
  fail: (problem: Problem) => undefined,
): Address | undefined {
  let base = givenBase;
  let index = givenIndex;
  let scale = Number(givenScale);
  const madeBase = hint !== undefined && !hint.multiplied && !hint.summed;
  const notBase = hint?.multiplied === true;
  if (scale === 1 && base !== undefined && index !== undefined && base !== index && !isVector(index)) {
    if ((hint?.register === base && notBase) || (hint?.register === index && madeBase)) [base, index] = [index, base];
  }
  if (
    base === undefined &&
    index !== undefined &&
    scale === 1 &&
    !isVector(index) &&
    !(hint?.register === index && notBase)
  ) {
    base = index;
    index = undefined;
  }
  if (base === undefined && index !== undefined && !isVector(index)) {
    const double = scale === 2 && !isStackPointer(index) && (!operand.noSplit || hint?.summed === true);
    if (double || scale === 3 || scale === 5 || scale === 9) {
      base = index;
      scale -= 1;
    }
  }
  if (
    index === undefined &&
    base !== undefined &&
    !isStackPointer(base) &&
    operand.noSplit &&
    hint?.register === base &&
    notBase
  ) {
    index = base;
    base = undefined;
    scale = 1;
  }
  if (base !== undefined && index !== undefined && scale === 1 && isStackPointer(index)) [base, index] = [index, base];
  if (index === undefined && scale === 1 && base === undefined) return fail(addressTooComplex());
  if (index !== undefined && isStackPointer(index)) return fail(badIndex(index.name));
  if (scale !== 1 && scale !== 2 && scale !== 4 && scale !== 8) return fail(badScale(BigInt(scale)));
  return { base, index, scale, ...common };
}

/** ModRM mod and rm, SIB, and the width of the displacement in bits. */
export interface AddressBytes {
  readonly mod: number;
  readonly rm: number;
  /** -1: none. */
  readonly sib: number;
  readonly displacementBits: number;
  /** Displacement after scaling by the tuple (EVEX); otherwise as is. */
  readonly scaled: bigint;
}

const RM16: Readonly<Record<string, number>> = {
  'bx+si': 0,
  'bx+di': 1,
  'bp+si': 2,
  'bp+di': 3,
  si: 4,
  di: 5,
  bp: 6,
  bx: 7,
};

/** Chooses the encoding. `tuple` is the scale of an 8-bit displacement (1 but for EVEX). Undefined: no such address. */
export function addressBytes(
  address: Address,
  bits: 16 | 32 | 64,
  tuple: number,
  needsSib: boolean,
): AddressBytes | string {
  if (needsSib && (address.ripRelative || address.addressBits === 16))
    return 'this instruction needs an address with a base register';
  const { displacement } = address;
  const fixed = !displacement.unknown && displacement.terms === undefined;
  const zero = fixed && displacement.constant === 0n;
  const narrow =
    address.addressBits === 16
      ? BigInt.asIntN(16, displacement.constant)
      : address.addressBits === 32
        ? BigInt.asIntN(32, displacement.constant)
        : displacement.constant;
  const fits8 = (value: bigint): boolean => value >= -128n && value <= 127n;
  const scaled = narrow / BigInt(tuple);
  const byte = fixed && narrow % BigInt(tuple) === 0n && fits8(scaled);
  const large = address.addressBits === 16 ? 16 : 32;
  const width = (needs: boolean): number => {
    if (address.forced === 8) return 8;
    if (address.forced === large || (address.forced > 8 && address.forced !== 64)) return large;
    if (zero && !needs) return 0;
    return byte ? 8 : large;
  };
  const done = (rm: number, sib: number, displacementBits: number): AddressBytes => ({
    mod: displacementBits === 0 ? 0 : displacementBits === 8 ? 1 : 2,
    rm,
    sib,
    displacementBits,
    scaled: displacementBits === 8 && address.forced !== 8 ? scaled : displacement.constant,
  });
  const { base, index } = address;
  if (address.ripRelative) return { mod: 0, rm: 5, sib: -1, displacementBits: 32, scaled: displacement.constant };
  if (address.addressBits === 16) {
    if (base === undefined && index === undefined)
      return { mod: 0, rm: 6, sib: -1, displacementBits: 16, scaled: displacement.constant };
    const names = [base?.name, index?.name].filter((n) => n !== undefined);
    const rm = RM16[names.join('+')] ?? RM16[[...names].reverse().join('+')];
    if (rm === undefined)
      return `[${names.join('+')}] does not exist in 16-bit addressing: use BX or BP with SI or DI, or 32-bit registers`;
    return done(rm, -1, width(rm === 6));
  }
  if (base === undefined && index === undefined) {
    if (bits === 64) return { mod: 0, rm: 4, sib: 0x25, displacementBits: 32, scaled: displacement.constant };
    return { mod: 0, rm: 5, sib: -1, displacementBits: 32, scaled: displacement.constant };
  }
  const scaleBits = address.scale === 8 ? 3 : address.scale === 4 ? 2 : address.scale === 2 ? 1 : 0;
  if (base === undefined) {
    return {
      mod: 0,
      rm: 4,
      sib: (scaleBits << 6) | ((index!.number & 7) << 3) | 5,
      displacementBits: 32,
      scaled: displacement.constant,
    };
  }
  const low = base.number & 7;
  if (index === undefined && low !== 4 && !needsSib) return done(low, -1, width(low === 5));
  const indexBits = index === undefined ? 4 : index.number & 7;
  return done(4, (scaleBits << 6) | (indexBits << 3) | low, width(low === 5));
}
