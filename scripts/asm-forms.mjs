// Writes src/asm/encoder/generated/forms.ts: one row for each instruction form of x86, from the operation-code
// information that iced-x86 publishes. `node scripts/asm-forms.mjs` rewrites the file.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const iced = createRequire(import.meta.url)('iced-x86');

const OUTPUT = new URL('../src/asm/encoder/generated/forms.ts', import.meta.url);

/** Short operand names: register class or memory, size in bits, then the place of the operand in the encoding. */
const OPERANDS = {
  farbr2_2: 'far16',
  farbr4_2: 'far32',
  mem_offs: 'moffs',
  mem: 'm',
  mem_mpx: 'm',
  mem_mib: 'mib',
  sibmem: 'msib',
  mem_vsib32x: 'vx',
  mem_vsib64x: 'vx',
  mem_vsib32y: 'vy',
  mem_vsib64y: 'vy',
  mem_vsib32z: 'vz',
  mem_vsib64z: 'vz',
  r8_or_mem: 'r8/m',
  r16_or_mem: 'r16/m',
  r32_or_mem: 'r32/m',
  r32_or_mem_mpx: 'r32/m',
  r64_or_mem: 'r64/m',
  r64_or_mem_mpx: 'r64/m',
  mm_or_mem: 'mm/m',
  xmm_or_mem: 'x/m',
  ymm_or_mem: 'y/m',
  zmm_or_mem: 'z/m',
  bnd_or_mem_mpx: 'bnd/m',
  k_or_mem: 'k/m',
  r8_reg: 'r8:r',
  r8_opcode: 'r8:o',
  r16_reg: 'r16:r',
  r16_reg_mem: 'r16:r',
  r16_rm: 'r16:m',
  r16_opcode: 'r16:o',
  r32_reg: 'r32:r',
  r32_reg_mem: 'r32:r',
  r32_rm: 'r32:m',
  r32_opcode: 'r32:o',
  r32_vvvv: 'r32:v',
  r64_reg: 'r64:r',
  r64_reg_mem: 'r64:r',
  r64_rm: 'r64:m',
  r64_opcode: 'r64:o',
  r64_vvvv: 'r64:v',
  seg_reg: 'sreg:r',
  k_reg: 'k:r',
  kp1_reg: 'k:r',
  k_rm: 'k:m',
  k_vvvv: 'k:v',
  mm_reg: 'mm:r',
  mm_rm: 'mm:m',
  xmm_reg: 'x:r',
  xmm_rm: 'x:m',
  xmm_vvvv: 'x:v',
  xmmp3_vvvv: 'x:v',
  xmm_is4: 'x:4',
  xmm_is5: 'x:4',
  ymm_reg: 'y:r',
  ymm_rm: 'y:m',
  ymm_vvvv: 'y:v',
  ymm_is4: 'y:4',
  ymm_is5: 'y:4',
  zmm_reg: 'z:r',
  zmm_rm: 'z:m',
  zmm_vvvv: 'z:v',
  zmmp3_vvvv: 'z:v',
  cr_reg: 'cr:r',
  dr_reg: 'dr:r',
  tr_reg: 'tr:r',
  bnd_reg: 'bnd:r',
  tmm_reg: 'tmm:r',
  tmm_rm: 'tmm:m',
  tmm_vvvv: 'tmm:v',
  es: '=es',
  cs: '=cs',
  ss: '=ss',
  ds: '=ds',
  fs: '=fs',
  gs: '=gs',
  al: '=al',
  cl: '=cl',
  ax: '=ax',
  dx: '=dx',
  eax: '=eax',
  rax: '=rax',
  st0: '=st0',
  sti_opcode: 'st:o',
  imm4_m2z: 'i4',
  imm8: 'i8',
  imm8_const_1: 'i1',
  imm8sex16: 'i8s16',
  imm8sex32: 'i8s32',
  imm8sex64: 'i8s64',
  imm16: 'i16',
  imm32: 'i32',
  imm32sex64: 'i32s64',
  imm64: 'i64',
  br16_1: 'rel8',
  br32_1: 'rel8',
  br64_1: 'rel8',
  br16_2: 'rel16',
  br32_4: 'rel32',
  br64_4: 'rel32',
  xbegin_2: 'rel16',
  xbegin_4: 'rel32',
  brdisp_2: 'rel16',
  brdisp_4: 'rel32',
};
/** Operands that string instructions imply; NASM writes none of them. */
const IMPLIED = new Set(['seg_rSI', 'es_rDI', 'seg_rDI', 'seg_rBX_al']);
/** Instructions that only early or foreign processors had. */
const OBSOLETE = new Set(
  [
    'Umov',
    'Xbts',
    'Cmpxchg486A',
    'OldFpu',
    'Loadall286',
    'Loadall386',
    'Cl1invmb',
    'MovTr',
    'Jmpe',
    'Cyrix',
    'Cyrix_SMINT_0F7E',
    'Cyrix_DMI',
    'ALTINST',
    'KNC',
    'ForceReservedNop',
  ].map((name) => iced.DecoderOptions[name]),
);
const PREFIXES = ['', '', '66', 'F3', 'F2'];
const ENCODINGS = { Legacy: 'l', VEX: 'v', EVEX: 'e', XOP: 'x', D3NOW: 'd' };
const MAPS = { Normal: 0, T0F: 1, T0F38: 2, T0F3A: 3, MAP5: 5, MAP6: 6, MAP8: 8, MAP9: 9, MAP10: 10 };

