// The TextMate grammars of GNU assembly (AT&T and Intel syntax) and of listing files: in colour only.

const GAS_DIRECTIVES =
  '\\.(?:abort|align|ascii|asciz|att_syntax|balign|bss|byte|cfi_\\w+|code(?:16|16gcc|32|64)|comm|data|else|elseif|end|endif|endm|endr|equ|equiv|err|error|extern|file|fill|float|double|global|globl|hidden|hword|ident|if\\w*|include|incbin|int|intel_syntax|internal|irp|irpc|lcomm|line|local|loc|long|macro|nops|octa|org|p2align|popsection|previous|print|protected|purgem|pushsection|quad|rept|rodata|section|set|short|single|size|skip|sleb128|space|string(?:8|16|32|64)?|subsection|symver|text|type|uleb128|value|version|vtable_\\w+|warning|weak|weakref|word|zero)\\b';

/**
 * @param {{mnemonics: readonly string[], registers: readonly string[], vmx: readonly string[], flow: RegExp, vmcs: readonly string[]}} tables
 * @returns {object} the grammar of `syntaxes/gas.tmLanguage.json`
 */
export function gasGrammar({ mnemonics, registers, vmx, flow, vmcs }) {
  const rule = (name, match) => ({ name, match });
  const sorted = (list) => [...new Set(list)].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)).join('|');
  // AT&T syntax adds the size of the operands to most mnemonics.
  const word = (list, suffix = '[bwlqst]?') => `(?i)(?<![\\w.$@%])(?:${sorted(list)})${suffix}(?![\\w.$@])`;
  const flows = mnemonics.filter((name) => flow.test(name));
  const rest = mnemonics.filter((name) => !flow.test(name) && !vmx.includes(name));
  return {
    $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
    name: 'GNU assembly',
    scopeName: 'source.gas',
    fileTypes: ['S', 's'],
    patterns: [
      'comment',
      'cpp',
      'string',
      'label',
      'directive',
      'register',
      'immediate',
      'vmx',
      'flow',
      'prefix',
      'mnemonic',
      'vmcs',
      'number',
      'macro',
      'operator',
    ].map((name) => ({ include: `#${name}` })),
    repository: {
      comment: {
        patterns: [
          { name: 'comment.block.gas', begin: '/\\*', end: '\\*/' },
          rule('comment.line.double-slash.gas', '//.*$'),
          rule(
            'comment.line.number-sign.gas',
            '(?:^\\s*|(?<=\\s))#(?!\\s*(?:include|define|undef|if|ifdef|ifndef|else|elif|endif|error|warning|pragma|line)\\b).*$',
          ),
        ],
      },
      cpp: {
        patterns: [
          {
            match: '^\\s*(#\\s*include)\\s+([<"][^>"]*[>"])',
            captures: { 1: { name: 'keyword.control.import.gas' }, 2: { name: 'string.quoted.include.gas' } },
          },
          {
            match: '^\\s*(#\\s*define)\\s+(\\w+)',
            captures: { 1: { name: 'keyword.control.directive.gas' }, 2: { name: 'entity.name.constant.gas' } },
          },
          rule(
            'keyword.control.directive.gas',
            '^\\s*#\\s*(?:undef|if|ifdef|ifndef|else|elif|endif|error|warning|pragma|line)\\b',
          ),
        ],
      },
      string: {
        name: 'string.quoted.double.gas',
        begin: '"',
        end: '"|$',
        patterns: [rule('constant.character.escape.gas', '\\\\(?:x[0-9A-Fa-f]+|[0-7]{1,3}|.)')],
      },
      label: {
        match: '^\\s*([\\w.$]+)(:)',
        captures: { 1: { name: 'entity.name.function.label.gas' }, 2: { name: 'punctuation.separator.label.gas' } },
      },
      directive: rule('keyword.control.directive.gas', `(?<![\\w.$])${GAS_DIRECTIVES}`),
      register: rule(
        'variable.language.register.gas',
        `(?i)%(?:${sorted(registers)}|st\\(\\d\\))(?!\\w)|(?<![\\w.$@%])(?:${sorted(registers)})(?![\\w.$@(])`,
      ),
      immediate: rule('keyword.operator.immediate.gas', '\\$(?=[\\w(\\-~])'),
      vmx: rule('keyword.other.vmx.gas', word(vmx, '[lq]?')),
      flow: rule('keyword.control.flow.gas', word(flows)),
      prefix: rule(
        'keyword.other.prefix.gas',
        word(
          ['lock', 'rep', 'repe', 'repne', 'repz', 'repnz', 'data16', 'data32', 'addr16', 'addr32', 'notrack', 'bnd'],
          '',
        ),
      ),
      mnemonic: rule('keyword.mnemonic.gas', word(rest)),
      vmcs: rule('support.constant.vmcs.gas', `(?<![\\w.$@])(?:${sorted(vmcs)})(?![\\w.$@])`),
      number: rule('constant.numeric.gas', '(?i)(?<![\\w.])(?:0x[0-9a-f]+|0b[01]+|[0-9]+)(?![\\w.])'),
      macro: rule('variable.parameter.macro.gas', '\\\\[\\w@]+'),
      operator: rule('keyword.operator.gas', '<<|>>|[-+*/|^&~!=<>]'),
    },
  };
}

/** The grammar of `syntaxes/listing.tmLanguage.json`: line number, address, bytes, then the source. */
export function listingGrammar() {
  return {
    $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
    name: 'Assembler listing',
    scopeName: 'source.listing',
    fileTypes: ['lst'],
    patterns: [
      {
        // More bytes of the line above.
        match: '^\\s+([0-9A-F]{8})\\s\\s?([0-9A-F]+-?)\\s*$',
        captures: { 1: { name: 'constant.numeric.address.listing' }, 2: { name: 'constant.other.bytes.listing' } },
      },
      {
        // Line, address, bytes or <res …h>, source.
        begin:
          '^(\\s*\\d+)\\s+([0-9A-F]{8})\\s\\s?((?:[0-9A-F]{2}|\\[[0-9A-F]+\\]|\\([0-9A-F]+\\))+-?|<res [0-9A-F]+h>|\\?\\?*)?',
        end: '$',
        beginCaptures: {
          1: { name: 'comment.line-number.listing' },
          2: { name: 'constant.numeric.address.listing' },
          3: { name: 'constant.other.bytes.listing' },
        },
        patterns: [{ include: 'source.nasm' }],
      },
      {
        begin: '^(\\s*\\d+)(?=\\s|$)',
        end: '$',
        beginCaptures: { 1: { name: 'comment.line-number.listing' } },
        patterns: [{ include: 'source.nasm' }],
      },
    ],
  };
}
