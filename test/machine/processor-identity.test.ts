// CPUID and MSRs: what the machine claims, it carries out; what it does not claim, faults. Expectations are the SDM's.
import { describe, expect, it } from 'vitest';
import { assembleText, hasNasm, startProgram } from '../vmx/hypervisors.ts';

type Registers = readonly [eax: number, ebx: number, ecx: number, edx: number];

const spinner = hasNasm() ? startProgram(assembleText('again: cpuid\nmov rsi, rsi\njmp again')).machine : undefined;

/** Runs CPUID on the machine. */
function cpuid(leaf: number, subleaf = 0): Registers {
  if (spinner === undefined) throw new Error('nasm is not installed');
  spinner.writeRegister('rip', 0x100000n);
  spinner.writeRegister('rax', BigInt(leaf));
  spinner.writeRegister('rcx', BigInt(subleaf));
  spinner.step();
  return ['rax', 'rbx', 'rcx', 'rdx'].map((name) => Number(spinner.readRegister(name))) as unknown as Registers;
}

const bit = (value: number, position: number): boolean => ((value >>> position) & 1) === 1;
const text = (...words: number[]): string =>
  words.map((word) => String.fromCharCode(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24)).join('');

/** Sets CR4.OSFXSR. */
const SSE_ON = 'mov rax, cr4\nbts rax, 9\nmov cr4, rax\n';

