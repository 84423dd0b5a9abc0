; IA-32e mode: gates, IST, IRET, SYSCALL and SYSENTER, compatibility mode, call gates, debug exceptions, double faults.
%include "long.inc"

LGATE equ EXTRA        ; 64-bit call gate to ring 0, DPL 3
LGATE_ABSENT equ EXTRA + 0x10
LGATE_TO_32 equ EXTRA + 0x20
CODE_LD equ EXTRA + 0x30 ; L and D both set
SYSTEM_HIGH equ EXTRA + 0x38 ; 64-bit call gate with a type in its upper half
TASK equ EXTRA + 0x48  ; a task gate, invalid here

%macro GATE 5-6 0 ; name, vector, selector, type word, offset, upper half of the offset
  mov rax, %5
  mov rbx, idt + %2 * 16
  mov [rbx], ax
  mov word [rbx + 2], %3
  mov word [rbx + 4], %4
  shr rax, 16
  mov [rbx + 6], ax
  mov dword [rbx + 8], %6
  TRY %1
  int %2
  ENDTRY
%endmacro

start:
  ; ---- IDT ----------------------------------------------------------------------------------------------------------
  GATE "gate absent", 0x2c, KCODE, 0x0e00, 0
  GATE "gate 32-bit type", 0x2c, KCODE, 0x8600, 0
  GATE "task gate", 0x2c, KCODE, 0x8500, 0
  GATE "gate null code", 0x2c, 0, 0x8e00, 0
  GATE "gate to 32-bit code", 0x2c, KCODE32, 0x8e00, 0
  GATE "gate to data", 0x2c, KDATA, 0x8e00, 0
  GATE "gate to ring 3", 0x2c, UCODE, 0x8e00, 0
  GATE "gate beyond table", 0x2c, 0x1000, 0x8e00, 0
  GATE "gate not canonical", 0x2c, KCODE, 0x8e00, 0, 0x8000
  TRY "idt limit"
  int 0x40
  ENDTRY

  ; ---- frames -------------------------------------------------------------------------------------------------------
  lea rax, [rel show_frame]
  mov [idt + 0x29 * 16], ax
  shr rax, 16
  mov [idt + 0x29 * 16 + 6], ax
  TRY "frame is aligned"
  sub rsp, 5
  int 0x29
  ENDTRY
  mov byte [idt + 0x29 * 16 + 4], 1
  TRY "interrupt stack table"
  int 0x29
  ENDTRY
  mov byte [idt + 0x29 * 16 + 4], 2
  TRY "interrupt stack of a null pointer" ; pushes wrap to the top of the address space: not mapped
  int 0x29
  ENDTRY
  mov qword [tss_main + 44], 0
  mov rax, 0x800000000000
  mov [tss_main + 44], rax
  TRY "interrupt stack not canonical"
  int 0x29
  ENDTRY
  mov byte [idt + 0x29 * 16 + 4], 0
  mov byte [idt + 0x29 * 16 + 5], 0xee
  RING3 "ring 3: int through ring 0 stack"
  mov eax, 0x1234
  int 0x29
  ENDTRY
  RING3 "ring 3: int of dpl 0"
  int 0x20
  ENDRING3
  RING3 "ring 3: hlt"
  hlt
  ENDRING3
  RING3 "ring 3: write null"
  mov rax, [0x50000000]
  ENDRING3

  ; ---- IRET -----------------------------------------------------------------------------------------------------------
  TRY "iretq same level, own stack"
  mov rbx, rsp
  push qword KDATA
  push rbx
  push qword 2
  push qword KCODE
  push qword .here
  iretq
.here:
  cmp rsp, rbx
  jne $
  ENDTRY
  TRY "iretq, null ss"
  mov rbx, rsp
  push qword 0
  push rbx
  push qword 2
  push qword KCODE
  push qword .null
  iretq
.null:
  mov eax, ss
  SHOW " ss=", rax
  ENDTRY
  mov ax, KDATA
  mov ss, ax
  TRY "iretq to ring 3, null ss"
  push qword 0
  push rsp
  push qword 2
  push qword UCODE
  push qword 0x1234
  iretq
  ENDTRY
  TRY "iretq not canonical"
  mov rbx, rsp
  mov rax, 0x800000000000
  push qword KDATA
  push rbx
  push qword 2
  push qword KCODE
  push rax
  iretq
  ENDTRY
  TRY "iretq, L and D"
  push qword KDATA
  push rsp
  push qword 2
  push qword CODE_LD
  push qword 0
  iretq
  ENDTRY
  TRY "iretq with nt"
  mov rbx, rsp
  push qword 0x4002
  popfq
  push qword KDATA
  push rbx
  push qword 2
  push qword KCODE
  push qword 0
  iretq
  ENDTRY
  push qword 2
  popfq

  ; ---- far transfers ----------------------------------------------------------------------------------------------------
  TRY "jmp far to compatibility mode"
  push qword KCODE32
  push qword .compatible
  o64 retf
bits 32
.compatible:
  mov eax, cs
  db 0x40 ; inc eax here, a REX prefix there
  push eax
  jmp KCODE:.long
bits 64
.long:
  mov eax, [rsp]
  add rsp, 4
  SHOW " ", rax
  ENDTRY
  TRY "int in compatibility mode"
  push qword KCODE32
  push qword .compatible2
  o64 retf
bits 32
.compatible2:
  int 0x31 - 1
bits 64
  ENDTRY
  TRY "retf L and D"
  push qword CODE_LD
  push qword 0
  o64 retf
  ENDTRY
  TRY "call gate, same level"
  call far [gate_pointer]
  SHOW " rsp ", rsp
  ENDTRY
  RING3 "ring 3: call gate"
  call far [gate_pointer]
  mov eax, cs
  SHOW " back cs=", rax
  ENDRING3
  RING3 "ring 3: call gate absent"
  call far [gate_absent]
  ENDRING3
  TRY "call gate to 32-bit code"
  call far [gate_32]
  ENDTRY
  TRY "call gate with a type in its upper half"
  call far [gate_high]
  ENDTRY
  TRY "jmp to tss"
  jmp far [to_tss]
  ENDTRY
  TRY "task gate as target"
  jmp far [to_task]
  ENDTRY

  ; ---- SYSCALL, SYSENTER ---------------------------------------------------------------------------------------------------
  mov ecx, 0xc0000081
  xor eax, eax
  mov edx, (0x18 << 16) | KCODE
  wrmsr
  mov ecx, 0xc0000082
  mov eax, system_call
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000084
  mov eax, 0x300
  wrmsr
  RING3 "syscall and sysret"
  mov r12, rsp
  syscall
.returned:
  mov eax, cs
  SHOW " back cs=", rax
  mov eax, ss
  SHOW " ss=", rax
  ENDRING3
  mov ecx, 0x174
  mov eax, KCODE
  xor edx, edx
  wrmsr
  mov ecx, 0x175
  mov eax, ring0_top
  wrmsr
  mov ecx, 0x176
  mov eax, system_enter
  wrmsr
  RING3 "sysenter"
  sysenter
  ENDRING3
  mov ecx, 0xc0000080
  rdmsr
  and eax, ~1
  wrmsr
  TRY "syscall without sce"
  syscall
  ENDTRY
  mov ecx, 0xc0000080
  rdmsr
  or eax, 1
  wrmsr
  TRY "sysret not canonical"
  mov rcx, 0x800000000000
  o64 sysret
  ENDTRY
  RING3 "ring 3: sysret"
  o64 sysret
  ENDRING3

  ; ---- segments ------------------------------------------------------------------------------------------------------------
  TRY "mov ss null"
  xor eax, eax
  mov ss, ax
  mov eax, ss
  SHOW " ", rax
  ENDTRY
  mov ax, KDATA
  mov ss, ax
  TRY "mov ss null rpl 1"
  mov eax, 1
  mov ss, ax
  ENDTRY
  RING3 "ring 3: mov ss null"
  mov eax, 3
  mov ss, ax
  ENDRING3
  TRY "null ds is usable"
  xor eax, eax
  mov ds, ax
  mov rax, [rel gdtr]
  ENDTRY
  TRY "fs base not canonical"
  mov ecx, 0xc0000100
  mov edx, 0x8000
  xor eax, eax
  wrmsr
  ENDTRY
  TRY "gs base"
  mov ecx, 0xc0000101
  xor edx, edx
  mov eax, gdtr
  wrmsr
  mov rax, [gs:2]
  cmp rax, gdt
  jne $
  ENDTRY
  TRY "lar lsl of a tss"
  mov bx, TSS_MAIN
  lar eax, ebx
  setz cl
  SHOW " ", rax
  lsl eax, ebx
  SHOW " ", rax
  ENDTRY
  TRY "ltr busy"
  mov ax, TSS_MAIN
  ltr ax
  ENDTRY
  TRY "lldt of a code segment"
  mov ax, KCODE
  lldt ax
  ENDTRY

  ; ---- control registers -----------------------------------------------------------------------------------------------------
  ; ---- debug exceptions ------------------------------------------------------------------------------------------------------
  lea rax, [rel debug_handler]
  mov [idt + 16], ax
  shr rax, 16
  mov [idt + 16 + 6], ax
  TRY "single step"
  push qword 0x102
  popfq
  nop
  mov eax, 1
  push qword 2
  popfq
  nop
  ENDTRY
  TRY "instruction breakpoint"
  mov rax, .target
  mov dr0, rax
  mov eax, 0x402
  mov dr7, rax
  nop
