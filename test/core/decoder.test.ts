// The decoder against iced-x86: which byte sequences are instructions, and how long they are, in 16-, 32- and 64-bit code.

import { CpuidFeature, Decoder, DecoderOptions, Mnemonic } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { SL_FPU_ABSENT, SL_SVM, SL_UD } from '../../src/core/slow-ids.ts';
import { type TestCore, enterLong, enterProtected, enterReal, load, openCore } from './harness.ts';
import { next } from './native/random.ts';

/** What the machine offers; of everything else it may raise #UD, or know the length (hints that are NOPs without a CPUID bit). */
const OFFERED = new Set<CpuidFeature>([
  CpuidFeature.INTEL8086,
  CpuidFeature.INTEL186,
  CpuidFeature.INTEL286,
  CpuidFeature.INTEL386,
  CpuidFeature.INTEL486,
  CpuidFeature.X64,
  CpuidFeature.ADX,
  CpuidFeature.AES,
  CpuidFeature.BMI1,
  CpuidFeature.BMI2,
  CpuidFeature.CET_IBT,
  CpuidFeature.CLDEMOTE,
  CpuidFeature.CLFLUSHOPT,
  CpuidFeature.CLFSH,
  CpuidFeature.CLWB,
  CpuidFeature.CMOV,
  CpuidFeature.CMPXCHG16B,
  CpuidFeature.CPUID,
  CpuidFeature.CX8,
  CpuidFeature.FPU,
  CpuidFeature.FPU387,
  CpuidFeature.FSGSBASE,
  CpuidFeature.INVEPT,
  CpuidFeature.INVPCID,
  CpuidFeature.INVVPID,
  CpuidFeature.LZCNT,
  CpuidFeature.MMX,
  CpuidFeature.MONITOR,
  CpuidFeature.MOVBE,
  CpuidFeature.MOVDIRI,
  CpuidFeature.MSR,
  CpuidFeature.MULTIBYTENOP,
  CpuidFeature.PAUSE,
  CpuidFeature.PCLMULQDQ,
  CpuidFeature.PKU,
  CpuidFeature.POPCNT,
  CpuidFeature.PREFETCHW,
  CpuidFeature.RDPID,
  CpuidFeature.RDPMC,
  CpuidFeature.RDRAND,
  CpuidFeature.RDSEED,
  CpuidFeature.RDTSCP,
  CpuidFeature.SEP,
  CpuidFeature.SHA,
  CpuidFeature.SMAP,
  CpuidFeature.SSE,
  CpuidFeature.SSE2,
  CpuidFeature.SSE3,
  CpuidFeature.SSE4_1,
  CpuidFeature.SSE4_2,
  CpuidFeature.SSSE3,
  CpuidFeature.SMX,
  CpuidFeature.SYSCALL,
  CpuidFeature.TSC,
  CpuidFeature.VMX,
  CpuidFeature.WAITPKG,
  CpuidFeature.WBNOINVD,
]);

/** Slow numbers that end in #UD (or #NM) on this machine. */
const ABSENT = new Set([SL_UD, SL_FPU_ABSENT, SL_SVM]);
const UNDEFINED = new Set([Mnemonic.Ud0, Mnemonic.Ud1, Mnemonic.Ud2]);

const RIP = 0x100000;
const PREFIXES = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x48, 0x41, 0x4f, 0x40];

/** Bytes that look like code: some prefixes, an opcode of one of the maps, then anything. */
function randomBytes(random: () => number): Uint8Array {
  const bytes: number[] = [];
  while (random() < 0.35) bytes.push(PREFIXES[Math.floor(random() * PREFIXES.length)] as number);
  const map = random();
  if (map < 0.45) bytes.push(0x0f);
  if (map < 0.06) bytes.push(0x38);
  else if (map < 0.09) bytes.push(0x3a);
  while (bytes.length < 24) bytes.push(Math.floor(random() * 256));
  return Uint8Array.from(bytes);
}

interface Verdict {
  readonly valid: boolean;
  readonly length: number;
}

function ours(core: TestCore): Verdict | undefined {
  let answer: number;
  try {
    answer = core.exports.inspectInstruction();
  } catch (thrown) {
    if (thrown instanceof Error) throw thrown;
    return undefined; // longer than 15 bytes: #GP
  }
  return { valid: !ABSENT.has(answer >>> 8), length: answer & 0xff };
}

function theirs(bytes: Uint8Array, bits: number): (Verdict & { offered: boolean; text: string }) | undefined {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  decoder.ip = BigInt(RIP);
  const instruction = decoder.decode();
  const features = [...instruction.cpuidFeatures()];
  const verdict = {
    valid: !instruction.isInvalid && !UNDEFINED.has(instruction.mnemonic),
    length: instruction.length,
    offered: features.every((feature) => OFFERED.has(feature)),
    text: `code ${instruction.code} (${features.map((feature) => CpuidFeature[feature]).join(', ')})`,
  };
  instruction.free();
  decoder.free();
  return verdict;
}

const MODES = [
  { bits: 16, enter: enterReal, rip: 0x8000 },
  { bits: 32, enter: enterProtected, rip: RIP },
  { bits: 64, enter: enterLong, rip: RIP },
] as const;

describe('decoder', () => {
  for (const { bits, enter, rip } of MODES) {
    it(`agrees with iced-x86 on random ${bits}-bit code`, () => {
      const core = openCore();
      enter(core, rip);
      const seed = { state: 0x5eed + bits };
      const random = () => next(seed) / 0x100000000;
      const wrong: string[] = [];
      for (let round = 0; round < 40_000 && wrong.length < 20; round++) {
        const bytes = randomBytes(random);
        load(core, rip, bytes);
        const mine = ours(core);
        const other = theirs(bytes, bits);
        if (other === undefined) continue;
        const shown = () =>
          `${Buffer.from(bytes.subarray(0, 16)).toString('hex')}: ${JSON.stringify(mine)}, iced ${JSON.stringify(other)}`;
        const sameLength = mine?.valid && other.valid && mine.length === other.length;
        const absent = !mine?.valid && !(other.valid && other.offered);
        if (!sameLength && !absent) wrong.push(shown());
      }
      expect(wrong).toEqual([]);
    });
  }

  it('agrees with iced-x86 on every opcode of the maps 0F, 0F38 and 0F3A, prefix and ModRM.reg', () => {
    const core = openCore();
    enterLong(core, RIP);
    const wrong: string[] = [];
    for (const map of [[0x0f], [0x0f, 0x38], [0x0f, 0x3a]])
      for (const prefix of [[], [0x66], [0xf3], [0xf2]])
        for (let opcode = 0; opcode < 256; opcode++)
          for (let modrm = 0; modrm < 256; modrm += modrm % 64 === 56 ? 136 : 8) {
            // A memory operand, then a register operand, with each value of ModRM.reg.
            if (map.length === 1 && (opcode === 0x38 || opcode === 0x3a)) continue;
            const bytes = Uint8Array.from([...prefix, ...map, opcode, modrm | (modrm >> 7), ...new Array(16).fill(1)]);
            load(core, RIP, bytes);
            const mine = ours(core);
            const other = theirs(bytes, 64)!;
            const sameLength = mine?.valid && other.valid && mine.length === other.length;
            if (!sameLength && (mine?.valid || (other.valid && other.offered)))
              wrong.push(
                `${Buffer.from(bytes.subarray(0, 8)).toString('hex')}: ${JSON.stringify(mine)}, iced ${JSON.stringify(other)}`,
              );
          }
    expect(wrong).toEqual([]);
  });
});
