// Instruction forms as text: operands as the manual writes them, and the encoding.
import type { Form, OperandForm } from '../asm/encoder/forms.ts';

const CLASS_NAMES: Readonly<Record<string, string>> = {
  x: 'xmm',
  y: 'ymm',
  z: 'zmm',
  mm: 'mm',
  st: 'st(i)',
  sreg: 'sreg',
};
const FIXED_NAMES: Readonly<Record<string, readonly string[]>> = {
  sreg: ['es', 'cs', 'ss', 'ds', 'fs', 'gs'],
  r8: ['al', 'cl'],
  r16: ['ax', 'cx', 'dx'],
  r32: ['eax', 'ecx', 'edx'],
  r64: ['rax', 'rcx', 'rdx'],
  st: ['st0'],
  x: ['xmm0'],
};

export function operandText(operand: OperandForm, form: Form): string {
  const cls = CLASS_NAMES[operand.class ?? ''] ?? operand.class ?? '';
  const memory = form.memoryBits === 0 ? 'm' : `m${form.memoryBits}`;
  switch (operand.kind) {
    case 'register':
      return cls;
    case 'register-or-memory':
      return `${cls}/${memory}`;
    case 'memory':
      return operand.index === undefined ? memory : `vm(${CLASS_NAMES[operand.index] ?? operand.index})`;
    case 'fixed':
      return FIXED_NAMES[operand.class ?? '']?.[operand.fixed] ?? cls;
    case 'immediate':
      return operand.fixed === 1 ? '1' : `imm${operand.bits}`;
    case 'relative':
      return `rel${operand.bits}`;
    case 'far':
      return `ptr16:${operand.bits}`;
    default:
      return 'moffs';
  }
}

export const operandsText = (form: Form): string => form.operands.map((o) => operandText(o, form)).join(', ');

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');
const MAPS: Readonly<Record<number, string>> = { 0: '', 1: '0F', 2: '0F38', 3: '0F3A', 5: 'MAP5', 6: 'MAP6' };

function tail(form: Form): string {
  const parts: string[] = [];
  const modrm = form.operands.some((o) => o.slot === 'reg' || o.slot === 'rm' || o.slot === 'both');
  if (form.digit >= 0) parts.push(`/${form.digit}`);
  else if (modrm) parts.push('/r');
  for (const o of form.operands) {
    if (o.kind === 'immediate' && o.bits > 0)
      parts.push({ 8: 'ib', 16: 'iw', 32: 'id', 64: 'iq', 4: '/is4' }[o.bits] ?? '');
    else if (o.kind === 'relative') parts.push({ 8: 'cb', 16: 'cw', 32: 'cd' }[o.bits] ?? '');
    else if (o.kind === 'far') parts.push(o.bits === 16 ? 'cd' : 'cp');
    else if (o.kind === 'offset') parts.push('mo');
    else if (o.slot === 'is4') parts.push('/is4');
  }
  return parts.join(' ');
}

/** The encoding in the manual's notation: `REX.W 8B /r`, `VEX.256.66.0F.W0 58 /r`. */
export function encodingText(form: Form): string {
  const opcode = form.opcode.map(hex).join(' ');
  if (form.encoding === 'l' || form.encoding === 'd') {
    const prefix = form.prefix === 0 ? [] : [hex(form.prefix)];
    const size =
      form.operandSize === 16 ? ['o16'] : form.operandSize === 64 && !form.default64 && !form.force64 ? ['REX.W'] : [];
    const map = (MAPS[form.map] ?? '').replace(/^0F(..)$/, '0F $1');
    const register = form.operands.some((o) => o.slot === 'opcode') ? '+r' : '';
    return [...prefix, ...size, map, opcode + register, tail(form)].filter((p) => p !== '').join(' ');
  }
  const name = { v: 'VEX', e: 'EVEX', x: 'XOP' }[form.encoding];
  const parts = [
    name,
    `${128 << form.vectorLength}`,
    form.prefix === 0 ? '' : hex(form.prefix),
    form.encoding === 'x' ? `X${form.map}` : (MAPS[form.map] ?? ''),
    form.wide ? 'W1' : 'W0',
  ].filter((p) => p !== '');
  return `${parts.join('.')} ${opcode} ${tail(form)}`.trim();
}
