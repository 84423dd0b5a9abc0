// XCHG, XADD and CMPXCHG with memory, of 32 and 64 bits: what locks and counters are made of. Narrow ones and those between
// registers are slow instructions. Between two events there is one processor, so each is atomic by nature.
import { type Family, handler } from './context.ts';
import { DESTINATION, FORMS, type Size, lazy, readModifyWrite, register, setRegister } from './forms.ts';

const SIZES_HERE: readonly Size[] = [32, 64];
const NAMES = ['xchg', 'xadd', 'cmpxchg'] as const;

/** Computes r, which goes to memory, from a, which was there; d is the register operand. */
function change(name: (typeof NAMES)[number], n: Size): string {
  const d = `const d=${DESTINATION};`;
  switch (name) {
    case 'xchg':
      return `${d}const r:u${n}=${register(n, 'd')};`;
    case 'xadd':
      return `${d}const r:u${n}=a+${register(n, 'd')};${lazy(n, 'K_ADD', 'r', 'a')}`;
    case 'cmpxchg':
      return `${d}const c:u${n}=load<u${n}>(RAX);const r:u${n}=a==c?${register(n, 'd')}:a;${lazy(n, 'K_SUB', 'c-a', 'c')}`;
  }
}

/** What goes to a register once memory is written. */
function commit(name: (typeof NAMES)[number], n: Size): string {
  return name === 'cmpxchg' ? 'if(a!=c)store<u64>(RAX,u64(a));' : setRegister(n, 'd', 'a');
}

/** FAM_ATOMIC + (operation * 2 + size - 2) * 2 + form. */
export const atomics: readonly Family[] = [
  {
    name: 'ATOMIC',
    handlers: NAMES.flatMap((name) =>
      SIZES_HERE.flatMap((n) =>
        FORMS.map((form) =>
          handler(
            `${name}_m${form}${n}`,
            (c) => `${readModifyWrite(n, form, c.rem, change(name, n))}${commit(name, n)}${c.next}`,
          ),
        ),
      ),
    ),
  },
];
