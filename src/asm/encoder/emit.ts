// The bytes of one instruction whose form is chosen: prefixes, REX, VEX or EVEX, opcode, ModRM, displacement, immediates.
import {
  badAddress,
  type Problem,
  byteRegisterWithRex,
  farOutOfRange,
  immediateRange,
  jumpOutOfRange,
  relocationTooLarge,
  registerOnlyIn64,
} from '../errors.ts';
import type { Names, Value } from '../evaluate.ts';
import type { Register } from '../registers.ts';
import type { MemoryOperand, Operand, Statement } from '../statement.ts';
import type { SourceRange } from '../tokens.ts';
import type { ByteBuffer } from '../bytes.ts';
import type { Form, OperandForm } from './forms.ts';
import { type Bits, needsSizePrefix } from './match.ts';
import { type Address, type AddressBytes, addressBytes } from './memory.ts';
import type { Prefixes } from './prefixes.ts';

export interface EncodeContext {
  readonly bits: Bits;
  readonly names: Names;
  readonly defaultRelative: boolean;
  /** Section index and offset of the instruction. */
  readonly section: number;
  readonly offset: number;
  /** How much further down it stands than in the pass before. */
  readonly drift: number;
  /** Whether the symbol comes later, so that its value is that of the pass before. */
  isAhead(name: string): boolean;
  /** Address of a section's offset 0, as the last pass laid it out. */
  sectionAddress(section: number): number;
  /** Instructions must not become shorter than they were (late passes). */
  readonly growOnly: boolean;
  readonly out: ByteBuffer;
  warn(problem: Problem, range: SourceRange): void;
}

/** An operand with its value in this pass. */
export interface Evaluated {
  readonly operand: Operand;
  readonly value: Value | undefined;
  readonly segment: Value | undefined;
  readonly address: Address | undefined;
}

export type InstructionBody = Extract<Statement['body'], { kind: 'instruction' }>;

interface Parts {
  rexR: number;
  rexX: number;
  rexB: number;
  /** High bits for EVEX. */
  highR: number;
  highX: number;
  highV: number;
  needsRex: boolean;
  forbidsRex: Register | undefined;
  reg: number;
  rm: number;
  vvvv: number;
  opcodeLow: number;
  is4: number;
  modrm: boolean;
  memory: { readonly address: Address; readonly operand: MemoryOperand } | undefined;
}

/** Puts registers and memory into their places. */
function collect(form: Form, operands: readonly Evaluated[]): Parts {
  const p: Parts = {
    rexR: 0,
    rexX: 0,
    rexB: 0,
    highR: 0,
    highX: 0,
    highV: 0,
    needsRex: false,
    forbidsRex: undefined,
    reg: Math.max(form.digit, 0),
    rm: -1,
    vvvv: 0,
    opcodeLow: 0,
    is4: -1,
    modrm: form.digit >= 0,
    memory: undefined,
  };
  form.operands.forEach((spec, i) => {
    const { operand, address } = operands[i]!;
    if (operand.kind === 'memory') {
      if (spec.kind !== 'offset' && address !== undefined) {
        p.memory = { address, operand };
        p.modrm = true;
        p.rexB = ((address.base?.number ?? 0) >> 3) & 1;
        p.rexX = ((address.index?.number ?? 0) >> 3) & 1;
        if (address.index !== undefined && spec.index !== undefined) p.highV = (address.index.number >> 4) & 1;
      } else if (address !== undefined) p.memory = { address, operand };
      return;
    }
    if (operand.kind !== 'register' || spec.kind === 'fixed') return;
    const register = operand.register;
    if (register.needsRex) p.needsRex = true;
    if (register.high) p.forbidsRex = register;
    const low = register.number & 7;
    const high = (register.number >> 3) & 1;
    switch (spec.slot) {
      case 'reg':
        p.reg = low;
        p.rexR = high;
        p.highR = (register.number >> 4) & 1;
        p.modrm = true;
        break;
      case 'rm':
        p.rm = low;
        p.rexB = high;
        p.highX = (register.number >> 4) & 1;
        p.modrm = true;
        break;
      case 'both':
        p.reg = low;
        p.rm = low;
        p.rexR = high;
        p.rexB = high;
        p.modrm = true;
        break;
      case 'vvvv':
        p.vvvv = register.number;
        break;
      case 'opcode':
        p.opcodeLow = low;
        p.rexB = high;
        break;
      case 'is4':
        p.is4 = register.number;
        break;
      default:
        break;
    }
  });
  return p;
}

