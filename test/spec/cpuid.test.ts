// CPUID leaves against GCC's <cpuid.h>, and the layouts' own structure.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fieldMask } from '../../src/spec/bits.ts';
import { CPUID_LEAVES, type CpuidRegister, cpuidLeaf, cpuidMask } from '../../src/spec/cpuid.ts';

/** Names in <cpuid.h> of GCC, by leaf, register and our name: bit_* macros. */
const GCC_BITS: readonly (readonly [number, CpuidRegister, string, string])[] = [
  [1, 'ecx', 'SSE3', 'bit_SSE3'],
  [1, 'ecx', 'PCLMULQDQ', 'bit_PCLMUL'],
  [1, 'ecx', 'SSSE3', 'bit_SSSE3'],
  [1, 'ecx', 'FMA', 'bit_FMA'],
  [1, 'ecx', 'CMPXCHG16B', 'bit_CMPXCHG16B'],
  [1, 'ecx', 'SSE4.1', 'bit_SSE4_1'],
  [1, 'ecx', 'SSE4.2', 'bit_SSE4_2'],
  [1, 'ecx', 'MOVBE', 'bit_MOVBE'],
  [1, 'ecx', 'POPCNT', 'bit_POPCNT'],
  [1, 'ecx', 'AESNI', 'bit_AES'],
  [1, 'ecx', 'XSAVE', 'bit_XSAVE'],
  [1, 'ecx', 'OSXSAVE', 'bit_OSXSAVE'],
  [1, 'ecx', 'AVX', 'bit_AVX'],
  [1, 'ecx', 'F16C', 'bit_F16C'],
  [1, 'ecx', 'RDRAND', 'bit_RDRND'],
  [1, 'edx', 'CX8', 'bit_CMPXCHG8B'],
  [1, 'edx', 'CMOV', 'bit_CMOV'],
  [1, 'edx', 'MMX', 'bit_MMX'],
  [1, 'edx', 'FXSR', 'bit_FXSAVE'],
  [1, 'edx', 'SSE', 'bit_SSE'],
  [1, 'edx', 'SSE2', 'bit_SSE2'],
  [7, 'ebx', 'FSGSBASE', 'bit_FSGSBASE'],
  [7, 'ebx', 'SGX', 'bit_SGX'],
  [7, 'ebx', 'BMI1', 'bit_BMI'],
  [7, 'ebx', 'AVX2', 'bit_AVX2'],
  [7, 'ebx', 'BMI2', 'bit_BMI2'],
  [7, 'ebx', 'RTM', 'bit_RTM'],
  [7, 'ebx', 'AVX512F', 'bit_AVX512F'],
  [7, 'ebx', 'AVX512DQ', 'bit_AVX512DQ'],
  [7, 'ebx', 'RDSEED', 'bit_RDSEED'],
  [7, 'ebx', 'ADX', 'bit_ADX'],
  [7, 'ebx', 'CLFLUSHOPT', 'bit_CLFLUSHOPT'],
  [7, 'ebx', 'CLWB', 'bit_CLWB'],
  [7, 'ebx', 'AVX512CD', 'bit_AVX512CD'],
  [7, 'ebx', 'SHA', 'bit_SHA'],
  [7, 'ebx', 'AVX512BW', 'bit_AVX512BW'],
  [7, 'ebx', 'AVX512VL', 'bit_AVX512VL'],
  [7, 'ecx', 'PKU', 'bit_PKU'],
  [7, 'ecx', 'OSPKE', 'bit_OSPKE'],
  [7, 'ecx', 'WAITPKG', 'bit_WAITPKG'],
  [7, 'ecx', 'CET_SS', 'bit_SHSTK'],
  [7, 'ecx', 'GFNI', 'bit_GFNI'],
  [7, 'ecx', 'VAES', 'bit_VAES'],
  [7, 'ecx', 'RDPID', 'bit_RDPID'],
  [7, 'ecx', 'MOVDIRI', 'bit_MOVDIRI'],
  [7, 'ecx', 'MOVDIR64B', 'bit_MOVDIR64B'],
  [7, 'ecx', 'ENQCMD', 'bit_ENQCMD'],
  [7, 'ecx', 'CLDEMOTE', 'bit_CLDEMOTE'],
  [7, 'edx', 'UINTR', 'bit_UINTR'],
  [7, 'edx', 'SERIALIZE', 'bit_SERIALIZE'],
  [7, 'edx', 'CET_IBT', 'bit_IBT'],
  [0x80000001, 'ecx', 'LAHF', 'bit_LAHF_LM'],
  [0x80000001, 'ecx', 'LZCNT', 'bit_LZCNT'],
  [0x80000001, 'ecx', 'PREFETCHW', 'bit_PRFCHW'],
  [0x80000001, 'edx', 'LM', 'bit_LM'],
];

/** Values of the macros as the C compiler sees them, or undefined without one. */
function gccBits(): ReadonlyMap<string, number> | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  try {
    const source = GCC_BITS.map(([, , , macro]) => `value_${macro} = ${macro}`).join('\n');
    writeFileSync(join(folder, 'bits.c'), `#include <cpuid.h>\n${source}\n`);
    execFileSync('gcc', ['-E', '-P', '-o', join(folder, 'bits.i'), join(folder, 'bits.c')], { stdio: 'ignore' });
    const text = readFileSync(join(folder, 'bits.i'), 'utf8');
    return new Map(
      [...text.matchAll(/^value_(\w+) = \((\d+)u? << (\d+)\)/gm)].map((match) => [
        match[1] ?? '',
        (Number(match[2]) << Number(match[3])) >>> 0,
      ]),
    );
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const compiled = gccBits();
if (compiled === undefined) {
  console.log('test/spec/cpuid: gcc is missing, the comparison with <cpuid.h> is skipped');
}

describe('CPUID leaves', () => {
  test('registers have layouts whose fields do not overlap', () => {
    for (const { leaf, registers } of CPUID_LEAVES) {
      for (const layout of Object.values(registers)) {
        let taken = 0n;
        for (const field of layout) {
          expect(taken & fieldMask(field), `${leaf} ${field.name}`).toBe(0n);
          taken |= fieldMask(field);
          expect(field.high).toBeLessThan(32);
        }
      }
    }
  });

  test.skipIf(compiled === undefined)('this <cpuid.h> names most of the bits', () => {
    expect(compiled?.size).toBeGreaterThan(40);
  });

  test.skipIf(compiled === undefined).each(GCC_BITS.filter(([, , , macro]) => compiled?.has(macro) !== false))(
    'leaf %i, %s: %s',
    (leaf, register, name, macro) => {
      expect(cpuidMask(leaf, register, [name])).toBe(compiled?.get(macro));
    },
  );

  test('masks of several bits, and of none', () => {
    expect(cpuidMask(1, 'ecx', ['VMX', 'hypervisor'])).toBe(0x8000_0020);
    expect(cpuidMask(1, 'edx', [])).toBe(0);
    expect(() => cpuidMask(1, 'ecx', ['LA57'])).toThrow('LA57');
  });

  test('subleaves', () => {
    expect(cpuidLeaf(7)?.title).toBe('Structured extended features');
    expect(cpuidLeaf(7, 1)).toBeUndefined();
    expect(cpuidLeaf(4, 3)?.title).toBe('Deterministic cache parameters');
  });
});
