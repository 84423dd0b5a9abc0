// All handlers with their numbers, and the two files that the build makes of them.
import { arithmetic } from './arithmetic.ts';
import { atomics } from './atomics.ts';
import { conditions, rareConditions } from './conditions.ts';
import type { Context, Family, Handler } from './context.ts';
import { control, rareControl } from './control.ts';
import { markers, misc } from './misc.ts';
import { moves } from './moves.ts';
import { multiply } from './multiply.ts';
import { scans } from './scans.ts';
import { simd } from './simd.ts';
import { bitTests, shifts } from './shifts.ts';
import { rareStack, stack } from './stack.ts';

/** In the order of their numbers. What compilers emit comes first: a switch holds at most SWITCH_CASES of them. */
export const FAMILIES: readonly Family[] = [
  ...markers,
  ...misc,
  ...arithmetic,
  ...moves,
  ...stack,
  ...control,
  ...multiply,
  ...shifts,
  ...conditions,
  ...simd,
  ...bitTests,
  ...atomics,
  ...scans,
  ...rareConditions,
  ...rareStack,
  ...rareControl,
];

/** V8 turns a switch of more than 1024 cases into a chain of comparisons. */
export const SWITCH_CASES = 1000;

export { emitSimdRows, emitSimdSwitch } from './simd/table.ts';

export const HANDLERS: readonly Handler[] = FAMILIES.flatMap((family) => family.handlers);

/** Constants for the decoder: FAM_NAME of each family, OP_NAME of families of one handler. */
export function emitIds(): string {
  const lines = ['// Generated from src/core/ops by scripts/build-core.mjs.'];
  let id = 0;
  for (const family of FAMILIES) {
    lines.push(`export const FAM_${family.name}: u32 = ${id};`);
    if (family.handlers.length === 1) lines.push(`export const OP_${family.name}: u32 = ${id};`);
    id += family.handlers.length;
  }
  return `${lines.join('\n')}\n`;
}

/** Leaving a superblock: its instructions are paid for; with fewer than MIN_REMAINING left the run loop takes over. */
const leaveTo = (key: string, target: string): string =>
  `rem-=i32(load<u8>(op,9));if(rem<MIN_REMAINING){exitTo(${key},rem);return;}${target}op=t;continue;`;

/** The interpreter: all handlers in one function, `op` and `rem` in locals. */
const SWITCH_CONTEXT: Context = {
  rem: 'rem',
  next: 'op+=32;continue;',
  skip: (n) => `op+=${32 * n};continue;`,
  goto: leaveTo('load<u64>(op,24)', 'let t:usize=load<u32>(op,12);if(!t)t=link(op,load<u64>(op,24),rem);'),
  gotoFar: leaveTo(
    'load<u64>(op,24)',
    'let t:usize=load<u32>(op,12);if(load<u32>(op,4)!=load<u32>(GENERATION))t=linkFar(op,load<u64>(op,24),rem);',
  ),
  gotoRelative: leaveTo('relativeTarget(op)', 'let t:usize=load<u32>(op,12);if(!t)t=link(op,relativeTarget(op),rem);'),
  indirect: (key, commit) =>
    `const j:usize=JUMP_CACHE+(usize(u32(${key}^(${key}>>12))&(JUMP_CACHE_ENTRIES-1))<<4);let n:usize=load<u32>(j,8);` +
    `if(load<u64>(j)!=${key}||load<u32>(j,12)!=load<u32>(GENERATION)){checkTarget(${key},op,rem);n=0;}` +
    `${commit}rem-=i32(load<u8>(op,9));if(rem<MIN_REMAINING){exitTo(${key},rem);return;}if(!n)n=lookup(${key},rem);op=n;continue;`,
  leave: 'return;',
  exit: (key) => `exitTo(${key},rem-i32(load<u8>(op,9)));return;`,
  sync: 'syncOp(op,rem);',
};

/** The module with `runOps(op, rem)`. `imports` are the import lines, by a path from the generated file. */
export function emitSwitch(core: string): string {
  const cases = (from: number, to: number) =>
    HANDLERS.slice(from, to)
      .map((handler, i) => `case ${i}:{// ${handler.name}\n${handler.body(SWITCH_CONTEXT)}}`)
      .join('\n');
  return `// Generated from src/core/ops by scripts/build-core.mjs.
import { lookup, link, linkFar } from '${core}/cache.ts';
import { div32, div64, idiv32, idiv64 } from '${core}/divide.ts';
import {
  condition, cond0, cond1, cond2, cond3, cond4, cond5, cond6, cond7, cond8, cond9, cond10, cond11, cond12, cond13, cond14, cond15,
} from '${core}/conditions.ts';
import {
  K_ADC, K_ADD, K_DEC, K_EXPLICIT, K_IMUL, K_INC, K_LOGIC, K_SBB, K_SUB, getCF, highSigned, highUnsigned, setCarry, setCarryOverflow, setZero,
} from '${core}/flags.ts';
import {
  ATTENTION, CR0, CR4, EA, GENERATION, JUMP_CACHE, JUMP_CACHE_ENTRIES, LF_KIND, LF_OP1, LF_OP2, LF_RES, RAX, RBP, RCX, RDX, RIP, RSP, SCRATCH_END,
  SEG_BASE, SEG_FLAT, SI_NEXT, STATE, STOP, STOP_BREAKPOINT, SYSTEM_FLAGS, XMM,
} from '${core}/layout.ts';
import {
  MIN_REMAINING, addressChecked, branchFault, callLegacy, checkTarget, exitTo, jumpLegacy, leaveLegacy, loopTaken, popLegacy, popLegacyTo,
  pushLegacy, relativeTarget, returnLegacy,
} from '${core}/branches.ts';
import { commitRW, hostR, hostRW, rd, rdStack, readMemory, wr128, wrStack, wrm } from '${core}/memory.ts';
import { mmxCheck, simdDenied, simdMisaligned, simdSource, simdStore } from '${core}/simd/access.ts';
import { mmxUsed } from '${core}/simd/mmx.ts';
import { execSlow } from '${core}/slow.ts';
import { segment } from '${core}/state.ts';
import { syncOp } from '${core}/sync.ts';

import { execSimd } from './run-simd.ts';

/** Runs decoded operations from \`op0\` until one leaves for the run loop; \`rem0\` instructions remain. */
export function runOps(op0: usize, rem0: i32): void {
  let op = op0;
  let rem = rem0;
  while (true) {
    const id = load<u32>(op);
    if (id < ${SWITCH_CASES}) {
      switch (id) {
${cases(0, SWITCH_CASES)}
default:unreachable();
      }
    } else {
      switch (id - ${SWITCH_CASES}) {
${cases(SWITCH_CASES, HANDLERS.length)}
default:unreachable();
      }
    }
  }
}
`;
}