const TUPLE_BYTES: Readonly<Record<string, number>> = { N1: 1, N2: 2, N4: 4, N8: 8, N16: 16, N32: 32, N64: 64 };

function displacementScale(form: Form, operand: MemoryOperand): number {
  if (form.encoding !== 'e') return 1;
  const broadcast = (operand.decorators?.broadcast ?? 0) > 0;
  const match = /^N(\d+)(?:b(\d+))?$/.exec(form.tuple);
  if (!match) return 1;
  return broadcast && match[2] !== undefined ? Number(match[2]) : (TUPLE_BYTES[`N${match[1]}`] ?? 1);
}

/** Writes the bytes, or answers what is wrong. */
export function emit(
  form: Form,
  operands: readonly Evaluated[],
  body: InstructionBody,
  prefixes: Prefixes,
  context: EncodeContext,
): Problem | undefined {
  const { bits, out } = context;
  const p = collect(form, operands);
  let where: AddressBytes | undefined;
  if (p.memory !== undefined && form.operands.every((o) => o.kind !== 'offset')) {
    const chosen = addressBytes(
      p.memory.address,
      bits,
      displacementScale(form, p.memory.operand),
      form.operands.some((o) => o.needsSib),
    );
    if (typeof chosen === 'string') return badAddress(chosen);
    where = chosen;
  }
  const start = out.length;
  emitPrefixes(form, p, prefixes, context);
  const wide =
    (prefixes.rex && bits === 64 && form.encoding === 'l') ||
    (bits === 64 && form.operandSize === 64 && !form.default64 && !form.force64 && form.encoding === 'l');
  const rex = 0x40 | (wide ? 8 : 0) | (p.rexR << 2) | (p.rexX << 1) | p.rexB;
  if (form.encoding === 'v') emitVex(form, p, out, prefixes);
  else if (form.encoding === 'e') emitEvex(form, p, body, out);
  else if (form.encoding === 'x') emitXop(form, p, out);
  else {
    if (form.prefix !== 0) out.byte(form.prefix);
    if (rex !== 0x40 || p.needsRex || prefixes.rex) {
      if (bits !== 64) {
        if (p.rexR !== 0 && form.operands.some((o) => o.class === 'cr') && bits === 32) {
          // LOCK MOV CR0 is AMD's way to reach CR8 outside 64-bit code.
          out.byte(0xf0);
        } else return registerOnlyIn64();
      } else if (p.forbidsRex !== undefined) return byteRegisterWithRex(p.forbidsRex.name);
      else out.byte(rex);
    }
    if (form.map >= 1 || form.encoding === 'd') out.byte(0x0f);
    if (form.encoding === 'd') out.byte(0x0f);
    if (form.map === 2) out.byte(0x38);
    else if (form.map === 3) out.byte(0x3a);
  }
  if (
    bits !== 64 &&
    form.encoding !== 'l' &&
    form.encoding !== 'd' &&
    (p.rexR | p.rexX | p.rexB | p.highR | p.highX | p.highV || p.vvvv > 7)
  )
    return registerOnlyIn64();
  if (form.encoding !== 'd') {
    for (let i = 0; i < form.opcode.length; i++)
      out.byte(form.opcode[i]! | (i === form.opcode.length - 1 ? p.opcodeLow : 0));
  }
  if (
    p.modrm &&
    !(
      form.opcode.length === 2 &&
      form.encoding === 'l' &&
      form.operands.every((o) => o.slot === 'opcode' || o.kind === 'fixed')
    )
  ) {
    emitModRm(p, where, form, start, context);
  }
  if (form.encoding === 'd') out.byte(form.opcode[0]!);
  return emitImmediates(form, operands, p, start, context);
}

