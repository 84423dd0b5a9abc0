// Names and shorthands that NASM accepts beside Intel's: one row or entry each.

const CONDITIONS: readonly (readonly [string, readonly string[]])[] = [
  ['ae', ['nb', 'nc']],
  ['b', ['c', 'nae']],
  ['e', ['z']],
  ['ne', ['nz']],
  ['be', ['na']],
  ['a', ['nbe']],
  ['p', ['pe']],
  ['np', ['po']],
  ['l', ['nge']],
  ['ge', ['nl']],
  ['le', ['ng']],
  ['g', ['nle']],
];

function aliases(): Map<string, string> {
  const map = new Map<string, string>([
    ['sal', 'shl'],
    ['retn', 'ret'],
    ['retnw', 'retw'],
    ['retnd', 'retd'],
    ['retnq', 'retq'],
    ['fwait', 'wait'],
    ['xlat', 'xlatb'],
    ['icebp', 'int1'],
    ['int01', 'int1'],
    ['smi', 'int1'],
    ['int03', 'int3'],
    ['loopz', 'loope'],
    ['loopnz', 'loopne'],
    ['ud2a', 'ud2'],
    ['ud2b', 'ud1'],
  ]);
  for (const [name, others] of CONDITIONS) {
    for (const other of others) {
      map.set(`j${other}`, `j${name}`);
      map.set(`set${other}`, `set${name}`);
      map.set(`cmov${other}`, `cmov${name}`);
    }
  }
  for (const sign of ['add', 'sub']) {
    for (const kind of [`vfm${sign}`, `vfnm${sign}`, ...(sign === 'add' ? ['vfmaddsub', 'vfmsubadd'] : [])]) {
      for (const type of kind.length === 9 ? ['ps', 'pd'] : ['ps', 'pd', 'ss', 'sd']) {
        map.set(`${kind}312${type}`, `${kind}132${type}`);
        map.set(`${kind}123${type}`, `${kind}213${type}`);
        map.set(`${kind}321${type}`, `${kind}231${type}`);
      }
    }
  }
  return map;
}

/** NASM's name to the table's name. */
export const ALIASES: ReadonlyMap<string, string> = aliases();

const COMPARE = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord'];
const COMPARE_AVX = [
  ...COMPARE,
  'eq_uq',
  'nge',
  'ngt',
  'false',
  'neq_oq',
  'ge',
  'gt',
  'true',
  'eq_os',
  'lt_oq',
  'le_oq',
  'unord_s',
  'neq_us',
  'nlt_uq',
  'nle_uq',
  'ord_s',
  'eq_us',
  'nge_uq',
  'ngt_uq',
  'false_os',
  'neq_os',
  'ge_oq',
  'gt_oq',
  'true_us',
];
const COMPARE_AVX_SYNONYMS: readonly (readonly [string, number])[] = [
  ['eq_oq', 0],
  ['lt_os', 1],
  ['le_os', 2],
  ['unord_q', 3],
  ['neq_uq', 4],
  ['nlt_us', 5],
  ['nle_us', 6],
  ['ord_q', 7],
  ['nge_us', 9],
  ['ngt_us', 10],
  ['false_oq', 11],
  ['ge_os', 13],
  ['gt_os', 14],
  ['true_uq', 15],
];

const COMPARE_INTEGER: readonly (readonly [string, number])[] = [
  ['eq', 0],
  ['lt', 1],
  ['nge', 1],
  ['le', 2],
  ['ngt', 2],
  ['neq', 4],
  ['nlt', 5],
  ['ge', 5],
  ['nle', 6],
  ['gt', 6],
];