describe.skipIf(!hasNasm())('CPUID', () => {
  it('is a GenuineIntel processor of family 6', () => {
    const [highest, ebx, ecx, edx] = cpuid(0);
    expect(text(ebx, edx, ecx)).toBe('GenuineIntel');
    expect(highest).toBeGreaterThanOrEqual(0x16);
    expect((cpuid(1)[0] >> 8) & 15).toBe(6);
    const brand = text(...cpuid(0x80000002), ...cpuid(0x80000003), ...cpuid(0x80000004));
    expect(brand.replace(/\0+$/, '')).toMatch(/^[ -~]{4,47}$/);
  });

  it('answers the highest basic leaf beyond the last', () => {
    const last = cpuid(cpuid(0)[0], 1);
    expect(cpuid(0x12345, 1)).toEqual(last);
    expect(cpuid(0x80000fff, 1)).toEqual(last);
    expect(cpuid(0x40000000, 1)).toEqual(last);
  });

  it('clears the upper halves of the registers', () => {
    spinner?.writeRegister('rbx', 0xffff_ffff_ffff_ffffn);
    expect(cpuid(0)[1]).toBeLessThan(2 ** 32);
  });

  it('agrees on the frequency of the TSC', () => {
    const [denominator, numerator, crystal] = cpuid(0x15);
    expect((crystal * numerator) / denominator).toBe(1e9);
    expect(cpuid(0x16)[0]).toBe(1000);
  });

  it('mirrors state: OSPKE, SYSCALL, NX, MONITOR and the highest leaf', () => {
    if (spinner === undefined) return;
    const cr4 = spinner.readRegister('cr4') ?? 0n;
    const misc = spinner.readRegister('ia32_misc_enable') ?? 0n;
    expect(bit(cpuid(7)[2], 4)).toBe(false);
    spinner.writeRegister('cr4', cr4 | (1n << 22n));
    expect(bit(cpuid(7)[2], 4)).toBe(true);
    spinner.writeRegister('cr4', cr4);
    expect(bit(cpuid(0x80000001)[3], 11)).toBe(true);
    expect(bit(cpuid(0x80000001)[3], 20)).toBe(true);
    expect(bit(cpuid(1)[2], 3)).toBe(true);
    spinner.writeRegister('ia32_misc_enable', (misc & ~(1n << 18n)) | (1n << 22n) | (1n << 34n));
    expect(bit(cpuid(0x80000001)[3], 20)).toBe(false);
    expect(bit(cpuid(1)[2], 3)).toBe(false);
    expect(cpuid(0)[0]).toBe(2);
    spinner.writeRegister('ia32_misc_enable', misc);
  });

  // [feature, leaf, register (0 EAX to 3 EDX), bit, an instruction that is #UD without it]
  it.each([
    ['VMX (CR4.VMXE)', 1, 2, 5, 'mov rax, cr4\nbts rax, 13\nmov cr4, rax'],
    ['CMPXCHG16B', 1, 2, 13, 'cmpxchg16b [0x200000]'],
    ['MONITOR', 1, 2, 3, 'mov eax, 0x200000\nxor ecx, ecx\nxor edx, edx\nmonitor'],
    ['MOVBE', 1, 2, 22, 'movbe eax, [0x200000]'],
    ['POPCNT', 1, 2, 23, 'popcnt eax, ecx'],
    ['RDRAND', 1, 2, 30, 'rdrand eax'],
    ['SSE4.2', 1, 2, 20, 'crc32 eax, cl'],
    ['XSAVE', 1, 2, 26, 'mov rax, cr4\nbts rax, 18\nmov cr4, rax'],
    ['FPU', 1, 3, 0, 'fninit'],
    ['MMX', 1, 3, 23, 'paddb mm0, mm1'],
    ['SSE', 1, 3, 25, `${SSE_ON}addps xmm0, xmm1`],
    ['SSE2', 1, 3, 26, `${SSE_ON}addpd xmm0, xmm1`],
    ['SSE3', 1, 2, 0, `${SSE_ON}addsubps xmm0, xmm1`],
    ['PCLMULQDQ', 1, 2, 1, `${SSE_ON}pclmulqdq xmm0, xmm1, 0`],
    ['SSSE3', 1, 2, 9, `${SSE_ON}pshufb xmm0, xmm1`],
    ['SSE4.1', 1, 2, 19, `${SSE_ON}ptest xmm0, xmm1`],
    ['SSE4.2', 1, 2, 20, `${SSE_ON}pcmpgtq xmm0, xmm1`],
    ['AESNI', 1, 2, 25, `${SSE_ON}aesenc xmm0, xmm1`],
    ['SHA', 7, 1, 29, `${SSE_ON}sha1nexte xmm0, xmm1`],
    ['CMPXCHG8B', 1, 3, 8, 'cmpxchg8b [0x200000]'],
    ['CMOV', 1, 3, 15, 'cmovz eax, ecx'],
    ['FSGSBASE', 7, 1, 0, 'mov rax, cr4\nbts rax, 16\nmov cr4, rax\nrdfsbase rax'],
    ['BMI1', 7, 1, 3, 'andn eax, ecx, edx'],
    ['BMI2', 7, 1, 8, 'pdep eax, ecx, edx'],
    ['INVPCID', 7, 1, 10, 'mov eax, 2\ninvpcid rax, [0x200000]'],
    ['RDSEED', 7, 1, 18, 'rdseed eax'],
    ['ADX', 7, 1, 19, 'adcx eax, ecx'],
    ['SMAP', 7, 1, 20, 'stac'],
    ['CLFLUSHOPT', 7, 1, 23, 'clflushopt [0x200000]'],
    ['CLWB', 7, 1, 24, 'clwb [0x200000]'],
    ['PKU', 7, 2, 3, 'mov rax, cr4\nbts rax, 22\nmov cr4, rax\nxor ecx, ecx\nrdpkru'],
    ['WAITPKG', 7, 2, 5, 'mov eax, 0\nmov edx, 0\ntpause ecx'],
    ['RDPID', 7, 2, 22, 'rdpid rax'],
    ['MOVDIRI', 7, 2, 27, 'movdiri [0x200000], eax'],
    ['LZCNT', 0x80000001, 2, 5, 'mov ecx, 1\nlzcnt eax, ecx\ncmp eax, 31\nje done\nud2'],
    ['RDTSCP', 0x80000001, 3, 27, 'rdtscp'],
    ['SVM', 0x80000001, 2, 2, 'vmrun'],
    ['SMX', 1, 2, 6, 'xor eax, eax\ngetsec'],
  ] as const)('carries out %s exactly when it claims it', (_name, leaf, register, position, code) => {
    const claimed = bit(cpuid(leaf)[register] ?? 0, position);
    const { machine } = startProgram(assembleText(`${code}\ndone: mov al, 0\nout 0xf4, al\nhlt`));
    const stop = machine.run({ limit: 1000 });
    if (claimed) expect(stop).toEqual({ kind: 'shutdown', status: 1, port: 0xf4 });
    else
      expect(stop.kind === 'triple-fault' ? [6, 7, 13] : []).toContain(
        stop.kind === 'triple-fault' ? stop.faults[0]?.vector : -1,
      );
  });
});

