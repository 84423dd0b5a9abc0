; Segment loads, far transfers, gates, stacks of inner levels: error codes by the SDM.
%include "protected.inc"

; Selectors of this program
NOT_PRESENT equ 0x40
READ_ONLY equ 0x48
EXEC_ONLY equ 0x50
CONFORMING equ 0x58
CODE_RING3 equ 0x60
DATA_RING3 equ 0x68
CODE_ABSENT equ 0x70
GATE_RING0 equ 0x78   ; call gate, DPL 3, to ring 0
GATE_DPL0 equ 0x80
GATE_ABSENT equ 0x88
GATE_NULL equ 0x90
GATE_DATA equ 0x98
GATE_16 equ 0xa0
LDT equ 0xa8
EXPAND_DOWN equ 0xb0
SMALL equ 0xb8        ; limit FFFH
STACK_ABSENT equ 0xc0
CODE_16 equ 0xc8
SYSTEM_BAD equ 0xd0
GATE_CONFORMING equ 0xd8
GATE_PARAMETERS equ 0xe0
CODE_SMALL equ 0xe8
STACK_ABSENT3 equ 0xf0
BEYOND equ 0x1000

%macro LOAD 3 ; name, segment register, selector
  TRY %1
  mov ax, %3
  mov %2, ax
  mov ax, KDATA
  mov ds, ax
  ENDTRY
%endmacro

%macro USER 1 ; runs the label at ring 3
  push dword UDATA
  push dword user_top
  push dword 0x3002
  push dword UCODE
  push dword %1
  iretd
%endmacro

start:
  call setup
  xor ax, ax
  lldt ax
  mov byte [idt + 0x30 * 8 + 5], 0xee
  LOAD "ds null", ds, 0
  LOAD "ds null rpl 3", ds, 3
  LOAD "ds not present", ds, NOT_PRESENT
  LOAD "ds read-only", ds, READ_ONLY
  LOAD "ds execute-only", ds, EXEC_ONLY
  LOAD "ds code", ds, KCODE
  LOAD "ds beyond", ds, BEYOND
  LOAD "ds system", ds, TSS_MAIN
  LOAD "ds rpl 3 of dpl 0", ds, KDATA | 3
  LOAD "ds dpl 3", ds, UDATA
  LOAD "ds conforming rpl 3", ds, CONFORMING | 3
  LOAD "ds ldt without entry", ds, 0x7c | 4
  LOAD "ss null", ss, 0
  LOAD "ss not present", ss, STACK_ABSENT
  LOAD "ss read-only", ss, READ_ONLY
  LOAD "ss code", ss, KCODE
  LOAD "ss rpl 3", ss, KDATA | 3
  LOAD "ss dpl 3", ss, UDATA
  LOAD "ss beyond", ss, BEYOND | 4
  LOAD "fs table end", fs, gdt_end - gdt

  TRY "accessed bit set"
  and byte [gdt + SMALL + 5], 0xfe
  mov ax, SMALL
  mov gs, ax
  mov al, [gdt + SMALL + 5]
  movzx eax, al
  SHOW " ", eax
  ENDTRY

  ; ---- far jumps -------------------------------------------------------------------------------------------------
  TRY "jmp null"
  jmp 0:0x1234
  ENDTRY
  TRY "jmp data"
  jmp KDATA:0x1234
  ENDTRY
  TRY "jmp absent"
  jmp CODE_ABSENT:0x1234
  ENDTRY
  TRY "jmp dpl 3"
  jmp CODE_RING3:0x1234
  ENDTRY
  TRY "jmp rpl 3"
  jmp KCODE | 3:0x1234
  ENDTRY
  TRY "jmp conforming"
  jmp CONFORMING | 3:.conforming
.conforming:
  mov eax, cs
  SHOW " cs=", eax
  jmp KCODE:.back
