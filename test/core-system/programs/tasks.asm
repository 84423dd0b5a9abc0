; Task switches: CALL, JMP, IRET, task gates, nesting, error codes; 16- and 32-bit TSSs; the debug trap of the T flag.
%include "protected.inc"

TASK_A equ 0x30
TASK_B equ 0x38
TASK_16 equ 0x40
GATE_A equ 0x48
GATE_ABSENT equ 0x50
TASK_SMALL equ 0x58
TASK_ABSENT equ 0x60
LDT equ 0x68
CODE_ABSENT equ 0x70
DATA_ABSENT equ 0x78
GATE_DATA equ 0x80
BUSY equ 0x88

%macro TSSFILL 2 ; label, entry
  mov edi, %1
  xor eax, eax
  mov ecx, 26
  rep stosd
  mov dword [%1 + 0x20], %2
  mov dword [%1 + 0x24], 2
  mov dword [%1 + 0x38], task_stack_top
  mov dword [%1 + 0x48], KDATA
  mov dword [%1 + 0x4c], KCODE
  mov dword [%1 + 0x50], KDATA
  mov dword [%1 + 0x54], KDATA
  mov dword [%1 + 0x58], KDATA
  mov dword [%1 + 0x5c], KDATA
  mov word [%1 + 0x66], 104
%endmacro

%macro READY 0 ; every TSS available again but the main one
  mov byte [gdt + TASK_A + 5], 0x89
  mov byte [gdt + TASK_B + 5], 0x89
  mov byte [gdt + TASK_16 + 5], 0x81
  mov byte [gdt + TSS_MAIN + 5], 0x8b
  TSSFILL tss_a, task_a
%endmacro

%macro RIGHTS 2 ; name, selector
  movzx eax, byte [gdt + %2 + 5]
  SHOW %1, eax
%endmacro

; The main task ends every case; when another task runs the case goes on there, so come back to the main TSS by hand.
%macro MAIN 0
  mov byte [gdt + TSS_MAIN + 5], 0x89
  mov ax, TSS_MAIN
  ltr ax
  push dword 2
  popfd
  clts
%endmacro

%macro TASKTRY 1
  READY
  TRY %1
%endmacro
%macro ENDTASK 0
  ENDTRY
  MAIN
%endmacro

start:
  call setup
  TASKTRY "call task"
  mov ebx, 0x1111
  call TASK_A:0
  SHOW " back ebx=", ebx
  RIGHTS " a=", TASK_A
  RIGHTS " main=", TSS_MAIN
  movzx eax, word [tss_a]
  SHOW " link=", eax
  ENDTASK
  TASKTRY "jmp task"
  mov dword [tss_a + 0x20], task_jumped
  jmp TASK_A:0
  ENDTASK
  TASKTRY "call through task gate"
  call GATE_A:0
  RIGHTS " a=", TASK_A
  ENDTASK
  TASKTRY "task gate absent"
  call GATE_ABSENT:0
  ENDTASK
  TASKTRY "task gate to data"
  call GATE_DATA:0
  ENDTASK
  TASKTRY "busy task"
  call BUSY:0
  ENDTASK
  TASKTRY "absent task"
  call TASK_ABSENT:0
  ENDTASK
  TASKTRY "iret without a link"
  mov word [tss_main], 0
  push dword 0x4002
  popfd
  iretd
  ENDTASK
  TASKTRY "iret to an available task"
  mov word [tss_main], TASK_A
  push dword 0x4002
  popfd
  iretd
  ENDTASK
  TASKTRY "iret to a code segment"
  mov word [tss_main], KCODE
  push dword 0x4002
  popfd
  iretd
  ENDTASK
  TASKTRY "call 16-bit task"
  mov word [tss_16 + 0x0e], task_16 - 0x100000
  mov word [tss_16 + 0x10], 2
  mov word [tss_16 + 0x1a], 0xf000
  mov word [tss_16 + 0x22], KDATA
  mov word [tss_16 + 0x24], CODE_IMAGE
  mov word [tss_16 + 0x26], KDATA
  mov word [tss_16 + 0x28], KDATA
  mov word [tss_16 + 0x2a], 0
  mov word [tss_16 + 0x12], 0x1234
  call TASK_16:0
  RIGHTS " 16=", TASK_16
  ENDTASK

  ; faults in the new task, which has no stack yet: #TS, #NP and #SS through a task gate
%macro TASKGATE 1
  mov dword [idt + %1 * 8], TASK_B << 16
  mov dword [idt + %1 * 8 + 4], 0x8500
%endmacro
%macro FAULTTRY 3 ; name, offset in the TSS, value
  TASKTRY %1
  TSSFILL tss_b, task_fault
  mov dword [tss_a + %2], %3
  call TASK_A:0
  ENDTASK
