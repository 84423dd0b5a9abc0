// The chain of faults that led to the last double or triple fault.
import { FAULT_LOG } from '../core/layout.ts';
import { type Core, readQuad, readWord } from '../vmx/processor.ts';
import type { FaultRecord } from './types.ts';

const HELD = 5;
const RECORD_SIZE = 32;
const PAGE_FAULT = 14;
// Exceptions that push an error code (SDM "Exceptions and Interrupts").
const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30]);

/** Oldest first. */
export function faultRecords(core: Core): FaultRecord[] {
  const count = Math.min(readWord(core, FAULT_LOG), HELD);
  return Array.from({ length: count }, (_, i) => {
    const at = FAULT_LOG + 8 + i * RECORD_SIZE;
    const vector = readWord(core, at);
    return {
      vector,
      error: WITH_ERROR.has(vector) ? readWord(core, at + 4) : undefined,
      rip: readQuad(core, at + 8),
      linear: linearOfKey(readQuad(core, at + 24)),
      cr2: vector === PAGE_FAULT ? readQuad(core, at + 16) : undefined,
    };
  });
}

/** Linear address of a RIP key (RIP in core/layout.ts). */
function linearOfKey(key: bigint): bigint {
  return key >> 62n === 1n ? key & 0xffffffffn : key;
}
