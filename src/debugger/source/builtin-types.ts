// Types that C programs have without declaring them, and those of <stdint.h>: known also where there is no debug information.

import type { BaseType, DebugType } from '../../program/debug-types.ts';

const base = (name: string, size: number, signed: boolean, encoding?: BaseType['encoding']): BaseType => ({
  kind: 'base',
  name,
  size,
  signed,
  encoding: encoding ?? (signed ? 'signed' : 'unsigned'),
});

/** The type that the words mean, in any order (`long unsigned int`); `word` is the size of long and of pointers in bytes. */
export function builtinType(name: string, word: 4 | 8): DebugType | undefined {
  const exact = /^(u?)int(8|16|32|64)_t$|^([us])(8|16|32|64)$/.exec(name);
  if (exact !== null)
    return base(
      name,
      Number(exact[2] ?? exact[4]) / 8,
      exact[3] === 's' || (exact[3] === undefined && exact[1] === ''),
    );
  switch (name) {
    case 'void':
      return { kind: 'void' };
    case 'bool':
    case '_Bool':
      return base(name, 1, false, 'boolean');
    case 'float':
      return base(name, 4, true, 'float');
    case 'double':
      return base(name, 8, true, 'float');
    case 'size_t':
    case 'uintptr_t':
      return base(name, word, false);
    case 'ssize_t':
    case 'intptr_t':
    case 'ptrdiff_t':
      return base(name, word, true);
    default:
      return wordsType(name, word);
  }
}

function wordsType(name: string, word: 4 | 8): DebugType | undefined {
  const words = name.split(' ');
  const count = (wanted: string): number => words.filter((candidate) => candidate === wanted).length;
  const unsigned = count('unsigned');
  const longs = count('long');
  const known = count('int') + unsigned + count('signed') + longs + count('short') + count('char');
  if (known !== words.length) return undefined;
  const signed = unsigned === 0;
  if (count('char') > 0) return base(name, 1, signed, 'character');
  const size = count('short') > 0 ? 2 : longs > 1 ? 8 : longs === 1 ? word : 4;
  return base(name, size, signed);
}
