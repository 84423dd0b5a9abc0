// Names and shorthands that NASM accepts beside Intel's: one row or entry each.

const CONDITIONS: readonly (readonly [string, readonly string[]])[] = [
  ['ae', ['nb', 'nc']], ['b', ['c', 'nae']], ['e', ['z']], ['ne', ['nz']], ['be', ['na']], ['a', ['nbe']],
  ['p', ['pe']], ['np', ['po']], ['l', ['nge']], ['ge', ['nl']], ['le', ['ng']], ['g', ['nle']],
];

function aliases(): Map<string, string> {
  const map = new Map<string, string>([
    ['sal', 'shl'], ['retn', 'ret'], ['fwait', 'wait'], ['xlat', 'xlatb'], ['icebp', 'int1'], ['int01', 'int1'], ['smi', 'int1'], ['int03', 'int3'],
    ['loopz', 'loope'], ['loopnz', 'loopne'], ['ud2a', 'ud2'], ['ud2b', 'ud1'], ['movntdqa', 'movntdqa'], ['sysretl', 'sysret'],
  ]);
  for (const [name, others] of CONDITIONS) {
    for (const other of others) {
      map.set(`j${other}`, `j${name}`);
      map.set(`set${other}`, `set${name}`);
      map.set(`cmov${other}`, `cmov${name}`);
    }
  }
  map.delete('movntdqa');
  return map;
}

/** NASM's name to the table's name. */
export const ALIASES: ReadonlyMap<string, string> = aliases();

const COMPARE = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord'];
const COMPARE_AVX = [
  ...COMPARE, 'eq_uq', 'nge', 'ngt', 'false', 'neq_oq', 'ge', 'gt', 'true', 'eq_os', 'lt_oq', 'le_oq', 'unord_s', 'neq_us', 'nlt_uq',
  'nle_uq', 'ord_s', 'eq_us', 'nge_uq', 'ngt_uq', 'false_os', 'neq_os', 'ge_oq', 'gt_oq', 'true_us',
];
const COMPARE_AVX_SYNONYMS: readonly (readonly [string, number])[] = [
  ['eq_oq', 0], ['lt_os', 1], ['le_os', 2], ['unord_q', 3], ['neq_uq', 4], ['nlt_us', 5], ['nle_us', 6], ['ord_q', 7], ['nge_us', 9], ['ngt_us', 10], ['false_oq', 11],
  ['ge_os', 13], ['gt_os', 14], ['true_uq', 15],
];

function immediateAliases(): Map<string, { name: string; value: number }> {
  const map = new Map<string, { name: string; value: number }>();
  for (const type of ['ps', 'pd', 'ss', 'sd']) {
    COMPARE.forEach((predicate, value) => map.set(`cmp${predicate}${type}`, { name: `cmp${type}`, value }));
    COMPARE_AVX.forEach((predicate, value) => map.set(`vcmp${predicate}${type}`, { name: `vcmp${type}`, value }));
    for (const [predicate, value] of COMPARE_AVX_SYNONYMS) map.set(`vcmp${predicate}${type}`, { name: `vcmp${type}`, value });
  }
  for (const prefix of ['', 'v']) {
    [['lqlq', 0], ['hqlq', 1], ['lqhq', 16], ['hqhq', 17]].forEach(([part, value]) => {
      map.set(`${prefix}pclmul${part}dq`, { name: `${prefix}pclmulqdq`, value: Number(value) });
    });
  }
  const integer = ['lt', 'le', 'gt', 'ge', 'false', 'neq', 'eq', 'true'];
  for (const type of ['b', 'w', 'd', 'q', 'ub', 'uw', 'ud', 'uq']) {
    ['lt', 'le', 'gt', 'ge', 'eq', 'neq', 'false', 'true'].forEach((predicate, value) => {
      map.set(`vpcom${predicate}${type}`, { name: `vpcom${type}`, value });
    });
  }
  return integer.length > 0 ? map : map;
}

/** Mnemonics that imply the last operand of another one. */
export const IMMEDIATE_ALIASES: ReadonlyMap<string, { readonly name: string; readonly value: number }> = immediateAliases();

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
iretw - l 0 - cf - 16 0 0 0 7 0 0 - -
`;
