// What each instruction does, in one line. Rows for the general and system instructions; the SIMD instructions follow from
// how their names are built (instruction-simd.ts).

import { CONDITION_TEXTS } from './instruction-conditions.ts';
import { simdOperation } from './instruction-simd.ts';

/** Mnemonics, a colon, the operation. */
const ROWS = `
aaa: Adjusts AL after the addition of two unpacked decimal digits.
aad: Makes two unpacked decimal digits in AX a binary number in AL, before a division.
aam: Splits AL into two unpacked decimal digits in AX, after a multiplication.
aas: Adjusts AL after the subtraction of two unpacked decimal digits.
adc: destination = destination + source + CF
adcx: destination = destination + source + CF; only CF changes.
add: destination = destination + source
adox: destination = destination + source + OF; only OF changes.
and: destination = destination AND source
andn: destination = NOT first source AND second source
arpl: Raises the RPL of the destination selector to the RPL of the source; ZF = 1 if it changed.
bextr: Extracts a field of bits; the last operand holds start (7:0) and length (15:8).
blsi: Isolates the lowest bit that is 1.
blsmsk: Makes a mask up to the lowest bit that is 1.
blsr: Clears the lowest bit that is 1.
bound: #BR if the index is outside the two bounds in memory.
bsf: destination = number of the lowest bit that is 1; ZF = 1 if the source is 0.
bsr: destination = number of the highest bit that is 1; ZF = 1 if the source is 0.
bswap: Reverses the order of the bytes.
bt: CF = bit of the first operand with the number in the second
btc: CF = the selected bit, which is then inverted
btr: CF = the selected bit, which then becomes 0
bts: CF = the selected bit, which then becomes 1
bzhi: Copies the source with all bits from the index on cleared.
call: Pushes the address of the next instruction and jumps to the target.
cbw: AX = AL, sign-extended
cwde: EAX = AX, sign-extended
cdqe: RAX = EAX, sign-extended
cwd: DX:AX = AX, sign-extended
cdq: EDX:EAX = EAX, sign-extended
cqo: RDX:RAX = RAX, sign-extended
clac: AC = 0: supervisor accesses to user pages fault when CR4.SMAP = 1.
stac: AC = 1: supervisor accesses to user pages are allowed.
clc: CF = 0
stc: CF = 1
cmc: CF = NOT CF
cld: DF = 0: string instructions count up.
std: DF = 1: string instructions count down.
cldemote: Hint: moves a cache line further from the processor.
clflush: Writes back and invalidates the cache line of the address in all caches.
clflushopt: As CLFLUSH, ordered less strictly.
clwb: Writes the cache line of the address back; it may stay cached.
cli: IF = 0: maskable external interrupts are held back (or VIF = 0 with virtual interrupts).
sti: IF = 1: external interrupts are delivered after the next instruction.
clrssbsy: Clears the busy flag of a supervisor shadow stack.
setssbsy: Sets the busy flag of the shadow stack in IA32_PL0_SSP and makes it current.
clts: CR0.TS = 0
clui: UIF = 0: user interrupts are held back.
stui: UIF = 1: user interrupts may be delivered.
testui: CF = UIF
uiret: Returns from a user interrupt.
senduipi: Sends a user interprocessor interrupt.
cmp: Sets the flags as for first − second operand; nothing is stored.
cmpsb cmpsw cmpsd cmpsq: Compares [RSI] with [RDI] and moves both pointers on.
cmpxchg: If the accumulator equals the destination, destination = source; otherwise accumulator = destination. ZF tells which.
cmpxchg8b: If EDX:EAX equals the 8 bytes, they become ECX:EBX; otherwise EDX:EAX = the 8 bytes. ZF tells which.
cmpxchg16b: If RDX:RAX equals the 16 bytes, they become RCX:RBX; otherwise RDX:RAX = the 16 bytes. ZF tells which.
cpuid: Answers what the processor is and can do: leaf in EAX, subleaf in ECX, answer in EAX, EBX, ECX, EDX. Serializes.
crc32: Accumulates a CRC-32C in the destination.
daa: Adjusts AL after the addition of packed decimal digits.
das: Adjusts AL after the subtraction of packed decimal digits.
dec: destination = destination − 1; CF stays.
inc: destination = destination + 1; CF stays.
div: Unsigned: quotient of rDX:rAX (or AX) and the operand to rAX (AL), remainder to rDX (AH).
idiv: Signed: quotient of rDX:rAX (or AX) and the operand to rAX (AL), remainder to rDX (AH).
mul: Unsigned: rDX:rAX (or AX) = rAX (AL) × operand
imul: Signed product; with one operand rDX:rAX (or AX) = rAX (AL) × operand, otherwise cut to the destination's size.
mulx: Unsigned product of rDX and the source to two registers, without flags.
neg: destination = −destination; CF = 0 if it was 0.
not: destination = NOT destination
or: destination = destination OR source
xor: destination = destination XOR source
sub: destination = destination − source
sbb: destination = destination − source − CF
test: Sets the flags as for first AND second operand; nothing is stored.
sal shl: Shifts left, zeros come in on the right; CF = last bit shifted out.
shr: Shifts right, zeros come in on the left; CF = last bit shifted out.
sar: Shifts right, the sign bit comes in on the left; CF = last bit shifted out.
rol: Rotates left; CF = the bit that came around.
ror: Rotates right; CF = the bit that came around.
rcl: Rotates left through CF.
rcr: Rotates right through CF.
shld: Shifts left; bits of the second operand come in on the right.
shrd: Shifts right; bits of the second operand come in on the left.
rorx sarx shlx shrx: Rotates or shifts by a register or number, without flags.
lzcnt: destination = number of leading zero bits
tzcnt: destination = number of trailing zero bits
popcnt: destination = number of bits that are 1
pdep: Spreads the low bits of the source to the places that the mask selects.
pext: Gathers the bits that the mask selects into the low bits.
encls: Executes an SGX leaf function for supervisors; the leaf is in EAX.
enclu: Executes an SGX leaf function for users; the leaf is in EAX.
enclv: Executes an SGX leaf function for hypervisors; the leaf is in EAX.
endbr32 endbr64: Marks a valid target of indirect calls and jumps; otherwise does nothing.
enqcmd: Writes a 64-byte command to a device with the PASID of IA32_PASID; ZF = 1 if it was not accepted.
enqcmds: Writes a 64-byte command with its own PASID to a device; ZF = 1 if it was not accepted.
enter: Makes a stack frame: pushes rBP, rBP = rSP, rSP = rSP − size.
leave: Takes the stack frame away: rSP = rBP, pops rBP.
erets: Returns from an event, staying in supervisor mode (FRED).
eretu: Returns from an event to user mode (FRED).
lkgs: Loads GS, its base going to IA32_KERNEL_GS_BASE.
getsec getsecq: Executes a leaf function of safer mode extensions; the leaf is in EAX.
hlt: Stops until an interrupt, NMI or reset arrives.
hreset: Resets parts of the processor's prediction history.
in: Reads a port into AL, AX or EAX.
out: Writes AL, AX or EAX to a port.
insb insw insd: Reads the port in DX to [RDI] and moves RDI on.
outsb outsw outsd: Writes [RSI] to the port in DX and moves RSI on.
incsspd incsspq: Moves the shadow-stack pointer up.
rdsspd rdsspq: Reads the shadow-stack pointer.
rstorssp: Switches to the shadow stack of a restore token.
saveprevssp: Puts a restore token on the previous shadow stack.
wrssd wrssq: Writes to a shadow stack.
wrussd wrussq: Writes to a user shadow stack.
int: Calls the handler of this vector through the interrupt descriptor table.
int1: Raises a debug exception (#DB).
int3: Raises a breakpoint exception (#BP).
into: Raises an overflow exception (#OF) if OF = 1.
invd: Invalidates the caches without writing them back: changed data is lost.
wbinvd: Writes the caches back and invalidates them.
wbnoinvd: Writes the caches back; the lines may stay.
invlpg: Drops the translation of the page that holds the address.
invpcid: Drops translations by process-context identifier; the type is in the register.
invept: Drops translations that come from EPT: type 1 those of one EPTP, type 2 all.
invvpid: Drops translations by VPID: type 0 one address, 1 one VPID, 2 all but VPID 0, 3 one VPID but for global ones.
iret iretw iretd iretq: Pops rIP, CS and rFLAGS (and rSP, SS), back from an interrupt or exception.
jmp: Jumps to the target.
jcxz: Jumps if CX = 0.
jecxz: Jumps if ECX = 0.
jrcxz: Jumps if RCX = 0.
loop: Counts rCX down and jumps while it is not 0.
loope: Counts rCX down and jumps while it is not 0 and ZF = 1.
loopne: Counts rCX down and jumps while it is not 0 and ZF = 0.
lahf: AH = low byte of the flags: SF ZF 0 AF 0 PF 1 CF
sahf: SF, ZF, AF, PF and CF = AH
lar: destination = access rights of the selector's descriptor; ZF = 1 if it can be seen from here.
lsl: destination = limit of the selector's segment; ZF = 1 if it can be seen from here.
verr: ZF = 1 if the selector's segment can be read.
verw: ZF = 1 if the selector's segment can be written; also overwrites processor buffers.
lds les lfs lgs lss: Loads a segment register and a general register with a far pointer.
lea: destination = address of the memory operand; memory is not accessed.
lgdt: Loads GDTR with limit and base.
lidt: Loads IDTR with limit and base.
lldt: Loads LDTR with a selector and its descriptor.
ltr: Loads TR with a selector and its descriptor, and marks the TSS busy.
sgdt: Stores limit and base of GDTR.
sidt: Stores limit and base of IDTR.
sldt: Stores the selector in LDTR.
str: Stores the selector in TR.
lmsw: CR0 bits 3:0 = source; PE cannot be cleared.
smsw: destination = CR0, its low 16 bits at least
lodsb lodsw lodsd lodsq: Loads the accumulator from [RSI] and moves RSI on.
stosb stosw stosd stosq: Stores the accumulator at [RDI] and moves RDI on.
movsb movsw movsq: Copies [RSI] to [RDI] and moves both pointers on.
movsd: Copies a doubleword from [RSI] to [RDI]; with operands, moves a scalar double-precision value.
scasb scasw scasd scasq: Compares the accumulator with [RDI] and moves RDI on.
lfence: Later instructions begin only when all earlier ones are done.
mfence: Memory accesses before it come before those after it.
sfence: Stores before it come before those after it.
loadiwkey: Loads the internal wrapping key of Key Locker.
monitor: Watches the cache line at rAX for stores, for MWAIT.
mwait: Waits until the watched line is written or an interrupt arrives.
umonitor: Watches a cache line for stores, for UMWAIT.
umwait: Waits, also at CPL 3, until the watched line is written or the TSC reaches EDX:EAX.
tpause: Waits until the TSC reaches EDX:EAX.
pause: Hint: this is a loop that waits.
mov: destination = source
movabs: destination = source, with a 64-bit number or address
movbe: destination = source with its bytes reversed
movdir64b: Copies 64 bytes as one write that passes the caches by.
movdiri: Stores a register, passing the caches by.
movnti: Stores a register without keeping it in the caches.
movsx movsxd: destination = source, sign-extended
movzx: destination = source, zero-extended
nop: Does nothing.
serialize: All earlier instructions are complete before the next is fetched.
pconfig: Configures platform features such as memory-encryption keys.
pop: Pops the destination from the stack.
popa popad popaw: Pops the general registers.
popf popfw popfd popfq: Pops the flags. Without privilege for IF or IOPL those bits stay, silently.
push: Pushes the operand on the stack.
pusha pushad pushaw: Pushes the general registers.
pushf pushfw pushfd pushfq: Pushes the flags.
prefetch prefetchit0 prefetchit1 prefetchnta prefetcht0 prefetcht1 prefetcht2 prefetchw prefetchwt1: Hint: fetches the cache line of the address.
ptwrite: Writes the operand into the processor trace.
rdfsbase: destination = base of FS
rdgsbase: destination = base of GS
wrfsbase: Base of FS = source
wrgsbase: Base of GS = source
swapgs: Exchanges the base of GS with IA32_KERNEL_GS_BASE.
rdmsr: EDX:EAX = the model-specific register whose number is in ECX
wrmsr: The model-specific register whose number is in ECX = EDX:EAX. Serializes in most cases.
wrmsrns: As WRMSR, without serializing.
rdmsrlist: Reads a list of model-specific registers.
wrmsrlist: Writes a list of model-specific registers.
rdpid: destination = IA32_TSC_AUX
rdpkru: EAX = protection-key rights of user pages
wrpkru: Protection-key rights of user pages = EAX
rdpmc: EDX:EAX = the performance counter whose number is in ECX
rdrand: destination = a random number; CF = 1 if there was one
rdseed: destination = a random seed; CF = 1 if there was one
rdtsc: EDX:EAX = time-stamp counter
rdtscp: EDX:EAX = time-stamp counter, ECX = IA32_TSC_AUX; waits for earlier instructions.
ret retw retd retq retn retnw retnd retnq: Pops the return address and jumps to it.
retf retfw retfd retfq: Pops the return address and CS and jumps there.
rsm: Leaves system-management mode.
salc: AL = 0 or FFH, by CF
syscall: Enters the kernel: RCX = RIP, R11 = RFLAGS, RIP = IA32_LSTAR.
sysret sysretq: Leaves the kernel: RIP = RCX, RFLAGS = R11.
sysenter: Enters the kernel at IA32_SYSENTER_EIP.
sysexit sysexitq: Leaves the kernel: rIP = rDX, rSP = rCX.
ud0 ud1 ud2: Raises an invalid-opcode exception (#UD).
wait: Raises a pending x87 floating-point exception.
xadd: Exchanges the operands, then destination = their sum
xchg: Exchanges the operands; with memory always as if by LOCK.
xlatb: AL = [rBX + AL]
xbegin: Starts a transaction; an abort continues at the target.
xend: Commits a transaction.
xabort: Aborts the transaction with this reason.
xtest: ZF = 0 inside a transaction
xsusldtrk: Suspends the tracking of loads in a transaction.
xresldtrk: Resumes the tracking of loads in a transaction.
xgetbv: EDX:EAX = the extended control register whose number is in ECX
xsetbv: The extended control register whose number is in ECX = EDX:EAX
xsave xsave64: Stores the state components that EDX:EAX selects.
xsaveopt xsaveopt64: As XSAVE, leaving out what did not change.
xsavec xsavec64: Stores the selected state components, compacted.
xsaves xsaves64: Stores the selected state components, supervisor ones included, compacted.
xrstor xrstor64: Loads the state components that EDX:EAX selects.
xrstors xrstors64: Loads the selected state components, supervisor ones included.
fxsave fxsave64: Stores x87, MMX and SSE state (512 bytes).
fxrstor fxrstor64: Loads x87, MMX and SSE state (512 bytes).
ldmxcsr: Loads MXCSR.
stmxcsr: Stores MXCSR.
femms: AMD: marks all x87 registers empty, after MMX code.
emms: Marks all x87 registers empty, after MMX code.
aadd: Adds the register to memory, ordered weakly.
aand: Memory = memory AND register, ordered weakly.
aor: Memory = memory OR register, ordered weakly.
axor: Memory = memory XOR register, ordered weakly.
aesenc128kl aesenc256kl aesencwide128kl aesencwide256kl: AES encryption with the key of a Key Locker handle; ZF = 1 if the handle is not valid.
aesdec128kl aesdec256kl aesdecwide128kl aesdecwide256kl: AES decryption with the key of a Key Locker handle; ZF = 1 if the handle is not valid.
encodekey128 encodekey256: Makes a Key Locker handle of a key.
bndmk: Makes the bounds of a pointer (MPX).
bndmov: Moves bounds (MPX).
bndcl bndcu bndcn: #BR if the address is outside the bounds (MPX).
bndldx bndstx: Loads or stores bounds by a bound table (MPX).
extrq: AMD: extracts a field of bits of an XMM register.
insertq: AMD: inserts a field of bits into an XMM register.
pcommit: Makes earlier stores persistent; withdrawn from the architecture.
pbndkb: Wraps a key to the platform.
ldtilecfg: Loads the configuration of the tile registers.
sttilecfg: Stores the configuration of the tile registers.
tilerelease: Puts the tile registers into their initial state.
tilezero: Clears a tile.
tileloadd tileloaddt1: Loads a tile from rows in memory.
tilestored: Stores a tile to rows in memory.
tdpbf16ps tdpfp16ps tdpbuud tdpbusd tdpbsud tdpbssd: Dot products of tiles, added to the destination.
vmcall: Calls the hypervisor: a VM exit from VMX non-root operation.
vmclear: Writes the VMCS at the address in memory back and makes it clear, inactive and not current.
vmlaunch: Enters the guest of the current VMCS, whose launch state must be clear; falls through only when it fails.
vmresume: Enters the guest of the current VMCS, whose launch state must be launched; falls through only when it fails.
vmptrld: Makes the VMCS at the address in memory current and active.
vmptrst: Stores the address of the current VMCS.
vmread: destination = the field of the current VMCS whose encoding is in the second operand
vmwrite: The field of the current VMCS whose encoding is in the first operand = second operand
vmxoff: Leaves VMX operation.
vmxon: Enters VMX root operation; memory holds the address of the VMXON region.
vmfunc: Invokes the VM function in EAX from the guest, without a VM exit.
seamcall: Calls the SEAM module.
seamret: Returns from the SEAM module.
seamops: Asks the SEAM module's processor services.
tdcall: A trust domain calls the SEAM module.
vmrun: AMD-V: runs the guest of the VMCB at rAX until #VMEXIT.
vmload: AMD-V: loads further processor state from the VMCB at rAX.
vmsave: AMD-V: stores further processor state to the VMCB at rAX.
vmmcall: AMD-V: calls the hypervisor.
vmgexit: AMD-V: an encrypted guest calls its hypervisor.
stgi: AMD-V: global interrupt flag = 1
clgi: AMD-V: global interrupt flag = 0
skinit: AMD-V: starts secure initialization.
invlpga: AMD-V: drops the translation of an address for an ASID.
invlpgb: AMD: broadcasts the invalidation of translations.
tlbsync: AMD: waits for broadcast invalidations.
psmash pvalidate rmpadjust rmpupdate rmpquery: AMD SEV-SNP: changes or reads the reverse map table.
clzero: AMD: clears the cache line at rAX.
rdpru: AMD: reads a processor register at any CPL.
mcommit: AMD: commits stores to memory.
monitorx: AMD: as MONITOR, at any CPL.
mwaitx: AMD: as MWAIT, at any CPL, with a timer.
f2xm1: ST0 = 2^ST0 − 1
fabs: ST0 = |ST0|
fadd faddp fiadd: Adds floating-point values.
fsub fsubp fisub: Subtracts floating-point values.
fsubr fsubrp fisubr: Subtracts floating-point values, operands exchanged.
fmul fmulp fimul: Multiplies floating-point values.
fdiv fdivp fidiv: Divides floating-point values.
fdivr fdivrp fidivr: Divides floating-point values, operands exchanged.
fld fild fbld: Pushes a value on the x87 stack.
fld1 fldz fldpi fldl2e fldl2t fldlg2 fldln2: Pushes a constant on the x87 stack.
fst fstp fist fistp fisttp fbstp: Stores ST0; the forms in -P pop it.
fxch: Exchanges ST0 with another x87 register.
fcom fcomp fcompp ficom ficomp fucom fucomp fucompp: Compares ST0 and sets C0, C2 and C3.
fcomi fcomip fucomi fucomip: Compares ST0 and sets ZF, PF and CF.
ftst: Compares ST0 with 0.
fxam: Classifies ST0.
fchs: ST0 = −ST0
fsqrt: ST0 = square root of ST0
fsin: ST0 = sine of ST0
fcos: ST0 = cosine of ST0
fsincos: Replaces ST0 by its sine and pushes its cosine.
fptan: Replaces ST0 by its tangent and pushes 1.
fpatan: ST1 = arc tangent of ST1 / ST0; pops.
fprem fprem1: ST0 = partial remainder of ST0 / ST1
frndint: Rounds ST0 to an integer.
fscale: ST0 = ST0 × 2^ST1
fxtract: Splits ST0 into exponent and significand.
fyl2x: ST1 = ST1 × log2(ST0); pops.
fyl2xp1: ST1 = ST1 × log2(ST0 + 1); pops.
fnop feni fneni fdisi fndisi fsetpm fnsetpm: Does nothing on today's processors.
fincstp: Moves the top of the x87 stack up.
fdecstp: Moves the top of the x87 stack down.
ffree ffreep: Marks an x87 register empty.
finit fninit: Resets the x87 unit.
fclex fnclex: Clears the x87 exception flags.
fldcw: Loads the x87 control word.
fstcw fnstcw: Stores the x87 control word.
fstsw fnstsw: Stores the x87 status word.
fldenv: Loads the x87 environment.
fstenv fnstenv: Stores the x87 environment.
frstor: Loads the x87 state.
fsave fnsave: Stores the x87 state and resets the unit.
`;