.target:
  nop
  nop
  xor eax, eax
  mov dr7, rax
  ENDTRY
  TRY "write breakpoint"
  mov rax, watched
  mov dr1, rax
  mov eax, 0xd0040c ; dr1: write, 4 bytes; dr1 enabled
  mov eax, 0x00d00408
  mov dr7, rax
  mov eax, [watched]
  mov byte [watched + 3], 1
  mov byte [watched + 4], 1
  nop
  xor eax, eax
  mov dr7, rax
  ENDTRY
  TRY "read breakpoint"
  mov rax, watched
  mov dr1, rax
  mov eax, 0x00f00408
  mov dr7, rax
  mov eax, [watched - 2]
  nop
  mov eax, [watched - 4]
  xor eax, eax
  mov dr7, rax
  ENDTRY
  TRY "two at once with single step"
  mov rax, watched
  mov dr2, rax
  mov dr3, rax
  mov eax, 0x550000a0 | 0x400
  mov dr7, rax
  push qword 0x102
  popfq
  mov byte [watched], 1
  push qword 2
  popfq
  xor eax, eax
  mov dr7, rax
  ENDTRY
  TRY "general detect"
  mov eax, 0x2400
  mov dr7, rax
  mov rax, dr0
  mov rax, dr7
  SHOW " dr7=", rax
  ENDTRY
  TRY "dr6 upper half"
  mov rax, 1 << 32
  mov dr6, rax
  ENDTRY
  TRY "dr4 with de"
  mov rax, cr4
  or eax, 8
  mov cr4, rax
  mov rax, dr4
  ENDTRY

  ; ---- double faults ---------------------------------------------------------------------------------------------------------
  mov word [idt + 14 * 16 + 2], KDATA ; #PF then #GP: double fault
  TRY "page fault, then #GP"
  mov rax, [0x50000000]
  ENDTRY
  mov word [idt + 13 * 16 + 2], 0x1000
  TRY "#GP twice"
  mov ax, 0x1000
  mov ds, ax
  ENDTRY
  mov word [idt + 13 * 16 + 2], KCODE
  mov word [idt + 6 * 16 + 2], KDATA ; #UD is benign: the second fault is delivered
  TRY "#UD, then #GP"
  ud2
  ENDTRY
  mov byte [idt + 8 * 16 + 5], 0
  TRY "triple fault"
  mov word [idt + 13 * 16 + 2], KDATA
  ud2
  ENDTRY
  FINISH

show_frame:
  mov rax, rsp
  and eax, 15
  SHOW " low=", rax
  mov rax, ist1_top
  sub rax, rsp
  SHOW " ist=", rax
  mov rax, ring0_top
  sub rax, rsp
  SHOW " ring0=", rax
  mov rax, [rsp + 24]
  sub rax, [saved_rsp]
  SHOW " rsp=", [rsp + 32 + 8]
  mov eax, ss
  SHOW " ss=", rax
  jmp [recover]

gate_routine:
  mov eax, cs
  SHOW " cs=", rax
  mov eax, ss
  SHOW " ss=", rax
  SHOW " old cs=", [rsp + 8 + 8]
  o64 retf

system_call:
  SHOW " r11=", r11
  mov rax, rcx
  sub rax, [try_start]
  SHOW " rcx=", rax
  mov eax, cs
  SHOW " cs=", rax
  mov eax, ss
  SHOW " ss=", rax
  pushfq
  pop rax
  and eax, 0x3f00
  SHOW " fl=", rax
  mov rsp, r12
  o64 sysret

system_enter:
  mov eax, cs
  SHOW " cs=", rax
  mov eax, ss
  SHOW " ss=", rax
  mov rax, ring0_top
  sub rax, rsp
  SHOW " rsp=", rax
  jmp [recover]

debug_handler: ; shows where and DR6, and goes on with RF set for instruction breakpoints
  push rax
  mov rax, [rsp + 8]
  sub rax, [try_start]
  SHOW " @", rax
  mov rax, dr7
  push rax
  mov rax, dr6
  and eax, 0xe00f
  SHOW " dr6=", rax
  xor eax, eax
  mov dr6, rax
  pop rax
  or dword [rsp + 8 + 16], 0x10000
  pop rax
  iretq

align 8
gate_pointer: dq 0
  dw LGATE
gate_absent: dq 0
  dw LGATE_ABSENT
gate_32: dq 0
  dw LGATE_TO_32
gate_high: dq 0
  dw SYSTEM_HIGH
to_tss: dq 0
  dw TSS_MAIN
to_task: dq 0
  dw TASK
align 8
  dq 0
watched: dq 0

GDT_COMMON
  dw gate_routine - $$, KCODE, 0xec00, 0x10
  dq 0
  dw 0, KCODE, 0x6c00, 0x10
  dq 0
  dw 0, KCODE32, 0xec00, 0x10
  dq 0
  DESCRIPTOR 0, 0xfffff, 0xe09b
  dw 0, KCODE, 0xec00, 0x10
  dd 0, 0x100
  dw 0, TSS_MAIN, 0xe500, 0
gdt_end:
BSS_COMMON
