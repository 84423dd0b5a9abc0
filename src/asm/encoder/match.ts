// Which forms of a mnemonic can take the operands as they are written, best first. Values of immediates come later.
import {
  type Problem,
  noSuchOperands,
  notInThisMode,
  operandCount,
  sizeMissing,
  sizeMismatch,
  unknownInstruction,
} from '../errors.ts';
import type { Register, RegisterClass } from '../registers.ts';
import type { Operand } from '../statement.ts';
import type { Expression } from '../expression.ts';
import { type Form, type OperandForm, formsOf } from './forms.ts';
import { closest, describe, examples } from './suggestions.ts';

export type Bits = 16 | 32 | 64;

export type Match =
  | { readonly ok: true; readonly forms: readonly Form[] }
  | { readonly ok: false; readonly problem: Problem; readonly operand: number };

const modeBit = (bits: Bits): number => (bits === 16 ? 1 : bits === 32 ? 2 : 4);

/** Whether a form needs a 66H or REX.W prefix in code of `bits`. */
export function needsSizePrefix(form: Form, bits: Bits): boolean {
  const size = form.operandSize;
  if (size === 0) return false;
  if (bits === 64) return size === 16 || (size === 64 && !form.default64 && !form.force64);
  return size !== bits;
}

/** Mnemonics whose memory operand may come without a size although several sizes exist; the mode's own size is meant. */
const SIZED_BY_MODE = new Set([
  'jmp',
  'call',
  'lgdt',
  'lidt',
  'sgdt',
  'sidt',
  'fldenv',
  'fstenv',
  'fnstenv',
  'frstor',
  'fsave',
  'fnsave',
  'lea',
  'bound',
  'cvtsi2sd',
  'cvtsi2ss',
  'lds',
  'les',
  'lss',
  'lfs',
  'lgs',
  'vcvtsi2sd',
  'vcvtsi2ss',
  'vcvtpd2dq',
  'vcvtpd2ps',
  'vcvttpd2dq',
]);

/** The class of the vector register in an address, if there is one. */
function vectorIn(expression: Expression): RegisterClass | undefined {
  switch (expression.kind) {
    case 'register':
      return /^[xyz]$/.test(expression.register.class) ? expression.register.class : undefined;
    case 'binary':
      return vectorIn(expression.left) ?? vectorIn(expression.right);
    case 'unary':
      return vectorIn(expression.operand);
    default:
      return undefined;
  }
}

type Fit = { readonly ok: boolean; readonly sized: boolean };
const NO: Fit = { ok: false, sized: false };
const YES: Fit = { ok: true, sized: true };

function fitsRegister(spec: OperandForm, register: Register, form: Form): boolean {
  if (spec.class !== register.class) return false;
  if (spec.kind === 'fixed') return spec.fixed === register.number;
  if (register.number > 15 && form.encoding !== 'e') return false;
  return true;
}

/** `sized`: the operand says which of several forms is meant. */
function fits(spec: OperandForm, operand: Operand, form: Form, bits: Bits): Fit {
  switch (operand.kind) {
    case 'register':
      if (spec.kind === 'register' || spec.kind === 'fixed' || spec.kind === 'register-or-memory') {
        if (operand.size !== 0 && spec.bits !== 0 && operand.size !== spec.bits) return NO;
        if (operand.to !== spec.to) return NO;
        return fitsRegister(spec, operand.register, form) ? YES : NO;
      }
      return NO;
    case 'memory': {
      if (spec.kind === 'offset') {
        if (operand.size !== 0 && operand.size !== form.memoryBits) return NO;
        if (bits === 64 && operand.displacement !== 64) return NO;
        return { ok: true, sized: false };
      }
      if (spec.kind !== 'memory' && spec.kind !== 'register-or-memory') return NO;
      if (vectorIn(operand.expression) !== spec.index) return NO;
      const broadcast = operand.decorators?.broadcast ?? 0;
      if (broadcast > 0) {
        if (form.broadcastBits === 0 || form.memoryBits / form.broadcastBits !== broadcast) return NO;
        return operand.size === 0 || operand.size === form.broadcastBits ? YES : NO;
      }
      if (operand.distance === 'far' || isFarMemory(form))
        return operand.distance === 'far' && isFarMemory(form) ? fitsFar(operand, form) : NO;
      if (operand.size !== 0 && form.memoryBits !== 0 && operand.size !== form.memoryBits) return NO;
      return { ok: true, sized: operand.size !== 0 };
    }
    case 'immediate':
      if (spec.kind === 'immediate') return fitsImmediate(spec, operand, form);
      if (spec.kind === 'relative') return fitsRelative(spec, operand, form, bits);
      return NO;
    case 'far':
      if (spec.kind !== 'far') return NO;
      if (operand.size !== 0 && operand.size !== spec.bits) return NO;
      return { ok: true, sized: true };
    default:
      return NO;
  }
}

/** JMP and CALL through a far pointer: the only forms with a plain memory operand in this opcode. */
const isFarMemory = (form: Form): boolean =>
  form.map === 0 && form.opcode[0] === 0xff && (form.digit === 3 || form.digit === 5);