function row(code) {
  const o = iced.CodeExt.opCode(code);
  const encoding = ENCODINGS[iced.EncodingKind[o.encoding]];
  if (!o.isInstruction || encoding === undefined) return undefined;
  if (
    !o.intelDecoder16 &&
    !o.intelDecoder32 &&
    !o.intelDecoder64 &&
    !o.amdDecoder16 &&
    !o.amdDecoder32 &&
    !o.amdDecoder64
  )
    return undefined;
  if (OBSOLETE.has(o.decoderOption)) return undefined;
  const operands = [];
  const string = [];
  for (let i = 0; i < o.opCount; i++) {
    const kind = iced.OpCodeOperandKind[o.opKind(i)];
    if (IMPLIED.has(kind)) string.push(kind);
    else if (OPERANDS[kind] === undefined) throw new Error(`operand kind ${kind} has no short name`);
    else operands.push(OPERANDS[kind]);
  }
  const name = o.instructionString.split(' ')[0].toLowerCase();
  // INS, OUTS and XLAT name a register in their implied operands too.
  if (string.length > 0 && !name.includes('maskmov')) operands.length = 0;
  const flags = [
    o.defaultOpSize64 ? 'D' : '',
    o.forceOpSize64 ? 'F' : '',
    o.fwait ? 'w' : '',
    o.canUseOpMaskRegister ? 'k' : '',
    o.canUseZeroingMasking ? 'z' : '',
    o.canUseRoundingControl ? 'e' : '',
    o.canSuppressAllExceptions ? 's' : '',
    string.length > 0 ? 'S' : '',
    o.mandatoryPrefix === iced.MandatoryPrefix.PNP ? 'N' : '',
  ].join('');
  const modes = (o.mode16 ? 1 : 0) | (o.mode32 ? 2 : 0) | (o.mode64 ? 4 : 0);
  const memory = iced.MemorySizeExt.size(o.memorySize);
  const broadcast = o.canBroadcast ? iced.MemorySizeExt.elementSize(o.broadcastMemorySize) : 0;
  return [
    name,
    operands.join(',') || '-',
    encoding,
    MAPS[iced.OpCodeTableKind[o.table]],
    PREFIXES[o.mandatoryPrefix] || '-',
    o.opCode.toString(16).padStart(o.opCodeLength * 2, '0'),
    o.groupIndex < 0 ? '-' : o.groupIndex,
    o.operandSize,
    o.addressSize,
    o.isLIG ? 'g' : (o.L ?? 0),
    o.isWIG ? 'g' : (o.W ?? 0),
    modes,
    memory,
    broadcast,
    encoding === 'e' ? iced.TupleType[o.tupleType] : '-',
    flags || '-',
  ].join(' ');
}

/** The text of the generated file. */
export function formsSource() {
  const rows = [];
  for (const name of Object.keys(iced.Code)) {
    if (/^\d/.test(name)) continue;
    const text = row(iced.Code[name]);
    if (text !== undefined) rows.push(text);
  }
  return `// Generated by scripts/asm-forms.mjs from the operation-code information of iced-x86 (MIT licence). Do not edit.
// Columns: mnemonic, operands, encoding (l legacy, v VEX, e EVEX, x XOP, d 3DNow!), map, mandatory prefix, opcode, /digit,
// operand size, address size, L, W, modes (1: 16-bit, 2: 32-bit, 4: 64-bit), memory bytes, broadcast element bytes, tuple, flags.
export const FORM_ROWS = \`
${rows.join('\n')}
\`;
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(OUTPUT, formsSource());
