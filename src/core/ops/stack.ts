// PUSH, POP, LEAVE. Families without LEGACY are those of 64-bit operands on a 64-bit stack.
import { type Family, handler } from './context.ts';
import { DESTINATION, SOURCE, address, register } from './forms.ts';

const push = (value: string, rem: string): string =>
  `const v:u64=${value};const sp:u64=load<u64>(RSP)-8;wrStack<u64>(sp,v,op,${rem});store<u64>(RSP,sp);`;
const SIZE = 'u32(load<u8>(op,8))';

export const stack: readonly Family[] = [
  {
    name: 'PUSH', // r, i, b, x
    handlers: [
      handler('push_r', (c) => push(register(64, SOURCE), c.rem) + c.next),
      handler('push_i', (c) => push('load<u64>(op,24)', c.rem) + c.next),
      handler('push_b', (c) => push(`rd<u64>(${address('b')},op,${c.rem})`, c.rem) + c.next),
      handler('push_x', (c) => push(`rd<u64>(${address('x')},op,${c.rem})`, c.rem) + c.next),
    ],
  },
  {
    name: 'POP', // r, memory at EA
    handlers: [
      handler(
        'pop_r',
        (c) =>
          `const sp:u64=load<u64>(RSP);const v=rdStack<u64>(sp,op,${c.rem});store<u64>(RSP,sp+8);store<u64>(${DESTINATION},v,STATE);${c.next}`,
      ),
      handler(
        'pop_b',
        (c) =>
          `const sp:u64=load<u64>(RSP);const v=rdStack<u64>(sp,op,${c.rem});wrm<u64>(${address('b')},v,op,${c.rem});store<u64>(RSP,sp+8);${c.next}`,
      ),
    ],
  },
  {
    name: 'LEAVE',
    handlers: [
      handler(
        'leave',
        (c) =>
          `const sp:u64=load<u64>(RBP);const v=rdStack<u64>(sp,op,${c.rem});store<u64>(RSP,sp+8);store<u64>(RBP,v);${c.next}`,
      ),
    ],
  },
];

/** Operand size (1 to 3) in byte 8. */
export const rareStack: readonly Family[] = [
  {
    name: 'PUSH_LEGACY', // r, i, memory at EA
    handlers: [
      handler('push_legacy_r', (c) => `pushLegacy(${register(64, SOURCE)},${SIZE},op,${c.rem});${c.next}`),
      handler('push_legacy_i', (c) => `pushLegacy(load<u64>(op,24),${SIZE},op,${c.rem});${c.next}`),
      handler(
        'push_legacy_b',
        (c) => `${c.sync}pushLegacy(readMemory(${address('b')},${SIZE}),${SIZE},op,${c.rem});${c.next}`,
      ),
    ],
  },
  {
    name: 'POP_LEGACY', // r, memory at EA, LEAVE
    handlers: [
      handler('pop_legacy_r', (c) => `popLegacy(${DESTINATION},${SIZE},op,${c.rem});${c.next}`),
      handler('pop_legacy_b', (c) => `${c.sync}popLegacyTo(${address('b')},${SIZE});${c.next}`),
      handler('leave_legacy', (c) => `${c.sync}leaveLegacy(${SIZE});${c.next}`),
    ],
  },
];