describe.skipIf(!hasNasm())('MSRs', () => {
  const { machine } = startProgram(assembleText('again: jmp again'));
  const write = (name: string, value: bigint): boolean => machine.writeRegister(name, value) === undefined;

  it.each([
    ['ia32_apic_base', 0xfee00900n],
    ['ia32_feature_control', 5n],
    ['ia32_tsc_adjust', 0n],
    ['ia32_mtrrcap', 0x508n],
    ['ia32_mtrr_def_type', 0xc06n],
    ['ia32_pat', 0x0007040600070406n],
    ['ia32_efer', 0x500n],
  ] as const)('%s is %i at power-on', (name, value) => {
    expect(machine.readRegister(name)).toBe(value);
  });

  it.each([
    // PAT: memory types 0, 1, 4 to 7
    ['ia32_pat', 0x0706050401000000n, true],
    ['ia32_pat', 0x02n, false],
    ['ia32_pat', 0x0300000000000000n, false],
    ['ia32_pat', 0x0800n, false],
    // MTRRs: types 0, 1, 4, 5, 6; valid bit 11 of the mask
    ['ia32_mtrr_physbase0', 0x80000006n, true],
    ['ia32_mtrr_physbase0', 0x80000007n, false],
    ['ia32_mtrr_physbase0', 0x80000106n, false],
    ['ia32_mtrr_physmask0', 0x7f80000800n, true],
    ['ia32_mtrr_physmask0', 0x7f80000801n, false],
    ['ia32_mtrr_physmask0', 1n << 39n, false],
    ['ia32_mtrr_def_type', 0x806n, true],
    ['ia32_mtrr_def_type', 0x1c06n, false],
    ['ia32_mtrr_fix64k_00000', 0x0606060606060606n, true],
    ['ia32_mtrr_fix64k_00000', 0x0606060606060607n, false],
    ['ia32_mtrrcap', 0x508n, false],
    // EFER: SCE, LME, LMA, NXE; LME cannot change while paging is on
    ['ia32_efer', 0xd01n, true],
    ['ia32_efer', 0x400n, false],
    ['ia32_efer', 0x1500n, false],
    ['ia32_efer', 1n << 32n, false],
    // Addresses must be canonical (57 bits, whatever CR4.LA57 says)
    ['ia32_lstar', 0x00ff_ffff_ffff_ffffn, true],
    ['ia32_lstar', 0x0100_0000_0000_0000n, false],
    ['ia32_sysenter_eip', 0xff00_0000_0000_0000n, true],
    ['ia32_sysenter_eip', 0x8000_0000_0000_0000n, false],
    ['ia32_kernel_gs_base', 0x7000_0000_0000_0000n, false],
    ['ia32_fmask', 0x1_0000_0000n, false],
    ['ia32_tsc_aux', 0xffff_ffffn, true],
    ['ia32_tsc_aux', 0x1_0000_0000n, false],
    // Locked, read-only
    ['ia32_feature_control', 5n, false],
    ['ia32_vmx_basic', 0n, false],
    ['ia32_platform_id', 0n, false],
    ['ia32_misc_enable', 1n << 40n, false],
    ['ia32_debugctl', 2n, true],
    ['ia32_debugctl', 0x10000n, false],
  ] as const)('%s = %i: accepted %s', (name, value, accepted) => {
    const before = machine.readRegister(name);
    expect(write(name, value)).toBe(accepted);
    if (!accepted) expect(machine.readRegister(name)).toBe(before);
  });

  it('moves IA32_TSC_ADJUST with the time-stamp counter, and back', () => {
    write('ia32_tsc_adjust', 0n);
    const tsc = machine.readRegister('ia32_time_stamp_counter') ?? 0n;
    expect(tsc).toBe(BigInt(machine.time()));
    expect(write('ia32_time_stamp_counter', tsc + 1000n)).toBe(true);
    expect(machine.readRegister('ia32_tsc_adjust')).toBe(1000n);
    expect(write('ia32_tsc_adjust', 400n)).toBe(true);
    expect(machine.readRegister('ia32_time_stamp_counter')).toBe(tsc + 400n);
    machine.run({ limit: 1000 });
    expect(machine.readRegister('ia32_time_stamp_counter')).toBe(BigInt(machine.time()) + 400n);
  });

  it('goes through the modes of the local APIC only by the allowed ways', () => {
    const base = 0xfee00000n | (1n << 8n);
    const [off, xapic, x2apic, invalid] = [base, base | 0x800n, base | 0xc00n, base | 0x400n];
    const apicBase = (value: bigint): boolean => write('ia32_apic_base', value);
    expect(apicBase(invalid)).toBe(false);
    expect(apicBase(x2apic)).toBe(true);
    expect(apicBase(xapic)).toBe(false);
    expect(apicBase(invalid)).toBe(false);
    expect(apicBase(off)).toBe(true);
    expect(apicBase(x2apic)).toBe(false);
    expect(apicBase(xapic)).toBe(true);
    expect(apicBase(xapic | 1n)).toBe(false);
    expect(apicBase(xapic | (1n << 39n))).toBe(false);
  });

  it('tells once of an MSR that it does not have', () => {
    const { machine: other, notices } = startProgram(assembleText('mov ecx, 0x12345\nrdmsr'));
    expect(other.run({ limit: 100 }).kind).toBe('triple-fault');
    expect(notices).toEqual(['RDMSR of MSR 0x12345, which this machine does not have: #GP(0).']);
  });
});

