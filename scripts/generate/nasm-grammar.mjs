// The TextMate grammar of NASM sources, made from tables: mnemonics of the encoder, registers, VMCS field identifiers.
import iced from 'iced-x86';

export const VMX = [
  'vmxon',
  'vmxoff',
  'vmclear',
  'vmptrld',
  'vmptrst',
  'vmread',
  'vmwrite',
  'vmlaunch',
  'vmresume',
  'vmcall',
  'vmfunc',
  'invept',
  'invvpid',
];
const SVM = ['vmrun', 'vmload', 'vmsave', 'vmmcall', 'stgi', 'clgi', 'skinit', 'invlpga', 'vmgexit'];
export const FLOW =
  /^(j[a-z]+|call|ret[fnq]?|retf?|iret[dq]?|loop[a-z]*|int[13o]?|syscall|sysret[dq]?|sysenter|sysexit[q]?|hlt|ud[012])$/;
const PREFIXES = [
  'lock',
  'rep',
  'repe',
  'repz',
  'repne',
  'repnz',
  'xacquire',
  'xrelease',
  'bnd',
  'a16',
  'a32',
  'a64',
  'o16',
  'o32',
  'o64',
];
/** Directives that stand in brackets only: elsewhere they are names of the program. */
const IN_BRACKETS = ['list', 'map', 'required'];
const SIZES = [
  'byte',
  'word',
  'dword',
  'qword',
  'tword',
  'oword',
  'yword',
  'zword',
  'short',
  'near',
  'far',
  'strict',
  'nosplit',
  'rel',
  'abs',
  'ptr',
  'seg',
  'wrt',
];

/** One alternation that matches whole words, longest first so that no word hides a longer one. */
function words(list) {
  const sorted = [...new Set(list)].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return `(?i)(?<![\\w.$@?#~])(?:${sorted.join('|')})(?![\\w.$@?#~])`;
}

/** Condition codes that are other names of those that the disassembler writes. */
const CONDITIONS = ['z', 'nz', 'c', 'nc', 'nae', 'nb', 'na', 'nbe', 'pe', 'po', 'nge', 'nl', 'ng', 'nle'];

export function mnemonics() {
  const all = Object.keys(iced.Mnemonic).filter((name) => Number.isNaN(Number(name)) && name !== 'INVALID');
  const extra = [
    'movs',
    'cmps',
    'lods',
    'stos',
    'scas',
    'ins',
    'outs',
    'movabs',
    'xlatb',
    'jz',
    'jnz',
    'jc',
    'jnc',
    'jnae',
    'jnb',
    'jna',
    'jnbe',
    'jpe',
    'jpo',
    'jnge',
    'jnl',
    'jng',
    'jnle',
    'setz',
    'setnz',
    'setc',
    'setnc',
    'cmovz',
    'cmovnz',
    'cmovc',
    'cmovnc',
    'sal',
    'retn',
    'loopz',
    'loopnz',
  ];
  for (const code of CONDITIONS) extra.push(`set${code}`, `cmov${code}`);
  return [...new Set([...all.map((name) => name.toLowerCase()), ...extra])].filter(
    (name) => !/^(d[a-z]|res[a-z])$/.test(name),
  );
}

export function registers() {
  const numbered = Array.from({ length: 8 }, (_, i) => [`r${i + 8}`, `r${i + 8}b`, `r${i + 8}w`, `r${i + 8}d`]).flat();
  const legacy = ['a', 'b', 'c', 'd'].flatMap((l) => [`${l}l`, `${l}h`, `${l}x`, `e${l}x`, `r${l}x`]);
  const pointers = ['si', 'di', 'sp', 'bp', 'ip']
    .flatMap((p) => [p, `e${p}`, `r${p}`])
    .concat('sil', 'dil', 'spl', 'bpl');
  const system = [
    'cs',
    'ds',
    'es',
    'fs',
    'gs',
    'ss',
    'cr0',
    'cr2',
    'cr3',
    'cr4',
    'cr8',
    'dr0',
    'dr1',
    'dr2',
    'dr3',
    'dr6',
    'dr7',
  ];
  const vector = [
    ['st', 8],
    ['mm', 8],
    ['xmm', 32],
    ['ymm', 32],
    ['zmm', 32],
    ['k', 8],
    ['bnd', 4],
  ].flatMap(([name, count]) => Array.from({ length: count }, (_, i) => `${name}${i}`));
  return [...numbered, ...legacy, ...pointers, ...system, ...vector];
}

/**
 * @param {readonly string[]} vmcsFields identifiers such as GUEST_RIP
 * @param {{DATA_WORDS: readonly string[], DIRECTIVE_NAMES: ReadonlySet<string>}} assembler words of `src/asm/words.ts`
 * @returns {object} the grammar of `syntaxes/nasm.tmLanguage.json`
 */
