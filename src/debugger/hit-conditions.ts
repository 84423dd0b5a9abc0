// Hit counts of breakpoints: `>= 3`, `== 5`, `% 2` and their relatives.

export type HitCondition = (hits: number) => boolean;

/** Reads a hit condition; a plain number N means "from the Nth time on". Answers an error in words for anything else. */
export function parseHitCondition(text: string): { readonly test: HitCondition } | { readonly error: string } {
  const match = /^\s*(>=|<=|==|=|!=|>|<|%)?\s*(\d{1,9}|0[xX][0-9a-fA-F]{1,7})\s*$/.exec(text);
  if (match?.[2] === undefined) {
    return { error: `"${text}" is not a hit count; write for example ">= 3", "== 5", "% 2" or "3".` };
  }
  const count = Number(match[2]);
  switch (match[1]) {
    case '==':
    case '=':
      return { test: (hits) => hits === count };
    case '!=':
      return { test: (hits) => hits !== count };
    case '>':
      return { test: (hits) => hits > count };
    case '<':
      return { test: (hits) => hits < count };
    case '<=':
      return { test: (hits) => hits <= count };
    case '%':
      if (count === 0) return { error: '"% 0" never holds; give a number from 1.' };
      return { test: (hits) => hits % count === 0 };
    default:
      return { test: (hits) => hits >= count };
  }
}