function immediateAliases(): Map<string, { name: string; value: number }> {
  const map = new Map<string, { name: string; value: number }>();
  for (const type of ['ps', 'pd', 'ss', 'sd']) {
    COMPARE.forEach((predicate, value) => {
      map.set(`cmp${predicate}${type}`, { name: `cmp${type}`, value });
    });
    COMPARE_AVX.forEach((predicate, value) => {
      map.set(`vcmp${predicate}${type}`, { name: `vcmp${type}`, value });
    });
    for (const [predicate, value] of COMPARE_AVX_SYNONYMS)
      map.set(`vcmp${predicate}${type}`, { name: `vcmp${type}`, value });
  }
  for (const prefix of ['', 'v']) {
    [
      ['lqlq', 0],
      ['hqlq', 1],
      ['lqhq', 16],
      ['hqhq', 17],
    ].forEach(([part, value]) => {
      map.set(`${prefix}pclmul${part}dq`, { name: `${prefix}pclmulqdq`, value: Number(value) });
    });
  }
  for (const type of ['b', 'w', 'd', 'q', 'ub', 'uw', 'ud', 'uq']) {
    for (const [predicate, value] of COMPARE_INTEGER) {
      const name = `vpcmp${predicate}${type}`;
      // VPCMPEQB to VPCMPGTQ are instructions of their own.
      if (!(type.length === 1 && (predicate === 'eq' || predicate === 'gt')))
        map.set(name, { name: `vpcmp${type}`, value });
    }
    ['lt', 'le', 'gt', 'ge', 'eq', 'neq', 'false', 'true'].forEach((predicate, value) => {
      map.set(`vpcom${predicate}${type}`, { name: `vpcom${type}`, value });
    });
  }
  return map;
}

/** Mnemonics that imply the last operand of another one. */
export const IMMEDIATE_ALIASES: ReadonlyMap<string, { readonly name: string; readonly value: number }> =
  immediateAliases();

/** Rows of the generated table that NASM does not have or has otherwise (below), by mnemonic and operands. */
export const DROPPED_ROWS: ReadonlySet<string> = new Set([
  'arpl r16/m,r16:r',
  'lldt r16/m',
  'ltr r16/m',
  'verr r16/m',
  'verw r16/m',
  'lmsw r16/m',
  'sldt r64/m',
  'bswap r16:o',
  'pop =cs',
  'pextrb r64/m,x:r,i8',
  'fsetpm -',
  'movsx r16:r,r16/m',
  'movzx r16:r,r16/m',
  'xbegin rel16',
  'xbegin rel32',
  'mov sreg:r,r32/m',
  'mov sreg:r,r64/m',
  'mov sreg:r,r16/m',
  'mov r64/m,sreg:r',
  'invpcid r64:r,m',
  'pusha -',
  'popa -',
  'pushf -',
  'popf -',
  'iret -',
]);

/** Rows (encoding, mnemonic, operands, W) that NASM tries after the others. */
export const LATER_ROWS: ReadonlySet<string> = new Set([
  'v vmovq x:r,r64/m 1',
  'v vmovq r64/m,x:r 1',
  'x vpperm x:r,x:v,x/m,x:4 0',
  'e vmovq x:r,x/m 1',
  'e vmovq x/m,x:r 1',
]);

/** Mnemonics that were EVEX first: NASM takes their VEX form only after {vex}. */
export const EVEX_FIRST: ReadonlySet<string> = new Set([
  'vpdpbusd',
  'vpdpbusds',
  'vpdpwssd',
  'vpdpwssds',
  'vpmadd52huq',
  'vpmadd52luq',
  'vcvtneps2bf16',
]);

/** Rows that NASM writes without VEX.W although they name a 64-bit register. */
export const NARROW_ROWS: ReadonlySet<string> = new Set([
  'vmovmskpd r64:r,x:m',
  'vmovmskps r64:r,x:m',
  'vmovmskpd r64:r,y:m',
  'vmovmskps r64:r,y:m',
  'vpmovmskb r64:r,x:m',
  'vpmovmskb r64:r,y:m',
  'vpextrb r64/m,x:r,i8',
  'vpextrw r64:r,x:m,i8',
  'vpextrw r64/m,x:r,i8',
]);