describe.skipIf(!hasNasm())('CPUID on several processors', () => {
  // SDM "Identifying Topological Relationships": shifts and counts of 1, 2, 3 and 16 cores with one thread each.
  it.each([
    [1, 0, 1],
    [2, 1, 2],
    [3, 2, 4],
    [16, 4, 16],
  ])('%i: each has its APIC ID, the package its cores', (processors, shift, identifiers) => {
    const { machine } = startProgram(assembleText('again: cpuid\njmp again'), 32, undefined, processors);
    const ask = (leaf: number, subleaf: number): Registers => {
      machine.writeRegister('rip', 0x100000n);
      machine.writeRegister('rax', BigInt(leaf));
      machine.writeRegister('rcx', BigInt(subleaf));
      machine.step();
      return ['rax', 'rbx', 'rcx', 'rdx'].map((name) => Number(machine.readRegister(name))) as unknown as Registers;
    };
    const [, ebx, , edx] = ask(1, 0);
    expect([(ebx >>> 16) & 255, ebx >>> 24, bit(edx, 28)]).toEqual([identifiers, 0, processors > 1]);
    expect(ask(0xb, 0)).toEqual([0, 1, 0x100, 0]);
    expect(ask(0xb, 1)).toEqual([shift, processors, 0x201, 0]);
    expect((ask(4, 0)[0] >>> 26) + 1).toBe(identifiers);
    expect(((ask(4, 0)[0] >>> 14) & 0xfff) + 1).toBe(1);
    expect(((ask(4, 3)[0] >>> 14) & 0xfff) + 1).toBe(identifiers);
  });
});
