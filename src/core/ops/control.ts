// Jumps, calls, returns, loops, and the operations that glue superblocks together.
//
// +24 of a direct jump or call is the RIP key of its target, +16 of a call the return address as it is pushed. "Legacy" forms
// serve 16- and 32-bit code, and 16-bit pushes in 64-bit code; byte 8 is then the operand size (1 to 3).
import { type Context, type Family, handler } from './context.ts';
import { SOURCE, address, register } from './forms.ts';

const returnAddress64 = (c: Context, at: string): string =>
  `const sp:u64=load<u64>(RSP)-8;wrStack<u64>(sp,load<u64>(op,${at}),op,${c.rem});store<u64>(RSP,sp);`;

/** Target computed first, as it may depend on RSP; the push happens once the target is known to be canonical. */
const callIndirect = (c: Context, target: string): string =>
  `const t:u64=${target};${c.indirect('t', `const sp:u64=load<u64>(RSP)-8;wrStack<u64>(sp,load<u64>(op,24),op,${c.rem});store<u64>(RSP,sp);`)}`;

const ret = (c: Context, extra: string): string =>
  `const sp:u64=load<u64>(RSP);const t:u64=rdStack<u64>(sp,op,${c.rem});${c.indirect('t', `store<u64>(RSP,sp+8${extra});`)}`;

const SIZE = 'u32(load<u8>(op,8))';

export const control: readonly Family[] = [
  {
    name: 'JMP', // near, far page
    handlers: [handler('jmp', (c) => c.goto, 'jump'), handler('jmp_far', (c) => c.gotoFar, 'jump')],
  },
  {
    name: 'CALL', // near, far page
    handlers: [
      handler('call', (c) => returnAddress64(c, '16') + c.goto, 'call'),
      handler('call_far', (c) => returnAddress64(c, '16') + c.gotoFar, 'call'),
    ],
  },
  {
    name: 'JMP_INDIRECT', // r, b, x
    handlers: [
      handler('jmp_r', (c) => `const t:u64=${register(64, SOURCE)};${c.indirect('t', '')}`, 'indirect'),
      handler('jmp_b', (c) => `const t:u64=rd<u64>(${address('b')},op,${c.rem});${c.indirect('t', '')}`, 'indirect'),
      handler('jmp_x', (c) => `const t:u64=rd<u64>(${address('x')},op,${c.rem});${c.indirect('t', '')}`, 'indirect'),
    ],
  },
  {
    name: 'CALL_INDIRECT', // r, b, x; return address at +24
    handlers: [
      handler('call_r', (c) => callIndirect(c, register(64, SOURCE)), 'indirect'),
      handler('call_b', (c) => callIndirect(c, `rd<u64>(${address('b')},op,${c.rem})`), 'indirect'),
      handler('call_x', (c) => callIndirect(c, `rd<u64>(${address('x')},op,${c.rem})`), 'indirect'),
    ],
  },
  {
    name: 'RET', // plain, with bytes to release
    handlers: [
      handler('ret', (c) => ret(c, ''), 'indirect'),
      handler('ret_i', (c) => ret(c, '+load<u64>(op,24)'), 'indirect'),
    ],
  },
  {
    name: 'NEXT', // the superblock goes on in another one: same page, other page
    handlers: [handler('next', (c) => c.goto, 'jump'), handler('next_far', (c) => c.gotoFar, 'jump')],
  },
];

export const rareControl: readonly Family[] = [
  { name: 'END', handlers: [handler('end', (c) => c.exit('load<u64>(op,24)'), 'special')] },
  {
    // LOOP and JCXZ: byte 8 holds the kind (0 LOOPNE, 1 LOOPE, 2 LOOP, 3 JCXZ) and, from bit 4, the address size (1 to 3).
    name: 'LOOP', // near, far page
    handlers: [
      handler(
        'loop',
        (c) => `if(loopTaken(u32(load<u8>(op,8))&15,u32(load<u8>(op,8))>>4)){${c.goto}}else{${c.next}}`,
        'conditional',
      ),
      handler(
        'loop_far',
        (c) => `if(loopTaken(u32(load<u8>(op,8))&15,u32(load<u8>(op,8))>>4)){${c.gotoFar}}else{${c.next}}`,
        'conditional',
      ),
    ],
  },
  {
    // A jump out of the code segment's limit or to a non-canonical address: #GP(0) when it is taken. Condition in byte 8:
    // 0 to 15 as Jcc, 16 always, 17 and up the kinds of LOOP.
    name: 'BRANCH_FAULT',
    handlers: [
      handler(
        'branch_fault',
        (c) => `${c.sync}branchFault(u32(load<u8>(op,8)),u32(load<u8>(op,4)));${c.next}`,
        'special',
      ),
    ],
  },
  {
    name: 'CALL_LEGACY', // near, far page
    handlers: [
      handler('call_legacy', (c) => `pushLegacy(load<u64>(op,16),${SIZE},op,${c.rem});${c.goto}`, 'call'),
      handler('call_legacy_far', (c) => `pushLegacy(load<u64>(op,16),${SIZE},op,${c.rem});${c.gotoFar}`, 'call'),
    ],
  },
  {
    name: 'JUMP_LEGACY', // jump by register, by memory; call by register, by memory; return
    handlers: [
      handler('jmp_legacy_r', (c) => `${c.sync}jumpLegacy(${register(64, SOURCE)},${SIZE});${c.leave}`, 'special'),
      handler(
        'jmp_legacy_b',
        (c) => `${c.sync}jumpLegacy(readMemory(${address('b')},${SIZE}),${SIZE});${c.leave}`,
        'special',
      ),
      handler(
        'call_legacy_r',
        (c) => `${c.sync}callLegacy(${register(64, SOURCE)},${SIZE},load<u64>(op,24));${c.leave}`,
        'special',
      ),
      handler(
        'call_legacy_b',
        (c) => `${c.sync}callLegacy(readMemory(${address('b')},${SIZE}),${SIZE},load<u64>(op,24));${c.leave}`,
        'special',
      ),
      handler('ret_legacy', (c) => `${c.sync}returnLegacy(${SIZE},load<u32>(op,24));${c.leave}`, 'special'),
    ],
  },
];