%endmacro
  TASKGATE 10
  TASKGATE 11
  TASKGATE 12
  FAULTTRY "new cs null", 0x4c, 0
  FAULTTRY "new cs data", 0x4c, KDATA
  FAULTTRY "new cs absent", 0x4c, CODE_ABSENT
  FAULTTRY "new cs beyond", 0x4c, 0x1000
  FAULTTRY "new ss null", 0x50, 0
  FAULTTRY "new ss code", 0x50, KCODE
  FAULTTRY "new ss rpl 3", 0x50, KDATA | 3
  FAULTTRY "new ss absent", 0x50, DATA_ABSENT
  FAULTTRY "new ds absent", 0x54, DATA_ABSENT
  FAULTTRY "new es system", 0x48, TSS_MAIN
  FAULTTRY "new fs rpl 3", 0x58, KDATA | 3
  FAULTTRY "new ldt bad", 0x60, KCODE
  FAULTTRY "new ldt in ldt", 0x60, LDT | 4
  FAULTTRY "new ldt beyond", 0x60, 0x1000
  TASKTRY "tss too small"
  TSSFILL tss_b, task_fault
  call TASK_SMALL:0
  ENDTASK

  ; events through a task gate
  mov dword [idt + 0x2a * 8], TASK_B << 16
  mov dword [idt + 0x2a * 8 + 4], 0x8500
  TASKTRY "int through task gate"
  TSSFILL tss_b, task_b
  int 0x2a
  SHOW " back ts=", [ts_seen]
  ENDTASK
  mov eax, [idt + 13 * 8]
  mov [saved_gate], eax
  mov eax, [idt + 13 * 8 + 4]
  mov [saved_gate + 4], eax
  mov dword [idt + 13 * 8], TASK_B << 16
  mov dword [idt + 13 * 8 + 4], 0x8500
  TASKTRY "#GP through task gate"
  TSSFILL tss_b, task_fault
  mov ax, 0x1000
  mov ds, ax
  ENDTASK
  mov eax, [saved_gate]
  mov [idt + 13 * 8], eax
  mov eax, [saved_gate + 4]
  mov [idt + 13 * 8 + 4], eax
  TASKTRY "flags and registers saved"
  mov ecx, 0xcccc
  mov edx, 0xdddd
  stc
  call TASK_A:0
  SHOW " ecx=", [tss_main + 0x2c]
  SHOW " edx=", [tss_main + 0x30]
  mov eax, [tss_main + 0x24]
  and eax, 1
  SHOW " cf=", eax
  mov eax, [tss_main + 0x20]
  sub eax, [try_start]
  SHOW " eip=", eax
  ENDTASK
  FINISH

task_a:
  pushfd
  pop eax
  SHOW " in a fl=", eax
  str ax
  movzx eax, ax
  SHOW " tr=", eax
  mov eax, cr0
  and eax, 8
  SHOW " ts=", eax
  RIGHTS " a=", TASK_A
  RIGHTS " main=", TSS_MAIN
  iretd
  SAY " again"
  jmp task_a

task_jumped:
  pushfd
  pop eax
  SHOW " in a fl=", eax
  RIGHTS " a=", TASK_A
  RIGHTS " main=", TSS_MAIN
  mov eax, [tss_a]
  SHOW " link=", eax
  jmp [recover]

task_b:
  mov eax, cr0
  and eax, 8
  mov [ts_seen], eax
  SAY " in b"
  clts
  iretd

task_fault:
  pop eax
  SHOW " in b e=", eax
  movzx eax, word [tss_b]
  SHOW " from=", eax
  jmp [recover]

bits 16
task_16:
  push ax
  push sp
  iret
bits 32

align 8
ts_seen: dd 0
saved_gate: dd 0, 0
tss_a: times 104 db 0
tss_b: times 104 db 0
tss_16: times 44 db 0
CODE_IMAGE equ 0x90
align 8
gdt:
  dq 0
  DESCRIPTOR 0, 0xfffff, 0xc09b
  DESCRIPTOR 0, 0xfffff, 0xc093
  DESCRIPTOR 0, 0xfffff, 0xc0fb
  DESCRIPTOR 0, 0xfffff, 0xc0f3
  DESCRIPTOR LINEAR(tss_main), 103, 0x89
  DESCRIPTOR LINEAR(tss_a), 103, 0x89
  DESCRIPTOR LINEAR(tss_b), 103, 0x89
  DESCRIPTOR LINEAR(tss_16), 43, 0x81
  dw 0, TASK_A, 0xe500, 0
  dw 0, TASK_A, 0x6500, 0
  DESCRIPTOR LINEAR(tss_a), 50, 0x89
  DESCRIPTOR LINEAR(tss_a), 103, 0x09
  DESCRIPTOR 0, 0xff, 0x82
  DESCRIPTOR 0, 0xfffff, 0xc01b
  DESCRIPTOR 0, 0xfffff, 0xc013
  dw 0, KDATA, 0xe500, 0
  DESCRIPTOR LINEAR(tss_a), 103, 0x8b
  DESCRIPTOR 0x100000, 0xffff, 0x009b
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
task_stack_top:
resb 4096
bss_end:
