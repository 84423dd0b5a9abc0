; What QEMU's TCG does otherwise than the SDM: segment limits and types of accesses, and a few error codes. The expected
; lines in the test are the SDM's.
%define FLAGS_SHOWN 0x37f00
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
SMALL3 equ 0xfb
BEYOND equ 0x1000

%macro USER 1 ; runs the label at ring 3
  push dword UDATA
  push dword user_top
  push dword 0x3002
  push dword UCODE
  push dword %1
  iretd
%endmacro

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
start:
  call setup
  mov byte [idt + 0x30 * 8 + 5], 0xee
  TRY "use null ds"
  xor ax, ax
  mov ds, ax
  mov eax, [0x100000]
  ENDTRY
  TRY "write read-only"
  mov ax, READ_ONLY
  mov ds, ax
  mov eax, [0x100000]
  mov [0x100000], eax
  ENDTRY
  TRY "write through cs"
  mov [cs:scratch], eax
  ENDTRY
  TRY "expand-down inside limit"
  mov ax, EXPAND_DOWN
  mov es, ax
  mov eax, [es:0x1fff]
  ENDTRY
  TRY "expand-down above limit"
  mov ax, EXPAND_DOWN
  mov es, ax
  mov eax, [es:0x2000]
  mov eax, [es:0xfffffffc]
  ENDTRY
  TRY "expand-down at the top"
  mov ax, EXPAND_DOWN
  mov es, ax
  mov eax, [es:0xfffffffd]
  ENDTRY
  TRY "limit, last byte"
  mov ax, SMALL
  mov fs, ax
  mov al, [fs:0xfff]
  mov eax, [fs:0xffc]
  ENDTRY
  TRY "limit, past by one"
  mov ax, SMALL
  mov fs, ax
  mov eax, [fs:0xffd]
  ENDTRY
  RING3 "stack limit"
  mov ax, SMALL3
  mov ss, ax
  mov esp, 0x2000
  push eax
  ENDTRY
  RING3 "pop past limit"
  mov ax, SMALL3
  mov ss, ax
  mov esp, 0xffd
  pop eax
  ENDTRY
  RING3 "pop within limit"
  mov ax, SMALL3
  mov ss, ax
  mov esp, 0xffc
  pop eax
  ENDRING3
  TRY "call past cs limit"
  jmp CODE_SMALL:.inside - 0x100000
.inside:
  mov eax, 0x8000
  jmp eax
  ENDTRY
  TRY "far jump past cs limit"
  jmp CODE_SMALL:0x8000
  ENDTRY
  TRY "write execute-only"
  mov [cs:scratch], al
  ENDTRY
  TRY "read execute-only"
  jmp EXEC_ONLY:.execute
.execute:
  mov al, [cs:scratch]
  ENDTRY
  TRY "offset wraps"
  mov eax, 0xffffffff
  mov ax, SMALL
  mov fs, ax
  mov eax, 0xffffffff
  mov ax, [fs:eax]
  ENDTRY
  TRY "wide access at the top of flat"
  mov eax, [ds:0xfffffffd]
  ENDTRY

  TRY "retf outer, stack absent"
  push dword STACK_ABSENT3 | 3
  push dword 0x1000
  push dword UCODE
  push dword 0x1234
  retf
  ENDTRY
  TRY "iret ss absent"
  push dword STACK_ABSENT3 | 3
  push dword 0x1000
  push dword 2
  push dword UCODE
  push dword 0x1234
  iretd
  ENDTRY
  RING3 "ring 3: conforming gate"
  call GATE_CONFORMING | 3:0
  ENDRING3
  TRY "int1"
  db 0xf1
  ENDTRY
  TRY "fault sets RF in the image"
  ud2
  ENDTRY
  TRY "interrupt does not"
  int 0x30
  ENDTRY
  FINISH

conforming_routine:
  mov eax, cs
  SHOW " cs=", eax
  int 0x30

scratch: dd 0
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
  dw 0, KCODE, 0xec00, 0x10 ; 78
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
  dw 0, KCODE, 0xec02, 0x10
  DESCRIPTOR 0x100000, 0x7fff, 0x409b
  DESCRIPTOR 0, 0xfffff, 0xc073
  DESCRIPTOR 0x200000, 0xfff, 0x40f3
gdt_end:

image_end:
absolute image_end
alignb 4096
idt: resb 49 * 8
resb 4096
stack_top:
resb 4096
ring0_top:
resb 4096
user_top:
resb 4096
bss_end:
