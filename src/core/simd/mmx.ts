// What MMX instructions do to the x87 state (SDM "Effect of MMX, SSE, ... Instructions on the x87 FPU State").

import { X87_STATUS, X87_TAGS } from '../layout.ts';

const TOP: u32 = 7 << 11;

/** After any MMX instruction but EMMS: the top of the stack is register 0, all registers are in use. */
export function mmxUsed(): void {
  store<u32>(X87_STATUS, load<u32>(X87_STATUS) & ~TOP);
  store<u32>(X87_TAGS, 0xff);
}

/** EMMS: the same, but all registers are empty. */
export function mmxEmpty(): void {
  store<u32>(X87_STATUS, load<u32>(X87_STATUS) & ~TOP);
  store<u32>(X87_TAGS, 0);
}
