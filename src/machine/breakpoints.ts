// Breakpoints on code, as the core finds them while it decodes.
import { BREAKPOINTS, BREAKPOINTS_MAX } from '../core/layout.ts';
import { type Core, writeQuad, writeWord } from '../vmx/processor.ts';

/** Replaces all of them by these linear addresses. Throws a RangeError when they are too many. */
export function setBreakpoints(core: Core, linear: readonly bigint[]): void {
  if (linear.length > BREAKPOINTS_MAX) {
    throw new RangeError(`at most ${BREAKPOINTS_MAX} breakpoints can be set at a time, not ${linear.length}`);
  }
  const sorted = [...new Set(linear.map((address) => BigInt.asUintN(64, address)))].sort((a, b) => (a < b ? -1 : 1));
  writeWord(core, BREAKPOINTS, sorted.length);
  sorted.forEach((address, i) => {
    writeQuad(core, BREAKPOINTS + 8 + 8 * i, address);
  });
  core.exports.setBreakpoints();
}