function emitPrefixes(form: Form, p: Parts, prefixes: Prefixes, context: EncodeContext): void {
  const { bits, out } = context;
  if (prefixes.wait || form.waits) out.byte(0x9b);
  for (const byte of prefixes.bytes) out.byte(byte);
  const segment = p.memory?.operand.segment;
  if (segment !== undefined) out.byte([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65][segment.number]!);
  else if (prefixes.segment >= 0) out.byte(prefixes.segment);
  const natural = needsSizePrefix(form, bits) && form.operandSize !== 64 && form.encoding === 'l';
  const asked =
    prefixes.operandSize !== 0 && prefixes.operandSize !== 64 && prefixes.operandSize !== (bits === 64 ? 32 : bits);
  const address = form.addressSize || (p.memory?.address.addressBits ?? (prefixes.addressSize || bits));
  if (asked && form.operandSize !== prefixes.operandSize) out.byte(0x66);
  if (natural) out.byte(0x66);
  if (address !== bits) out.byte(0x67);
}

function emitModRm(p: Parts, where: AddressBytes | undefined, form: Form, start: number, context: EncodeContext): void {
  const { out } = context;
  if (where === undefined || p.memory === undefined) {
    out.byte(0xc0 | (p.reg << 3) | Math.max(p.rm, 0));
    return;
  }
  out.byte((where.mod << 6) | (p.reg << 3) | where.rm);
  if (where.sib >= 0) out.byte(where.sib);
  if (where.displacementBits === 0) return;
  const { displacement } = p.memory.address;
  const range = p.memory.operand.range;
  const base = displacement.terms === undefined ? 0n : BigInt(context.sectionAddress(displacement.terms[0]!.section));
  let value = where.scaled + base;
  if (p.memory.address.ripRelative) {
    const length = out.length + 4 - start + immediateBytes(form, p);
    value = displacement.constant + base - BigInt(context.sectionAddress(context.section) + context.offset + length);
    if (displacement.unknown) value = 0n;
  }
  const bits = where.displacementBits;
  const signed = BigInt.asIntN(bits, value) === value;
  const wraps = bits < p.memory.address.addressBits ? !signed : !signed && BigInt.asUintN(bits, value) !== value;
  if (wraps && !displacement.unknown)
    context.warn(
      displacement.terms === undefined ? immediateRange(value, bits, 'displacement') : relocationTooLarge(value, bits),
      range,
    );
  out.value(value, bits / 8);
}

function immediateBytes(form: Form, p: Parts): number {
  let bytes = form.implied >= 0 ? 1 : 0;
  if (p.is4 >= 0) bytes++;
  for (const spec of form.operands) if (spec.kind === 'immediate' && spec.bits >= 8) bytes += spec.bits / 8;
  return form.encoding === 'd' ? bytes + 1 : bytes;
}

function emitImmediates(
  form: Form,
  operands: readonly Evaluated[],
  p: Parts,
  start: number,
  context: EncodeContext,
): Problem | undefined {
  const { out } = context;
  let nibble = p.is4 >= 0 ? p.is4 << 4 : -1;
  for (let i = 0; i < form.operands.length; i++) {
    const spec = form.operands[i]!;
    const { operand, value, segment, address } = operands[i]!;
    switch (spec.kind) {
      case 'immediate':
        if (spec.bits === 4) nibble = Math.max(nibble, 0) | Number(BigInt.asUintN(4, value!.constant));
        else if (spec.bits >= 8) emitImmediate(spec, operand, value!, context);
        break;
      case 'relative': {
        const problem = emitRelative(spec, value!, start, context);
        if (problem !== undefined) return problem;
        break;
      }
      case 'far': {
        out.value(absolute(value!, context), spec.bits / 8);
        const selector = absolute(segment!, context);
        if (selector < -0x8000n || selector > 0xffffn) return farOutOfRange(selector);
        out.value(selector, 2);
        break;
      }
      case 'offset': {
        const bits = address!.addressBits === 64 && address!.forced !== 64 ? 32 : address!.addressBits;
        out.value(absolute(address!.displacement, context), bits / 8);
        break;
      }
      default:
        break;
    }
  }
  if (nibble >= 0) out.byte(nibble);
  if (form.implied >= 0) out.byte(form.implied);
  return undefined;
}

/** A value with its section's address added. */
export function absolute(value: Value, context: Pick<EncodeContext, 'sectionAddress'>): bigint {
  const term = value.terms?.[0];
  return term === undefined ? value.constant : value.constant + BigInt(context.sectionAddress(term.section));
}