.back:
  ENDTRY
  TRY "jmp beyond table"
  jmp BEYOND:0
  ENDTRY
  TRY "jmp through gate"
  jmp GATE_RING0:0
  ENDTRY
  TRY "jmp gate absent"
  jmp GATE_ABSENT:0
  ENDTRY
  TRY "jmp gate null code"
  jmp GATE_NULL:0
  ENDTRY
  TRY "jmp gate data"
  jmp GATE_DATA:0
  ENDTRY
  TRY "jmp gate rpl 3 of dpl 0"
  jmp GATE_DPL0 | 3:0
  ENDTRY
  TRY "jmp bad system type"
  jmp SYSTEM_BAD:0
  ENDTRY
  TRY "jmp ldt descriptor"
  jmp LDT:0
  ENDTRY
  TRY "far call and return"
  call KCODE:far_routine
  SHOW " esp=", esp
  ENDTRY
  TRY "far call 16-bit operand"
  o16 call far [pointer16]
  ENDTRY
  TRY "call through gate, same level"
  call GATE_RING0:0x1234
  ENDTRY
  TRY "memory pointer"
  jmp far [pointer32]
pointer_target:
  ENDTRY

  ; ---- returns ----------------------------------------------------------------------------------------------------
  TRY "retf null"
  push dword 0
  push dword 0x1234
  retf
  ENDTRY
  TRY "retf to inner rpl"
  push dword KDATA
  push dword 0x1234
  retf
  ENDTRY
  TRY "retf absent"
  push dword CODE_ABSENT
  push dword 0x1234
  retf
  ENDTRY
  TRY "retf outer, stack null"
  push dword 0
  push dword 0x1000
  push dword UCODE
  push dword 0x1234
  retf
  ENDTRY
  TRY "retf outer, stack ring 0"
  push dword KDATA
  push dword 0x1000
  push dword UCODE
  push dword 0x1234
  retf
  ENDTRY
  TRY "retf outer"
  push dword 0x3002
  popfd
  mov ax, KDATA
  mov fs, ax
  mov ax, UDATA
  mov gs, ax
  push dword UDATA
  push dword user_top - 8
  push dword 0x99
  push dword 0x98
  push dword UCODE
  push dword .user
  retf 8
.user:
  mov eax, fs
  SHOW " fs=", eax
  mov eax, gs
  SHOW " gs=", eax
  mov eax, esp
  sub eax, user_top
  SHOW " esp=", eax
  int 0x30
  ENDTRY
  TRY "iret absent"
  push dword 2
  push dword CODE_ABSENT
  push dword 0x1234
  iretd
  ENDTRY
  TRY "iret flags"
  pushfd
  or dword [esp], 0x244000 ; NT is legal to load
  and dword [esp], ~0x4000
  push cs
  push dword .here
  iretd
.here:
  pushfd
  pop eax
  and eax, 0x3f7f00
  SHOW " fl=", eax
  ENDTRY

  ; ---- ring 3 ------------------------------------------------------------------------------------------------------
%macro RING3 1
  TRY %1
  USER %%user
%%user:
  mov ax, UDATA
  mov ds, ax
  mov es, ax
%endmacro
%macro ENDRING3 0
  int 0x30
  ENDTRY
%endmacro
  RING3 "ring 3: int 0x30"
  ENDRING3
  RING3 "ring 3: int of dpl 0"
  int 0x20
  ENDRING3
  RING3 "ring 3: int3"
  int3
  ENDRING3
  RING3 "ring 3: cli with iopl 3"
  cli
  ENDRING3
  RING3 "ring 3: hlt"
  hlt
  ENDRING3
  RING3 "ring 3: lgdt"
  lgdt [gdtr]
  ENDRING3
  RING3 "ring 3: mov cr0"
  mov eax, cr0
  ENDRING3
  RING3 "ring 3: ds of ring 0"
  mov ax, KDATA | 3
  mov ds, ax
  ENDRING3
  RING3 "ring 3: jmp ring 0"
  jmp KCODE:0
  ENDRING3
  RING3 "ring 3: gate to ring 0"
  mov dword [gate_selector], GATE_RING0 | 3
  call far [gate_pointer]
  ENDRING3
  RING3 "ring 3: gate of dpl 0"
  call GATE_DPL0:0
  ENDRING3
  RING3 "ring 3: jmp to inner through gate"
  jmp GATE_RING0 | 3:0
  ENDRING3
  RING3 "ring 3: gate with parameters"
  push dword 0x11111111
  push dword 0x22222222
  call GATE_PARAMETERS | 3:0
  mov eax, esp
  sub eax, user_top
  SHOW " esp=", eax
  ENDRING3
  RING3 "ring 3: popf keeps if with iopl 0"
  pushfd
  pop eax
  and eax, 0xffff3000
  SHOW " fl=", eax
  ENDRING3
  RING3 "ring 3: verr verw lar lsl"
  xor eax, eax
  mov bx, KDATA
  verr bx
  setz al
  mov bx, UDATA
  verw bx
  setz ah
  mov bx, READ_ONLY
  verw bx
  setz cl
  SHOW " ", eax
  mov bx, CONFORMING
  lar eax, ebx
  SHOW " lar=", eax
  mov bx, UDATA
  lsl eax, ebx
  SHOW " lsl=", eax
  mov bx, CODE_SMALL | 3
  mov eax, 0x5a5a5a5a
  lsl eax, ebx
  SHOW " lsl=", eax
  mov ax, 0x10
  mov bx, 3
  arpl ax, bx
  setz bl
  movzx ebx, bl
  movzx eax, ax
  SHOW " arpl=", eax
  SHOW "/", ebx
  ENDRING3

  ; ---- inner stacks: #TS to #GP are handled at ring 3 by conforming code, which then repairs the TSS ---------------------