const EXACT = new Map<string, string>();
for (const row of ROWS.trim().split('\n')) {
  const colon = row.indexOf(': ');
  for (const name of row.slice(0, colon).split(' ')) EXACT.set(name, row.slice(colon + 2));
}

function conditional(mnemonic: string): string | undefined {
  const exchange = /^cmp(n?[a-z]{1,2})xadd$/.exec(mnemonic);
  if (exchange && CONDITION_TEXTS[exchange[1]!] !== undefined)
    return `Compares memory with the second operand; adds the third to memory if ${CONDITION_TEXTS[exchange[1]!]}.`;
  const match = /^(fcmov|cmov|set|j)(n?[a-z]{1,2})$/.exec(mnemonic);
  const condition = match ? CONDITION_TEXTS[match[2]!] : undefined;
  if (!match || condition === undefined) return undefined;
  if (match[1] === 'j') return `Jumps if ${condition}.`;
  if (match[1] === 'set') return `destination = 1 if ${condition}, otherwise 0`;
  return `destination = source if ${condition}`;
}

/** The operation of a mnemonic in lower case, in one line; undefined: it has no row. */
export function instructionOperation(mnemonic: string): string | undefined {
  return EXACT.get(mnemonic) ?? conditional(mnemonic) ?? simdOperation(mnemonic);
}