function emitImmediate(spec: OperandForm, operand: Operand, value: Value, context: EncodeContext): void {
  const number = absolute(value, context);
  const bits = spec.bits;
  const wide = spec.extended || bits;
  if (!value.unknown) {
    const signed = BigInt.asIntN(bits, number);
    const ok =
      spec.extended > bits
        ? BigInt.asIntN(wide, number) === signed
        : signed === number || BigInt.asUintN(bits, number) === number;
    if (!ok) context.warn(immediateRange(number, bits, 'immediate'), operand.range);
  }
  context.out.value(number, bits / 8);
}

function emitRelative(spec: OperandForm, value: Value, start: number, context: EncodeContext): Problem | undefined {
  const length = BigInt(context.out.length - start + spec.bits / 8);
  const target = absolute(value, context);
  const here = BigInt(context.sectionAddress(context.section) + context.offset);
  const distance = target - (here + length);
  // Where things still move, the next pass says whether the jump reaches.
  if (!value.unknown && context.drift === 0) {
    const narrow = BigInt.asIntN(spec.bits, distance);
    if (spec.bits === 8 && narrow !== distance) return jumpOutOfRange(distance);
    if (spec.bits === 32 && context.bits === 64 && narrow !== distance) return jumpOutOfRange(distance);
  }
  context.out.value(value.unknown ? 0n : BigInt.asIntN(spec.bits, distance), spec.bits / 8);
  return undefined;
}

/** The `pp` field of a VEX, EVEX or XOP prefix. */
const prefixField = (prefix: number): number => [0, 0x66, 0xf3, 0xf2].indexOf(prefix);

function emitVex(form: Form, p: Parts, out: ByteBuffer, prefixes: Prefixes): void {
  const w = form.wide ? 1 : 0;
  const tail = ((~p.vvvv & 15) << 3) | (form.vectorLength << 2) | prefixField(form.prefix);
  if (form.map === 1 && w === 0 && p.rexX === 0 && p.rexB === 0 && !prefixes.vex3) {
    out.byte(0xc5);
    out.byte(((p.rexR ^ 1) << 7) | tail);
    return;
  }
  out.byte(0xc4);
  out.byte(((p.rexR ^ 1) << 7) | ((p.rexX ^ 1) << 6) | ((p.rexB ^ 1) << 5) | form.map);
  out.byte((w << 7) | tail);
}

function emitXop(form: Form, p: Parts, out: ByteBuffer): void {
  out.byte(0x8f);
  out.byte(((p.rexR ^ 1) << 7) | ((p.rexX ^ 1) << 6) | ((p.rexB ^ 1) << 5) | form.map);
  out.byte((form.wide ? 0x80 : 0) | ((~p.vvvv & 15) << 3) | (form.vectorLength << 2) | prefixField(form.prefix));
}

const ROUNDING: Readonly<Record<string, number>> = { 'rn-sae': 0, 'rd-sae': 1, 'ru-sae': 2, 'rz-sae': 3 };

function emitEvex(form: Form, p: Parts, body: InstructionBody, out: ByteBuffer): void {
  let mask = 0;
  let zero = 0;
  let broadcast = 0;
  let length = form.vectorLength;
  for (const operand of body.operands) {
    const d = operand.decorators;
    if (d === undefined) continue;
    if (d.mask !== undefined) mask = d.mask.number;
    if (d.zero) zero = 1;
    if (d.broadcast > 0) broadcast = 1;
    if (d.rounding !== undefined) {
      broadcast = 1;
      const mode = ROUNDING[d.rounding];
      length = mode ?? 0;
    }
  }
  const x = p.memory === undefined ? p.highX : p.rexX;
  out.byte(0x62);
  out.byte(((p.rexR ^ 1) << 7) | ((x ^ 1) << 6) | ((p.rexB ^ 1) << 5) | ((p.highR ^ 1) << 4) | form.map);
  out.byte((form.wide ? 0x80 : 0) | ((~p.vvvv & 15) << 3) | 4 | prefixField(form.prefix));
  const v = p.memory !== undefined && p.highV !== 0 ? 1 : (p.vvvv >> 4) & 1;
  out.byte((zero << 7) | (length << 5) | (broadcast << 4) | ((v ^ 1) << 3) | mask);
}
