; Checks that QEMU's TCG leaves out or fails over: control registers in IA-32e mode. The expected lines in the test are the SDM's.
%include "long.inc"

start:
  TRY "clear pae"
  mov rax, cr4
  and eax, ~0x20
  mov cr4, rax
  ENDTRY
  TRY "clear paging in 64-bit mode"
  mov rax, cr0
  and eax, 0x7fffffff
  mov cr0, rax
  ENDTRY
  TRY "cr0 upper half"
  mov rax, cr0
  mov rbx, 0x100000000
  or rax, rbx
  mov cr0, rax
  ENDTRY
  TRY "cr0 nw without cd"
  mov rax, cr0
  or eax, 0x20000000
  mov cr0, rax
  ENDTRY
  TRY "cr0 pg without pe"
  mov rax, cr0
  and eax, ~1
  mov cr0, rax
  ENDTRY
  TRY "cr3 reserved"
  mov rax, cr3
  mov rbx, 1 << 62
  or rax, rbx
  mov cr3, rax
  ENDTRY
  TRY "cr8"
  mov eax, 7
  mov cr8, rax
  mov rbx, cr8
  SHOW " ", rbx
  mov eax, 16
  mov cr8, rax
  ENDTRY
  xor eax, eax
  mov cr8, rax
  TRY "efer lme while paging"
  mov ecx, 0xc0000080
  rdmsr
  SHOW " ", rax
  ENDTRY

  TRY "cr4 reserved"
  mov rax, cr4
  mov ebx, 1 << 30
  or rax, rbx
  mov cr4, rax
  ENDTRY
  TRY "cr4 upper half"
  mov rax, cr4
  mov rbx, 1 << 32
  or rax, rbx
  mov cr4, rax
  ENDTRY
  TRY "la57 in IA-32e mode"
  mov rax, cr4
  or eax, 1 << 12
  mov cr4, rax
  ENDTRY
  TRY "pcide with pcid"
  mov rax, cr3
  or eax, 1
  mov cr3, rax
  mov rax, cr4
  or eax, 1 << 17
  mov cr4, rax
  ENDTRY
  TRY "pcide"
  mov rax, cr3
  and rax, ~0xfff
  mov cr3, rax
  mov rax, cr4
  or eax, 1 << 17
  mov cr4, rax
  mov rax, cr3
  or rax, 1
  bts rax, 63
  mov cr3, rax
  mov rax, cr3
  and eax, 0xfff
  SHOW " cr3=", rax
  ENDTRY
  TRY "invpcid of type 4"
  mov eax, 4
  invpcid rax, [zero]
  ENDTRY
  TRY "invpcid of a linear address that is not canonical"
  xor eax, eax
  invpcid rax, [not_canonical]
  ENDTRY
  TRY "mov from cr1"
  db 0x0f, 0x20, 0xc8
  ENDTRY
  TRY "mov from dr8"
  db 0x44, 0x0f, 0x21, 0xc0
  ENDTRY
  TRY "lgdt not canonical"
  lgdt [not_canonical + 6]
  ENDTRY
  mov rax, cr4
  or eax, 1 << 11
  mov cr4, rax
  RING3 "ring 3: umip sgdt"
  sgdt [zero]
  ENDRING3
  RING3 "ring 3: umip smsw"
  smsw eax
  ENDRING3
  TRY "clts"
  mov rax, cr0
  or eax, 8
  mov cr0, rax
  clts
  mov rax, cr0
  and eax, 8
  SHOW " ts=", rax
  ENDTRY
  TRY "lmsw sets ts and leaves pe"
  mov ax, 8
  lmsw ax
  mov rax, cr0
  and eax, 15
  SHOW " ", rax
  clts
  ENDTRY
  TRY "fninit with ts"
  mov rax, cr0
  or eax, 8
  mov cr0, rax
  fninit
  ENDTRY
  TRY "wait with mp and ts"
  mov rax, cr0
  or eax, 10
  mov cr0, rax
  wait
  ENDTRY
  clts
  TRY "vmxon without cr4.vmxe"
  vmxon [zero]
  ENDTRY
  TRY "vmcall outside VMX operation"
  vmcall
  ENDTRY
  TRY "rsm outside SMM"
  rsm
  ENDTRY
  TRY "rdpmc"
  xor ecx, ecx
  rdpmc
  ENDTRY
  TRY "unknown msr"
  mov ecx, 0x12345678
  rdmsr
  ENDTRY
  TRY "monitor with ecx"
  mov rax, zero
  mov ecx, 1
  xor edx, edx
  monitor
  ENDTRY
  RING3 "ring 3: monitor"
  monitor
  ENDRING3
  TRY "ring 3: in with iopl 0 and no bitmap"
  push qword UDATA
  push qword user_top
  push qword 2
  push qword UCODE
  push qword .user
  iretq
.user:
  in al, 0x80
  int 0x30
  ENDTRY
  mov rax, cr0
  or eax, 1 << 18
  mov cr0, rax
  RING3 "ring 3: alignment check"
  push qword 0x43002
  popfq
  mov eax, [rel zero + 1]
  ENDRING3
  RING3 "ring 3: aligned access"
  push qword 0x43002
  popfq
  mov eax, [rel zero + 4]
  ENDRING3
  TRY "ring 0: no alignment check"
  push qword 0x40002
  popfq
  mov eax, [rel zero + 1]
  ENDTRY
  FINISH

align 16
zero: dq 0, 0
not_canonical: dq 0, 0x800000000000

GDT_COMMON
gdt_end:
BSS_COMMON