%macro USERGATE 2
  mov dword [idt + %1 * 8], (CONFORMING << 16)
  mov eax, %2
  mov [idt + %1 * 8], ax
  and eax, 0xffff0000
  or eax, 0x8f00
  mov [idt + %1 * 8 + 4], eax
%endmacro
  sidt [saved_idt]
  mov esi, idt
  mov edi, idt_copy
  mov ecx, 49 * 2
  rep movsd
  USERGATE 10, user10
  USERGATE 11, user11
  USERGATE 12, user12
  USERGATE 13, user13
  mov byte [idt + 0x2f * 8 + 5], 0xee
%macro BADSTACK 3 ; name, ss0, esp0
  RING3 %1
  mov word [tss_main + 8], %2
  mov dword [tss_main + 4], %3
  ENDRING3
%endmacro
  BADSTACK "inner ss null", 0, ring0_top
  BADSTACK "inner ss rpl 3", KDATA | 3, ring0_top
  BADSTACK "inner ss dpl 3", UDATA, ring0_top
  BADSTACK "inner ss code", KCODE, ring0_top
  BADSTACK "inner ss read-only", READ_ONLY, ring0_top
  BADSTACK "inner ss absent", STACK_ABSENT, ring0_top
  BADSTACK "inner ss beyond", BEYOND, ring0_top
  BADSTACK "inner stack good", KDATA, ring0_top
  RING3 "gate to inner ss null"
  mov word [tss_main + 8], 0
  call GATE_RING0 | 3:0
  ENDRING3
  RING3 "gate to inner ss absent"
  mov word [tss_main + 8], STACK_ABSENT
  call GATE_RING0 | 3:0
  ENDRING3
  mov esi, idt_copy
  mov edi, idt
  mov ecx, 49 * 2
  rep movsd

  ; ---- IDT ------------------------------------------------------------------------------------------------------------
%macro GATE 5 ; name, vector, selector, type word, offset
  mov dword [idt + %2 * 8], ((%3) << 16)
  mov dword [idt + %2 * 8 + 4], %4
  TRY %1
  int %2
  ENDTRY
%endmacro
  GATE "idt absent", 0x2c, KCODE, 0x0e00, 0
  GATE "idt bad type", 0x2c, KCODE, 0x8000, 0
  GATE "idt null code", 0x2c, 0, 0x8e00, 0
  GATE "idt data", 0x2c, KDATA, 0x8e00, 0
  GATE "idt code absent", 0x2c, CODE_ABSENT, 0x8e00, 0
  GATE "idt code dpl 3", 0x2c, CODE_RING3, 0x8e00, 0
  GATE "idt beyond table", 0x2c, BEYOND, 0x8e00, 0
  GATE "idt task gate to nothing", 0x2c, KDATA, 0x8500, 0
  TRY "idt limit"
  int 0xff
  ENDTRY
  TRY "into"
  mov al, 0x7f
  add al, 1
  into
  ENDTRY
  TRY "bound"
  mov eax, 5
  bound eax, [bounds]
  ENDTRY
  TRY "divide"
  xor ecx, ecx
  div ecx
  ENDTRY
  TRY "ud2"
  ud2
  ENDTRY
  TRY "single step"
  pushfd
  or dword [esp], 0x100
  popfd
  nop
  nop
  ENDTRY
  TRY "mov ss shadow holds the trap"
  mov bx, ss
  pushfd
  or dword [esp], 0x100
  popfd
  mov ss, bx
  nop
  nop
  ENDTRY
  FINISH

