// Which exceptions an instruction can raise, and when. Rows where the manual gives the instruction its own list; the rest
// follows from what it is: an access to memory, a privileged, an x87, an SSE or an AVX instruction.
import type { ExceptionName } from './exceptions.ts';
import type { InstructionFacts } from './instruction-facts.ts';

export interface RaisedException {
  readonly name: ExceptionName;
  readonly when: string;
}

export interface InstructionUse {
  readonly mnemonic: string;
  /** `l` legacy, `v` VEX, `e` EVEX, `x` XOP, `d` 3DNow!. */
  readonly encoding: 'l' | 'v' | 'e' | 'x' | 'd';
  /** Has a memory operand, or reads or writes memory without naming it. */
  readonly memory: boolean;
  readonly facts: InstructionFacts | undefined;
}

const row = (name: ExceptionName, when: string): RaisedException => ({ name, when });

const NOT_VMX = row('#UD', 'not in VMX operation');
const REGION = row('#GP', 'CPL > 0');
const DIVIDE = [row('#DE', 'the divisor is 0 or the quotient does not fit')];
const TRANSFER = [row('#GP', 'the target lies outside the code segment or is not canonical')];
const STACK = [
  row('#SS', 'the stack pointer leaves the stack segment or is not canonical'),
  row('#PF', 'the stack page has no valid translation'),
];
const SELECTOR = [
  row('#GP', 'the selector or its descriptor does not allow it'),
  row('#NP', 'the descriptor is marked not present'),
];

/** Own lists; for VMX instructions with the exceptions of VMX root operation. */
const OWN: Readonly<Record<string, readonly RaisedException[]>> = {
  div: DIVIDE,
  idiv: DIVIDE,
  aam: [row('#DE', 'the base is 0')],
  bound: [row('#BR', 'the index is out of range'), row('#UD', '64-bit mode')],
  into: [row('#OF', 'OF = 1'), row('#UD', '64-bit mode')],
  int3: [row('#BP', 'always')],
  int1: [row('#DB', 'always')],
  int: [row('#GP', 'the vector has no usable gate, or the gate’s DPL is less than CPL'), ...STACK],
  ud0: [row('#UD', 'always')],
  ud1: [row('#UD', 'always')],
  ud2: [row('#UD', 'always')],
  push: STACK,
  pop: STACK,
  pushfq: STACK,
  popfq: STACK,
  call: [...TRANSFER, ...STACK],
  ret: [...TRANSFER, ...STACK],
  jmp: TRANSFER,
  leave: STACK,
  enter: STACK,
  iretq: [row('#GP', 'a value on the stack is not valid'), ...SELECTOR.slice(1), ...STACK],
  iret: [row('#GP', 'a value on the stack is not valid'), ...SELECTOR.slice(1), ...STACK],
  lldt: SELECTOR,
  ltr: SELECTOR,
  lmsw: [],
  rdmsr: [row('#GP', 'ECX names no MSR of this processor')],
  wrmsr: [
    row('#GP', 'ECX names no MSR of this processor, the MSR is read-only, or a reserved bit or a bad value is written'),
  ],
  rdpmc: [row('#GP', 'ECX names no counter')],
  xsetbv: [row('#GP', 'ECX is not 0, or EDX:EAX is not a valid combination'), row('#UD', 'CR4.OSXSAVE = 0')],
  xgetbv: [row('#GP', 'ECX names no extended control register'), row('#UD', 'CR4.OSXSAVE = 0')],
  xsave: [row('#UD', 'CR4.OSXSAVE = 0'), row('#NM', 'CR0.TS = 1'), row('#GP', 'memory is not aligned to 64 bytes')],
  xrstor: [
    row('#UD', 'CR4.OSXSAVE = 0'),
    row('#NM', 'CR0.TS = 1'),
    row('#GP', 'memory is not aligned to 64 bytes, or the area is not valid'),
  ],
  fxsave: [row('#NM', 'CR0.TS = 1 or CR0.EM = 1'), row('#GP', 'memory is not aligned to 16 bytes')],
  fxrstor: [row('#NM', 'CR0.TS = 1 or CR0.EM = 1'), row('#GP', 'memory is not aligned to 16 bytes')],
  cmpxchg16b: [row('#GP', 'memory is not aligned to 16 bytes')],
  clac: [row('#UD', 'CPL > 0')],
  stac: [row('#UD', 'CPL > 0')],
  monitor: [row('#UD', 'CPL > 0'), row('#GP', 'ECX is not 0')],
  mwait: [row('#UD', 'CPL > 0'), row('#GP', 'ECX has an unsupported bit')],
  sysret: [row('#UD', 'IA32_EFER.SCE = 0'), row('#GP', 'RCX is not canonical')],
  syscall: [row('#UD', 'IA32_EFER.SCE = 0, or outside 64-bit mode')],
  sysenter: [row('#GP', 'IA32_SYSENTER_CS is 0')],
  sysexit: [row('#GP', 'IA32_SYSENTER_CS is 0')],
  rsm: [row('#UD', 'not in system-management mode')],
  swapgs: [row('#UD', 'not in 64-bit mode')],
  rdfsbase: [row('#UD', 'CR4.FSGSBASE = 0 or not in 64-bit mode')],
  rdgsbase: [row('#UD', 'CR4.FSGSBASE = 0 or not in 64-bit mode')],
  wrfsbase: [row('#UD', 'CR4.FSGSBASE = 0 or not in 64-bit mode'), row('#GP', 'the address is not canonical')],
  wrgsbase: [row('#UD', 'CR4.FSGSBASE = 0 or not in 64-bit mode'), row('#GP', 'the address is not canonical')],
  rdpkru: [row('#UD', 'CR4.PKE = 0'), row('#GP', 'ECX is not 0')],
  wrpkru: [row('#UD', 'CR4.PKE = 0'), row('#GP', 'ECX or EDX is not 0')],
  invpcid: [row('#GP', 'the type or the descriptor is not valid')],
  vmxon: [
    row('#UD', 'CR4.VMXE = 0, or not in protected or 64-bit mode'),
    row(
      '#GP',
      'CPL > 0, CR0 or CR4 with bits that VMX operation does not allow, or IA32_FEATURE_CONTROL does not enable VMXON',
    ),
  ],
  vmxoff: [NOT_VMX, REGION],
  vmclear: [NOT_VMX, REGION],
  vmptrld: [NOT_VMX, REGION],
  vmptrst: [NOT_VMX, REGION],
  vmread: [NOT_VMX, REGION],
  vmwrite: [NOT_VMX, REGION],
  vmlaunch: [NOT_VMX, REGION],
  vmresume: [NOT_VMX, REGION],
  vmcall: [NOT_VMX, row('#GP', 'CPL > 0 in VMX root operation')],
  vmfunc: [row('#UD', 'not in VMX non-root operation, or VM functions are not enabled')],
  invept: [row('#UD', 'not in VMX operation, or EPT is not supported'), REGION],
  invvpid: [row('#UD', 'not in VMX operation, or VPIDs are not supported'), REGION],
};

const IO = /^(in|out|ins[bwd]?|outs[bwd]?)$/;
const X87 = /^f(?!xsave|xrstor|emms)/;
/** Data moves and logic raise no floating-point exception. */
const ARITHMETIC =
  /(add|sub|mul|div|sqrt|cmp|comi|min|max|cvt|round|rndscale|dp|fm|fnm|getexp|getmant|scalef|range|reduce|fixup)\w*(ps|pd|ss|sd|ph|sh|dq|pi|si)$/;

/** The exceptions of an instruction, the likely ones first. Page faults and checks of code fetches are left out. */
export function instructionExceptions(use: InstructionUse): readonly RaisedException[] {
  const { mnemonic, encoding, memory, facts } = use;
  const own = OWN[mnemonic];
  const found: RaisedException[] = [...(own ?? [])];
  const add = (name: ExceptionName, when: string): void => {
    if (!found.some((e) => e.name === name && e.when === when)) found.push(row(name, when));
  };
  if (IO.test(mnemonic)) add('#GP', 'CPL > IOPL, and the I/O permission bitmap forbids the port');
  else if (facts?.privileged === true && !found.some((e) => /CPL > 0/.test(e.when))) add('#GP', 'CPL > 0');
  if (memory) {
    add('#GP', 'the address is not canonical or leaves its segment');
    add('#SS', 'so does an address in the stack segment');
    add('#PF', 'the page has no valid translation, or forbids the access');
    add('#AC', 'the access is not aligned, at CPL 3 with CR0.AM = 1 and AC = 1');
  }
  if (X87.test(mnemonic) && encoding === 'l') {
    add('#NM', 'CR0.EM = 1 or CR0.TS = 1');
    add('#MF', 'an unmasked x87 exception is pending');
  }
  const features = facts?.features ?? [];
  const vector = encoding === 'v' || encoding === 'e' || encoding === 'x';
  const general = features.length > 0 && features.every((f) => /^(BMI|ADX|LZCNT|POPCNT|CMPCCXADD)/.test(f));
  if (vector && !general) {
    add('#UD', `CR4.OSXSAVE = 0, or XCR0 does not enable the ${encoding === 'e' ? 'AVX-512' : 'AVX'} state`);
    add('#NM', 'CR0.TS = 1');
  } else if (
    encoding === 'l' &&
    features.some((f) => /^S?SSE|^AES$|^PCLMUL|^SHA/.test(f)) &&
    !/^(crc32|movnti|[lms]fence|pause|prefetch|clflush)/.test(mnemonic)
  ) {
    add('#UD', 'CR0.EM = 1 or CR4.OSFXSR = 0');
    add('#NM', 'CR0.TS = 1');
  }
  if ((vector || features.some((f) => f.startsWith('SSE'))) && ARITHMETIC.test(mnemonic))
    add('#XM', 'an unmasked SIMD floating-point exception, with CR4.OSXMMEXCPT = 1');
  if (features.length > 0) add('#UD', `the processor has not ${features.join(' or ').replaceAll('+', ' and ')}`);
  return found;
}