function fitsFar(operand: Operand, form: Form): Fit {
  return operand.size === 0 || operand.size === form.operandSize ? { ok: true, sized: operand.size !== 0 } : NO;
}

function fitsImmediate(spec: OperandForm, operand: Operand, form: Form): Fit {
  if (operand.size === 0) return { ok: true, sized: false };
  if (spec.zeroExtended) return { ok: operand.size === 64 && !operand.strict, sized: true };
  if (spec.fixed === 1) return { ok: operand.size === 8, sized: true };
  // A doubleword that the processor extends stands for a quadword, too.
  if (operand.strict)
    return {
      ok: operand.size === spec.bits || (operand.size === 64 && spec.bits === 32 && spec.extended === 64),
      sized: true,
    };
  const wide = spec.extended || spec.bits;
  if (spec.bits === 8 && spec.extended === 0) return { ok: operand.size === 8, sized: true };
  const ok =
    operand.size === spec.bits ||
    operand.size === wide ||
    (form.operandSize !== 0 && operand.size === form.operandSize);
  return { ok, sized: true };
}

function fitsRelative(spec: OperandForm, operand: Operand, form: Form, bits: Bits): Fit {
  const distance = operand.distance;
  if (distance === 'far') return NO;
  if (spec.bits === 8 && (distance === 'near' || operand.size > 8)) return NO;
  if (spec.bits > 8 && (distance === 'short' || operand.size === 8)) return NO;
  const wanted = operand.size > 8 ? operand.size : bits;
  if (form.operandSize !== 0) {
    if (bits === 64) {
      if (form.operandSize !== (operand.size === 16 ? 16 : 64)) return NO;
    } else if (form.operandSize !== wanted) return NO;
  }
  return YES;
}

function usableIn(form: Form, bits: Bits): boolean {
  return (form.modes & modeBit(bits)) !== 0;
}

function decoratorsFit(form: Form, operands: readonly Operand[]): boolean {
  for (const operand of operands) {
    const d = operand.decorators;
    if (d === undefined) continue;
    if ((d.mask !== undefined && !form.canMask) || (d.zero && !form.canZero)) return false;
    if (d.rounding !== undefined && !(d.rounding === 'sae' ? form.canSuppress : form.canRound)) return false;
  }
  return true;
}

/** The form with the operand that NASM lets one leave out: the first source that equals the destination. */
function relaxed(form: Form, count: number): Form | undefined {
  if (form.operands.length !== count + 1 || count < 1) return undefined;
  const second = form.operands[1]!;
  const first = form.operands[0]!;
  if (
    second.slot !== 'vvvv' ||
    first.kind !== 'register' ||
    first.class !== second.class ||
    (form.encoding !== 'v' && form.encoding !== 'e')
  )
    return undefined;
  return form;
}

interface Candidate {
  readonly form: Form;
  readonly sized: boolean;
  readonly order: number;
}

/** Sizes that prefixes such as o16 and a32 ask for; 0: none. */
export interface ForcedSizes {
  readonly operandSize: number;
  readonly addressSize: number;
}

/** Whether a form has the size that a prefix asks for, when any form has it. */
function agrees(
  candidate: Candidate,
  all: readonly Candidate[],
  wanted: number,
  sizeOf: (form: Form) => number,
): boolean {
  const size = sizeOf(candidate.form);
  return wanted === 0 || size === 0 || size === wanted || all.every((c) => sizeOf(c.form) !== wanted);
}

const MATCHES_KEPT = 20_000;
const matches = new Map<string, Match>();

/** What matters of an operand for the choice of forms. */
function signature(operand: Operand): string {
  const base = `${operand.size}${operand.strict ? 's' : ''}${operand.distance ?? ''}`;
  const d = operand.decorators;
  const decorators =
    d === undefined ? '' : `{${d.mask === undefined ? '' : 'k'}${d.zero ? 'z' : ''}${d.broadcast}${d.rounding ?? ''}}`;
  switch (operand.kind) {
    case 'register':
      return `${operand.register.name}${operand.to ? 't' : ''}${base}${decorators}`;
    case 'memory':
      return `[${operand.displacement}${vectorIn(operand.expression) ?? ''}]${base}${decorators}`;
    default:
      return `${operand.kind}${base}${decorators}`;
  }
}

/** The forms that can take the operands, best first; remembered, since programs repeat themselves. */
export function matchForms(
  mnemonic: string,
  operands: readonly Operand[],
  bits: Bits,
  forced: ForcedSizes,
  encoding: 'v' | 'e' | undefined,
): Match {
  const key = `${mnemonic} ${bits} ${forced.operandSize} ${forced.addressSize} ${encoding ?? ''} ${operands.map(signature).join()}`;
  const known = matches.get(key);
  if (known !== undefined) return known;
  const match = findForms(mnemonic, operands, bits, forced, encoding);
  if (matches.size >= MATCHES_KEPT) matches.clear();
  matches.set(key, match);
  return match;
}

