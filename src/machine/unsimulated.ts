// What the machine does not simulate, in words: it stops there instead of making up a result.
import {
  CODE_MODE,
  UNSUPPORTED,
  UNSUPPORTED_FERR,
  UNSUPPORTED_INSTRUCTION,
  UNSUPPORTED_PHYSICAL,
  UNSUPPORTED_SMM,
} from '../core/layout.ts';
import { type Core, readWord } from '../vmx/processor.ts';

const MODES = ['16-bit', '32-bit', '64-bit'] as const;

/** Names what STOP_UNSIMULATED met and where. `bytes` are those at RIP, as far as they can be read. */
export function explainUnsimulated(core: Core, rip: bigint, bytes: Uint8Array): string {
  const code = readWord(core, UNSUPPORTED);
  const detail = readWord(core, UNSUPPORTED + 4);
  const at = `at RIP 0x${rip.toString(16)} (${MODES[readWord(core, CODE_MODE)] ?? 'unknown'} code)`;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  switch (code) {
    case UNSUPPORTED_INSTRUCTION:
      return `This machine does not simulate the instruction ${at}: bytes ${text}.`;
    case UNSUPPORTED_PHYSICAL:
      return `A page walk or instruction fetch ${at} touched physical memory at 0x${detail.toString(16)}, where there is no RAM.`;
    case UNSUPPORTED_SMM:
      return `System-management mode is not simulated (${at}).`;
    case UNSUPPORTED_FERR:
      return `An x87 exception is pending ${at} with CR0.NE = 0: its report through FERR# and IRQ 13 is not simulated. Set CR0.NE to have #MF instead.`;
    default:
      return `This machine does not simulate what happened ${at}: code ${code}, detail 0x${detail.toString(16)}, bytes ${text}.`;
  }
}
