// NASM's 64-bit arithmetic.
import { wrap64 } from './numbers.ts';

export function unary(operator: string, a: bigint): bigint {
  switch (operator) {
    case '-':
      return wrap64(-a);
    case '~':
      return ~a;
    case '!':
      return a === 0n ? 1n : 0n;
    default:
      return a;
  }
}

const unsigned = (a: bigint): bigint => BigInt.asUintN(64, a);
const truth = (a: boolean): bigint => (a ? 1n : 0n);

/** 64-bit arithmetic as NASM does it: comparisons signed, / and % and >> unsigned. Undefined: division by zero. */
export function arithmetic(operator: string, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case '+':
      return wrap64(a + b);
    case '-':
      return wrap64(a - b);
    case '*':
      return wrap64(a * b);
    case '/':
      return b === 0n ? undefined : wrap64(unsigned(a) / unsigned(b));
    case '%':
      return b === 0n ? undefined : wrap64(unsigned(a) % unsigned(b));
    case '//':
      return b === 0n ? undefined : wrap64(a / b);
    case '%%':
      return b === 0n ? undefined : wrap64(a % b);
    case '|':
      return a | b;
    case '&':
      return a & b;
    case '^':
      return a ^ b;
    case '<<':
    case '<<<': {
      const count = unsigned(b);
      return count > 63n ? 0n : wrap64(a << count);
    }
    case '>>': {
      const count = unsigned(b);
      return count > 63n ? 0n : wrap64(unsigned(a) >> count);
    }
    case '>>>': {
      const count = unsigned(b);
      return a >> (count > 63n ? 63n : count);
    }
    case '=':
    case '==':
      return truth(a === b);
    case '!=':
    case '<>':
      return truth(a !== b);
    case '<':
      return truth(a < b);
    case '>':
      return truth(a > b);
    case '<=':
      return truth(a <= b);
    case '>=':
      return truth(a >= b);
    case '<=>':
      return a < b ? -1n : a > b ? 1n : 0n;
    case '||':
      return truth(a !== 0n || b !== 0n);
    case '&&':
      return truth(a !== 0n && b !== 0n);
    default:
      return truth((a !== 0n) !== (b !== 0n));
  }
}