export function nasmGrammar(vmcsFields, { DATA_WORDS, DIRECTIVE_NAMES }) {
  const rest = mnemonics();
  const flow = rest.filter((name) => FLOW.test(name));
  const special = new Set([...flow, ...VMX, ...SVM, ...PREFIXES]);
  const rule = (name, match) => ({ name, match });
  return {
    $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
    name: 'NASM assembly',
    scopeName: 'source.nasm',
    fileTypes: ['asm', 'nasm', 'inc'],
    patterns: [
      'comment',
      'string',
      'preprocessor',
      'label',
      'number',
      'vmx',
      'flow',
      'prefix',
      'data',
      'directive',
      'size',
      'register',
      'vmcs',
      'mnemonic',
      'operator',
    ].map((name) => ({ include: `#${name}` })),
    repository: {
      comment: {
        name: 'comment.line.semicolon.nasm',
        begin: ';',
        end: '$',
        patterns: [
          rule('keyword.other.annotation.nasm', '@(assert|log|expect-exit)\\b'),
          rule('keyword.other.todo.nasm', '\\b(TODO|FIXME|NOTE)\\b'),
        ],
      },
      string: {
        patterns: [
          { name: 'string.quoted.double.nasm', begin: '"', end: '"|$' },
          { name: 'string.quoted.single.nasm', begin: "'", end: "'|$" },
          {
            name: 'string.quoted.other.backquote.nasm',
            begin: '`',
            end: '`|$',
            patterns: [
              rule(
                'constant.character.escape.nasm',
                '\\\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,3}|.)',
              ),
            ],
          },
        ],
      },
      preprocessor: {
        patterns: [
          {
            match: '^\\s*(%(?:i?macro))\\s+([\\w.$@?]+)',
            captures: { 1: { name: 'keyword.control.directive.nasm' }, 2: { name: 'entity.name.function.macro.nasm' } },
          },
          {
            match: '^\\s*(%(?:i?x?define|i?assign|undef|i?defstr|i?deftok))\\s+([\\w.$@?%]+)',
            captures: { 1: { name: 'keyword.control.directive.nasm' }, 2: { name: 'entity.name.constant.nasm' } },
          },
          {
            match: '^\\s*(%include)\\s+(["\'][^"\']*["\'])',
            captures: { 1: { name: 'keyword.control.import.nasm' }, 2: { name: 'string.quoted.include.nasm' } },
          },
          rule('keyword.control.directive.nasm', '^\\s*%[a-zA-Z]+\\b'),
          rule('variable.parameter.macro.nasm', '%[-+]?\\d+|%\\{[^}]*\\}|%%[\\w.$@?]+|%\\$[\\w.$@?]+|%0\\b'),
        ],
      },
      label: {
        patterns: [
          {
            match: '^\\s*([A-Za-z_.?@$%][\\w.$@?#~%]*)(:)',
            captures: {
              1: { name: 'entity.name.function.label.nasm' },
              2: { name: 'punctuation.separator.label.nasm' },
            },
          },
          {
            match: `^\\s*([A-Za-z_.?@][\\w.$@?#~]*)\\s+(?=(?i:${DATA_WORDS.join('|')})\\b)`,
            captures: { 1: { name: 'entity.name.function.label.nasm' } },
          },
        ],
      },
      number: {
        patterns: [
          rule(
            'constant.numeric.hex.nasm',
            '(?i)(?<![\\w.$@?])(?:0[xh][0-9a-f_]+|\\$[0-9][0-9a-f_]*|[0-9][0-9a-f_]*h)(?![\\w.$@?])',
          ),
          rule('constant.numeric.binary.nasm', '(?i)(?<![\\w.$@?])(?:0[by][01_]+|[01][01_]*[by])(?![\\w.$@?])'),
          rule('constant.numeric.octal.nasm', '(?i)(?<![\\w.$@?])(?:0[oq][0-7_]+|[0-7][0-7_]*[oq])(?![\\w.$@?])'),
          rule(
            'constant.numeric.decimal.nasm',
            '(?<![\\w.$@?])(?:0[dt])?[0-9][0-9_]*(?:\\.[0-9_]*(?:[eE][-+]?[0-9]+)?)?[dt]?(?![\\w.$@?])',
          ),
        ],
      },
      vmx: rule('keyword.control.vmx.nasm', words([...VMX, ...SVM])),
      flow: rule('keyword.control.flow.nasm', words(flow)),
      prefix: rule('keyword.other.prefix.nasm', words(PREFIXES)),
      data: rule('storage.type.data.nasm', words(DATA_WORDS)),
      directive: rule(
        'keyword.control.directive.nasm',
        words([...DIRECTIVE_NAMES].filter((name) => !IN_BRACKETS.includes(name))),
      ),
      size: rule('storage.modifier.size.nasm', words(SIZES)),
      register: rule('variable.language.register.nasm', words(registers())),
      vmcs: rule('support.constant.vmcs.nasm', words(vmcsFields)),
      mnemonic: rule('keyword.mnemonic.nasm', words(rest.filter((name) => !special.has(name)))),
      operator: rule('keyword.operator.nasm', '\\+|-|\\*|//?|%%?|<<|>>|\\||\\^|&|~|!|==?|<=?|>=?|\\$\\$?|:'),
    },
  };
}