/** Rows in the format of the generated table. */
export const EXTRA_ROWS = `
pusha - l 0 - 60 - 0 0 0 0 3 0 0 - -
popa - l 0 - 61 - 0 0 0 0 3 0 0 - -
pushaw - l 0 - 60 - 16 0 0 0 3 0 0 - -
popaw - l 0 - 61 - 16 0 0 0 3 0 0 - -
pushf - l 0 - 9c - 0 0 0 0 7 0 0 - -
popf - l 0 - 9d - 0 0 0 0 7 0 0 - -
pushfw - l 0 - 9c - 16 0 0 0 7 0 0 - -
popfw - l 0 - 9d - 16 0 0 0 7 0 0 - -
iret - l 0 - cf - 0 0 0 0 7 0 0 - -
mov r64:o,i32u l 0 - b8 - 32 0 0 0 4 0 0 - -
iaad - l 0 - d50a - 0 0 0 0 3 0 0 - -
aam - l 0 - d40a - 0 0 0 0 3 0 0 - -
movsx r64:r,r32/m l 0 - 63 - 64 0 0 0 4 4 0 - -
imul r16:rm,i8s16 l 0 - 6b - 16 0 0 0 7 0 0 - -
imul r32:rm,i8s32 l 0 - 6b - 32 0 0 0 7 0 0 - -
imul r64:rm,i8s64 l 0 - 6b - 64 0 0 0 4 0 0 - -
imul r16:rm,i16 l 0 - 69 - 16 0 0 0 7 0 0 - -
imul r32:rm,i32 l 0 - 69 - 32 0 0 0 7 0 0 - -
imul r64:rm,i32s64 l 0 - 69 - 64 0 0 0 4 0 0 - -
loop rel8,=cx l 0 - e2 - 0 16 0 0 3 0 0 - -
loop rel8,=ecx l 0 - e2 - 0 32 0 0 7 0 0 - -
loop rel8,=rcx l 0 - e2 - 0 64 0 0 4 0 0 - -
loope rel8,=cx l 0 - e1 - 0 16 0 0 3 0 0 - -
loope rel8,=ecx l 0 - e1 - 0 32 0 0 7 0 0 - -
loope rel8,=rcx l 0 - e1 - 0 64 0 0 4 0 0 - -
loopne rel8,=cx l 0 - e0 - 0 16 0 0 3 0 0 - -
loopne rel8,=ecx l 0 - e0 - 0 32 0 0 7 0 0 - -
loopne rel8,=rcx l 0 - e0 - 0 64 0 0 4 0 0 - -
monitor =ax,=ecx,=edx l 1 - 01c8 - 0 16 0 0 3 0 0 - -
monitorx =ax,=ecx,=edx l 1 - 01fa - 0 16 0 0 3 0 0 - -
invlpga =ax,=ecx l 1 - 01df - 0 16 0 0 3 0 0 - -
vmrun =ax l 1 - 01d8 - 0 16 0 0 3 0 0 - -
vmload =ax l 1 - 01da - 0 16 0 0 3 0 0 - -
vmsave =ax l 1 - 01db - 0 16 0 0 3 0 0 - -
clzero =ax l 1 - 01fc - 0 16 0 0 3 0 0 - -
monitor =eax,=ecx,=edx l 1 - 01c8 - 0 32 0 0 7 0 0 - -
monitorx =eax,=ecx,=edx l 1 - 01fa - 0 32 0 0 7 0 0 - -
invlpga =eax,=ecx l 1 - 01df - 0 32 0 0 7 0 0 - -
vmrun =eax l 1 - 01d8 - 0 32 0 0 7 0 0 - -
vmload =eax l 1 - 01da - 0 32 0 0 7 0 0 - -
vmsave =eax l 1 - 01db - 0 32 0 0 7 0 0 - -
clzero =eax l 1 - 01fc - 0 32 0 0 7 0 0 - -
monitor =rax,=ecx,=edx l 1 - 01c8 - 0 64 0 0 4 0 0 - -
monitorx =rax,=ecx,=edx l 1 - 01fa - 0 64 0 0 4 0 0 - -
invlpga =rax,=ecx l 1 - 01df - 0 64 0 0 4 0 0 - -
vmrun =rax l 1 - 01d8 - 0 64 0 0 4 0 0 - -
vmload =rax l 1 - 01da - 0 64 0 0 4 0 0 - -
vmsave =rax l 1 - 01db - 0 64 0 0 4 0 0 - -
clzero =rax l 1 - 01fc - 0 64 0 0 4 0 0 - -
mwait =eax,=ecx l 1 - 01c9 - 0 0 0 0 7 0 0 - -
skinit =eax l 1 - 01de - 0 0 0 0 7 0 0 - -
iretw - l 0 - cf - 16 0 0 0 7 0 0 - -
pextrb r64/m,x:r,i8 l 3 66 14 - 0 0 0 0 4 1 0 - -
ud1 - l 1 - b9 - 0 0 0 0 7 0 0 - -
fsetpm - l 0 - dbe4 - 0 0 0 0 7 0 0 - -
retw - l 0 - cf - 16 0 0 0 7 0 0 - -
retw - l 0 - c3 - 16 0 0 0 7 0 0 - -
retd - l 0 - c3 - 32 0 0 0 3 0 0 - -
retq - l 0 - c3 - 64 0 0 0 4 0 0 - D
retw i16 l 0 - c2 - 16 0 0 0 7 0 0 - -
retd i16 l 0 - c2 - 32 0 0 0 3 0 0 - -
retq i16 l 0 - c2 - 64 0 0 0 4 0 0 - D
retfw - l 0 - cb - 16 0 0 0 7 0 0 - -
retfd - l 0 - cb - 32 0 0 0 7 0 0 - -
retfq - l 0 - cb - 64 0 0 0 4 0 0 - -
retfw i16 l 0 - ca - 16 0 0 0 7 0 0 - -
retfd i16 l 0 - ca - 32 0 0 0 7 0 0 - -
retfq i16 l 0 - ca - 64 0 0 0 4 0 0 - -
arpl r16/m,r16:r l 0 - 63 - 0 0 0 0 3 2 0 - -
lldt r16/m l 1 - 00 2 0 0 0 0 7 2 0 - -
ltr r16/m l 1 - 00 3 0 0 0 0 7 2 0 - -
verr r16/m l 1 - 00 4 0 0 0 0 7 2 0 - -
verw r16/m l 1 - 00 5 0 0 0 0 7 2 0 - -
lmsw r16/m l 1 - 01 6 0 0 0 0 7 2 0 - -
sldt r64/m l 1 - 00 0 0 0 0 0 4 2 0 - -
mov sreg:r,r16/m l 0 - 8e - 0 0 0 0 7 2 0 - -
mov sreg:r,r32/m l 0 - 8e - 0 0 0 0 7 2 0 - -
mov sreg:r,r64/m l 0 - 8e - 0 0 0 0 4 2 0 - -
mov r64/m,sreg:r l 0 - 8c - 0 0 0 0 4 2 0 - -
invpcid r64:r,m l 2 66 82 - 64 0 0 0 4 16 0 - -
xbegin rel16 l 0 - c7f8 - 16 0 0 0 7 0 0 - -
xbegin rel32 l 0 - c7f8 - 32 0 0 0 3 0 0 - -
xbegin rel32 l 0 - c7f8 - 64 0 0 0 4 0 0 - D
xchg r8:r,r8/m l 0 - 86 - 0 0 0 0 7 1 0 - -
xchg r16:r,r16/m l 0 - 87 - 16 0 0 0 7 2 0 - -
xchg r32:r,r32/m l 0 - 87 - 32 0 0 0 7 4 0 - -
xchg r64:r,r64/m l 0 - 87 - 64 0 0 0 4 8 0 - -
xchg =ax,r16:o l 0 - 90 - 16 0 0 0 7 0 0 - -
xchg =eax,r32:o l 0 - 90 - 32 0 0 0 7 0 0 - -
xchg =rax,r64:o l 0 - 90 - 64 0 0 0 4 0 0 - -
test r8:r,m l 0 - 84 - 0 0 0 0 7 1 0 - -
test r16:r,m l 0 - 85 - 16 0 0 0 7 2 0 - -
test r32:r,m l 0 - 85 - 32 0 0 0 7 4 0 - -
test r64:r,m l 0 - 85 - 64 0 0 0 4 8 0 - -
`;