/** Of the operands as written; `relaxed` forms repeat the first. */
function findForms(
  mnemonic: string,
  operands: readonly Operand[],
  bits: Bits,
  forced: ForcedSizes,
  encoding: 'v' | 'e' | undefined,
): Match {
  const forms = formsOf(mnemonic);
  if (forms === undefined) return { ok: false, problem: unknownInstruction(mnemonic, closest(mnemonic)), operand: -1 };
  const real = operands.filter((o) => o.kind !== 'rounding');
  let candidates: Candidate[] = [];
  let wrongMode = false;
  let rightCount = false;
  forms.forEach((form, order) => {
    if (encoding !== undefined && form.encoding !== encoding) return;
    const list =
      form.operands.length === real.length ? real : relaxed(form, real.length) ? [real[0]!, ...real] : undefined;
    if (list === undefined) return;
    rightCount = true;
    let sized = list.length === 0;
    for (let i = 0; i < list.length; i++) {
      const fit = fits(form.operands[i]!, list[i]!, form, bits);
      if (!fit.ok) return;
      if (fit.sized && form.operands[i]!.kind !== 'immediate')
        sized ||= form.operands[i]!.class !== 'sreg' && form.operands[i]!.bits !== 0;
      else if (fit.sized) sized = true;
    }
    if (!decoratorsFit(form, operands)) return;
    if (!usableIn(form, bits)) {
      wrongMode = true;
      return;
    }
    candidates.push({ form, sized, order });
  });
  if (candidates.length === 0) {
    if (wrongMode) return { ok: false, problem: notInThisMode(mnemonic, bits), operand: -1 };
    if (!rightCount)
      return {
        ok: false,
        problem: operandCount(mnemonic, real.length, [...new Set(forms.map((f) => f.operands.length))]),
        operand: -1,
      };
    return { ok: false, problem: whyNot(mnemonic, forms, real, bits), operand: -1 };
  }
  // Without a size on the memory operand, that of the number counts: mov [x], byte 5.
  const sizedNumber = real.find((o) => o.kind === 'immediate' && o.size !== 0);
  if (sizedNumber !== undefined && needsSize(mnemonic, candidates, real)) {
    const same = candidates.filter((c) => c.form.memoryBits === sizedNumber.size);
    if (same.length > 0) candidates = same;
  }
  if (needsSize(mnemonic, candidates, real))
    return { ok: false, problem: sizeMissing(mnemonic), operand: real.findIndex((o) => o.kind === 'memory') };
  const sorted = candidates
    .filter((c) => agrees(c, candidates, forced.operandSize, (form) => form.operandSize))
    .filter((c) => agrees(c, candidates, forced.addressSize, (form) => form.addressSize))
    .sort(
      (a, b) =>
        Number(costsPrefix(a.form, bits)) - Number(costsPrefix(b.form, bits)) ||
        a.form.rank - b.form.rank ||
        Number(addressPrefix(a.form, bits)) - Number(addressPrefix(b.form, bits)) ||
        a.order - b.order,
    );
  return { ok: true, forms: sorted.map((c) => c.form) };
}

/** For the order of forms: in 64-bit code NASM takes a far pointer without a size as 16:64. */
function costsPrefix(form: Form, bits: Bits): boolean {
  if (bits === 64 && isFarMemory(form)) return form.operandSize !== 64;
  return needsSizePrefix(form, bits);
}

const addressPrefix = (form: Form, bits: Bits): boolean => form.addressSize !== 0 && form.addressSize !== bits;

function needsSize(mnemonic: string, candidates: readonly Candidate[], operands: readonly Operand[]): boolean {
  const memory = operands.find((o) => o.kind === 'memory');
  if (memory === undefined || memory.size !== 0 || SIZED_BY_MODE.has(mnemonic)) return false;
  if ((memory.decorators?.broadcast ?? 0) > 0) return false;
  const sizes = new Set(candidates.map((c) => c.form.memoryBits));
  if (sizes.size <= 1) return false;
  return (
    !candidates.every((c) => c.sized) ||
    new Set(candidates.filter((c) => c.sized).map((c) => c.form.memoryBits)).size > 1
  );
}

/** The best explanation why no form fits. */
function whyNot(mnemonic: string, forms: readonly Form[], operands: readonly Operand[], bits: Bits): Problem {
  const sizeless = operands.map((o) => (o.size === 0 ? o : { ...o, size: 0 }));
  const loosely = forms.some(
    (form) =>
      form.operands.length === operands.length && sizeless.every((o, i) => fits(form.operands[i]!, o, form, bits).ok),
  );
  const registers = operands.filter((o) => o.kind === 'register');
  const general = registers.filter((o) => o.kind === 'register' && /^r\d/.test(o.register.class));
  if (
    loosely ||
    (general.length === 2 &&
      general[0]!.kind === 'register' &&
      general[1]!.kind === 'register' &&
      general[0]!.register.bits !== general[1]!.register.bits)
  ) {
    return sizeMismatch(mnemonic);
  }
  return noSuchOperands(mnemonic, operands.map(describe).join(', '), examples(forms, operands.length));
}
