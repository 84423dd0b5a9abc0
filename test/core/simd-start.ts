// Programs with SSE enabled, for tests of the core alone.

import { assemble } from '../../src/asm/assemble.ts';
import { CR4, MXCSR, RAX, XMM } from '../../src/core/layout.ts';
import { enterLong, enterProtected, load, openCore, type TestCore, writeQuad, writeWord } from './harness.ts';

const CODE = 0x8000;
export const DATA = 0x20000;
export const OSFXSR = 0x200n;
export const OSXMMEXCPT = 0x400n;
export const MASKED = 0x1f80;

function code(source: string, bits: 16 | 32 | 64): Uint8Array {
  const assembled = assemble('test.asm', `bits ${bits}\norg ${CODE}\n${source}\n`);
  if (!assembled.ok) throw new Error(assembled.diagnostics.map(({ message }) => message).join('\n'));
  return assembled.bytes;
}

/** A core before `source`: SSE enabled, RBX at DATA, XMM1 1.0 2.0 3.0 4.0, XMM2 the same halved. */
export function start(source: string, bits: 32 | 64 = 64, host: Parameters<typeof openCore>[1] = {}): TestCore {
  const core = openCore(16, host);
  load(core, CODE, code(source, bits));
  (bits === 64 ? enterLong : enterProtected)(core, CODE);
  writeQuad(core, CR4, (bits === 64 ? 0x20n : 0n) | OSFXSR | OSXMMEXCPT);
  writeWord(core, MXCSR, MASKED);
  writeQuad(core, RAX + 8 * 3, BigInt(DATA));
  new Float32Array(core.bytes.buffer, XMM + 16, 8).set([1, 2, 3, 4, 0.5, 1, 1.5, 2]);
  core.exports.updateMode();
  return core;
}
