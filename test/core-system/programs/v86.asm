; Virtual-8086 mode: IOPL, VME with its redirection bitmap and virtual interrupt flag, PVI, I/O permissions.
%define FLAGS_SHOWN 0x1a7f00
%include "protected.inc"

LOW equ 0x20000 ; where the 8086 code is copied
SEGMENT_8086 equ 0x2000

; Runs 16-bit code up to V86END at LOW, in virtual-8086 mode with the flags given.
%macro V86 2 ; name, flags
  TRY %1
  mov esi, %$code
  mov edi, LOW
  mov ecx, %$code_end - %$code
  rep movsb
  mov dword [try_start], 0
  push dword 0x7000 ; gs
  push dword 0x6000
  push dword 0x5000
  push dword 0x4000 ; es
  push dword 0x3000 ; ss
  push dword 0xfff0
  push dword (%2) | 0x20002
  push dword SEGMENT_8086
  push dword 0
  iretd
  bits 16
%$code:
%endmacro
%macro V86END 0
  int 0x30
  hlt
  bits 32
%$code_end:
  ENDTRY
%endmacro

IOPL3 equ 0x3000
%macro VME 1
  mov eax, cr4
  %if %1
  or eax, 1
  %else
  and eax, ~1
  %endif
  mov cr4, eax
%endmacro

start:
  call setup
  mov byte [idt + 0x30 * 8 + 5], 0xee
  mov byte [idt + 0x21 * 8 + 5], 0xee
  mov edi, tss_big
  mov word [edi + 8], KDATA
  mov dword [edi + 4], ring0_top
  mov word [edi + 102], 104 + 32
  mov dword [0x21 * 4], 0x20000100 ; interrupt vector table: 2000:0100
  mov dword [0x22 * 4], 0x20000100
  mov byte [LOW + 0x100], 0xf4     ; HLT there tells that it was reached
  mov ax, TSS_MAIN + 8
  ltr ax
  ; ports E9H (output) and F4H allowed, 80H not
  mov dword [tss_big + 136 + 16], 0xffffffff
  mov byte [tss_big + 136 + (0xe9 >> 3)], ~(1 << 1)

  V86 "iopl 3: int", IOPL3
  V86END
  V86 "iopl 3: cli, pushf, popf", IOPL3
  cli
  pushf
  pop ax
  popf
  V86END
  V86 "iopl 0: cli", 0
  cli
  V86END
  V86 "iopl 0: sti", 0
  sti
  V86END
  V86 "iopl 0: pushf", 0
  pushf
  V86END
  V86 "iopl 0: popf", 0
  popf
  V86END
  V86 "iopl 0: int", 0
  V86END
  V86 "iopl 0: iret", 0
  iret
  V86END
  V86 "iopl 0: int3", 0
  int3
  V86END
  V86 "hlt", IOPL3
  hlt
  V86END
  V86 "mov from cr0", IOPL3
  mov eax, cr0
  V86END
  V86 "lldt", IOPL3
  lldt ax
  V86END
  V86 "sgdt", IOPL3
  sgdt [0]
  V86END
  V86 "lar", IOPL3
  lar ax, bx
  V86END
  V86 "in without permission", IOPL3
  in al, 0x80
  V86END
  V86 "out with permission", 0
  mov al, '!'
  out 0xe9, al
  V86END
  V86 "out past the bitmap", IOPL3
  mov dx, 0x1000
  out dx, al
  V86END
  V86 "segments", IOPL3
  mov ax, ds
  mov bx, es
  mov cx, gs
  mov dx, ss
  mov ax, 0x1234
  mov ds, ax
  mov ax, ds
  cmp ax, 0x1234
  jne $
  V86END
  V86 "ud2", IOPL3
  ud2
  V86END
  V86 "far call and return", IOPL3
  call SEGMENT_8086:.far - %$code
  jmp .after
.far:
  retf
.after:
  V86END
  VME 1
  V86 "vme: cli, sti, pushf", 0
  cli
  pushf
  pop ax
  sti
  pushf
  pop bx
  cmp ax, bx
  je $
  V86END
  V86 "vme: sti with vip", 0x100000
  sti
  V86END
  V86 "vme: popf with if and vip", 0x100000
  push word 0x202
  popf
  V86END
  V86 "vme: popf with tf", 0
  push word 0x102
  popf
  V86END
  V86 "vme: popfd", 0
  o32 popf
  V86END
  V86 "vme: pushfd", 0
  o32 pushf
  V86END
  V86 "vme: iret", 0x80000
  pushf
  push cs
  push word .back - %$code
  iret
.back:
  pushf
  pop ax
  test ax, 0x200
  jz $
  V86END
  mov byte [tss_big + 104 + (0x21 >> 3)], 0 ; redirected to the 8086 program
  V86 "vme: redirected int", 0
  int 0x21
  V86END
  V86 "vme: redirected int, iopl 3", IOPL3
  int 0x21
  V86END
  mov byte [tss_big + 104 + (0x21 >> 3)], 0xff
  V86 "vme: int not redirected, iopl 0", 0
  int 0x21
  V86END
  V86 "vme: int not redirected, iopl 3", IOPL3
  int 0x21
  V86END
  VME 0

  ; protected-mode virtual interrupts
  mov eax, cr4
  or eax, 2
  mov cr4, eax
  TRY "pvi: sti, cli"
  push dword UDATA
  push dword user_top
  push dword 2
  push dword UCODE
  push dword .user
  iretd
.user:
  sti
  cli
  sti
  int 0x30
  ENDTRY
  TRY "pvi: sti with vip"
  push dword UDATA
  push dword user_top
  push dword 0x100002
  push dword UCODE
  push dword .user2
  iretd
.user2:
  cli
  sti
  int 0x30
  ENDTRY
  FINISH

align 8
tss_big: times 104 db 0
  times 32 db 0xff
  times 256 db 0
  db 0xff
tss_big_end:
align 8
gdt:
  dq 0
  DESCRIPTOR 0, 0xfffff, 0xc09b
  DESCRIPTOR 0, 0xfffff, 0xc093
  DESCRIPTOR 0, 0xfffff, 0xc0fb
  DESCRIPTOR 0, 0xfffff, 0xc0f3
  DESCRIPTOR LINEAR(tss_main), 103, 0x89
  DESCRIPTOR LINEAR(tss_big), tss_big_end - tss_big - 1, 0x89
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
