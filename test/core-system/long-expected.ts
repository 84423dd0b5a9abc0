// IA-32e mode by the SDM ("Interrupt 13", "IRET", "SYSENTER", "MOV - Move to/from Control Registers", "INVPCID", ...), where QEMU's
// TCG does otherwise. Columns: vector, error code (FFFFFFFFFFFFFFFF: none), RIP from the case's first byte, CS, flags, SS.

/** Lines of programs/long.asm in which TCG departs. */
export const LONG_BY_SDM: readonly string[] = [
  // Error codes of gates are index * 8 in IA-32e mode too.
  'gate absent #B e=162 ip=0 cs=8 fl=0 ss=10',
  'gate 32-bit type #D e=162 ip=0 cs=8 fl=0 ss=10',
  'task gate #D e=162 ip=0 cs=8 fl=0 ss=10',
  'gate not canonical #D e=0 ip=0 cs=8 fl=0 ss=10',
  'idt limit #D e=202 ip=0 cs=8 fl=0 ss=10',
  // SS changes only with the privilege level.
  'interrupt stack table low=8 ist=28 ring0=FFFFFFFFFFFFF028 rsp=10 ss=10',
  'interrupt stack of a null pointer #E e=2 ip=0 cs=8 fl=0 ss=10 cr2=FFFFFFFFFFFFFFF8',
  'interrupt stack not canonical #C e=0 ip=0 cs=8 fl=0 ss=10',
  'ring 3: int of dpl 0 #D e=102 ip=15 cs=2B fl=3000 ss=23',
  // The return faults, not the fetch of its target.
  'iretq not canonical #D e=0 ip=15 cs=8 fl=0 ss=10',
  // L and D both set: #GP(selector).
  'iretq, L and D #D e=78 ip=9 cs=8 fl=0 ss=10',
  'retf L and D #D e=78 ip=4 cs=8 fl=0 ss=10',
  // An Intel processor has SYSENTER in IA-32e mode.
  'sysenter cs=8 ss=10 rsp=0',
  'syscall without sce #6 e=FFFFFFFFFFFFFFFF ip=0 cs=8 fl=3000 ss=10',
  // At CPL 0, before anything changed.
  'sysret not canonical #D e=0 ip=A cs=8 fl=0 ss=10',
  // RPL must be CPL.
  'mov ss null rpl 1 #D e=0 ip=5 cs=8 fl=0 ss=10',
  // WRMSR of a non-canonical base is #GP(0).
  'fs base not canonical #D e=0 ip=C cs=8 fl=0 ss=0',
  // One trap tells of both.
  'two at once with single step @26 dr6=400C @28 dr6=4000 @29 dr6=4000 ok',
  // MOV DR with DR7.GD.
  'general detect @8 dr6=2000 dr7=400 ok',
  // EXT is set: the #GP came of delivering an exception.
  '#UD, then #GP #D e=11 ip=0 cs=8 fl=0 ss=0',
];

/** programs/control.asm: every check below raises before anything changes, so RIP is that of the instruction. */
export const CONTROL_EXPECTED: readonly string[] = [
  'clear pae #D e=0 ip=6 cs=8 fl=0 ss=10',
  'clear paging in 64-bit mode #D e=0 ip=8 cs=8 fl=0 ss=10',
  'cr0 upper half #D e=0 ip=10 cs=8 fl=0 ss=10',
  'cr0 nw without cd #D e=0 ip=8 cs=8 fl=0 ss=10',
  'cr0 pg without pe #D e=0 ip=6 cs=8 fl=0 ss=10',
  'cr3 reserved #D e=0 ip=10 cs=8 fl=0 ss=10',
  'cr8 7 #D e=0 ip=2E cs=8 fl=0 ss=10',
  'efer lme while paging D01 ok',
  'cr4 reserved #D e=0 ip=B cs=8 fl=0 ss=10',
  'cr4 upper half #D e=0 ip=10 cs=8 fl=0 ss=10',
  'la57 in IA-32e mode #D e=0 ip=8 cs=8 fl=0 ss=10',
  'pcide with pcid #D e=0 ip=11 cs=8 fl=0 ss=10',
  'pcide cr3=1 ok',
  'invpcid of type 4 #D e=0 ip=5 cs=8 fl=0 ss=10',
  'invpcid of a linear address that is not canonical #D e=0 ip=2 cs=8 fl=0 ss=10',
  'mov from cr1 #6 e=FFFFFFFFFFFFFFFF ip=0 cs=8 fl=0 ss=10',
  'mov from dr8 #6 e=FFFFFFFFFFFFFFFF ip=0 cs=8 fl=0 ss=10',
  'lgdt not canonical #D e=0 ip=0 cs=8 fl=0 ss=10',
  'ring 3: umip sgdt #D e=0 ip=15 cs=2B fl=3000 ss=23',
  'ring 3: umip smsw #D e=0 ip=15 cs=2B fl=3000 ss=23',
  'clts ts=0 ok',
  'lmsw sets ts and leaves pe 9 ok',
  'fninit with ts #7 e=FFFFFFFFFFFFFFFF ip=9 cs=8 fl=0 ss=0',
  'wait with mp and ts #7 e=FFFFFFFFFFFFFFFF ip=9 cs=8 fl=0 ss=0',
  'vmxon without cr4.vmxe #6 e=FFFFFFFFFFFFFFFF ip=0 cs=8 fl=0 ss=0',
  'vmcall outside VMX operation #6 e=FFFFFFFFFFFFFFFF ip=0 cs=8 fl=0 ss=0',
  'rsm outside SMM #6 e=FFFFFFFFFFFFFFFF ip=0 cs=8 fl=0 ss=0',
  'rdpmc #D e=0 ip=2 cs=8 fl=0 ss=0',
  'unknown msr #D e=0 ip=5 cs=8 fl=0 ss=0',
  'monitor with ecx #D e=0 ip=11 cs=8 fl=0 ss=0',
  'ring 3: monitor #6 e=FFFFFFFFFFFFFFFF ip=15 cs=2B fl=3000 ss=23',
  'ring 3: in with iopl 0 and no bitmap #D e=0 ip=12 cs=2B fl=0 ss=23',
  // #AC: CR0.AM, EFLAGS.AC and CPL 3.
  'ring 3: alignment check #11 e=0 ip=1B cs=2B fl=3000 ss=23',
  'ring 3: aligned access #30 e=FFFFFFFFFFFFFFFF ip=23 cs=2B fl=3000 ss=23',
  'ring 0: no alignment check ok',
];