%macro USERSTUB 1
user%1:
  push dword %1
  jmp user_exception
%endmacro
  USERSTUB 10
  USERSTUB 11
  USERSTUB 12
  USERSTUB 13
user_exception:
  SHOW " user #", [esp+4]
  SHOW " e=", [esp+8]
  SHOW " cs=", [esp+16]
  mov word [tss_main + 8], KDATA
  mov dword [tss_main + 4], ring0_top
  int 0x2f

gate_target:
  mov eax, cs
  SHOW " cs=", eax
  jmp [recover]

far_routine:
  mov eax, [esp+4]
  SHOW " cs=", eax
  retf

conforming_routine:
  mov eax, cs
  SHOW " cs=", eax
  int 0x30

parameter_routine:
  mov ax, KDATA
  mov ds, ax
  mov eax, [esp+8]
  SHOW " p=", eax
  mov eax, [esp+12]
  SHOW " q=", eax
  mov eax, [esp+20]
  SHOW " ss=", eax
  mov ax, UDATA
  mov ds, ax
  retf 8

align 8
bounds: dd 6, 9
pointer16: dw 0x1234, KDATA
pointer32: dd pointer_target
  dw KCODE
gate_pointer: dd 0
gate_selector: dd 0
scratch: dd 0
saved_idt: dw 0
  dd 0
align 8
gdt:
  dq 0
  DESCRIPTOR 0, 0xfffff, 0xc09b
  DESCRIPTOR 0, 0xfffff, 0xc093
  DESCRIPTOR 0, 0xfffff, 0xc0fb
  DESCRIPTOR 0, 0xfffff, 0xc0f3
  DESCRIPTOR LINEAR(tss_main), 103, 0x89
  dq 0
  dq 0
  DESCRIPTOR 0, 0xfffff, 0xc013 ; 40
  DESCRIPTOR 0, 0xfffff, 0xc091 ; 48
  DESCRIPTOR 0, 0xfffff, 0xc099 ; 50
  DESCRIPTOR 0, 0xfffff, 0xc09f ; 58
  DESCRIPTOR 0, 0xfffff, 0xc0fb ; 60
  DESCRIPTOR 0, 0xfffff, 0xc0f3 ; 68
  DESCRIPTOR 0, 0xfffff, 0xc01b ; 70
  dw gate_target - 0x100000, KCODE, 0xec00, 0x10 ; 78
  dw 0, KCODE, 0x8c00, 0x10
  dw 0, KCODE, 0x6c00, 0x10
  dw 0, 0, 0xec00, 0x10
  dw 0, KDATA, 0xec00, 0x10
  dw 0, KCODE, 0xe400, 0
  DESCRIPTOR LINEAR(gdt), 0xff, 0x82
  DESCRIPTOR 0, 1, 0xc097 ; b0: expand-down
  DESCRIPTOR 0x200000, 0xfff, 0x4093
  DESCRIPTOR 0, 0xfffff, 0xc013
  DESCRIPTOR 0, 0xffff, 0x009b
  DESCRIPTOR 0, 0, 0x80
  dw conforming_routine - 0x100000, CONFORMING, 0xec00, 0x10
  dw parameter_routine - 0x100000, KCODE, 0xec02, 0x10
  DESCRIPTOR 0x100000, 0x7fff, 0x409b
  DESCRIPTOR 0, 0xfffff, 0xc073
gdt_end:

image_end:
absolute image_end
alignb 4096
idt: resb 49 * 8
idt_copy: resb 49 * 8
resb 4096
stack_top:
resb 4096
ring0_top:
resb 4096
user_top:
resb 4096
bss_end:
