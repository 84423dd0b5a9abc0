; Real-address mode: interrupts, faults, far transfers, stacks, and the way back to protected mode.
%include "protected.inc"

LOW equ 0x10000 ; where the 16-bit program is copied: 1000:0000

start:
  call setup
  cli
  mov esi, real_code
  mov edi, LOW
  mov ecx, real_end - real_code
  rep movsb
  lidt [real_idt]
  mov ax, 0x38
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  jmp 0x30:0

align 8
real_idt: dw 0x3ff
  dd 0
gdt:
  dq 0
  DESCRIPTOR 0, 0xfffff, 0xc09b
  DESCRIPTOR 0, 0xfffff, 0xc093
  DESCRIPTOR 0, 0xfffff, 0xc0fb
  DESCRIPTOR 0, 0xfffff, 0xc0f3
  DESCRIPTOR LINEAR(tss_main), 103, 0x89
  DESCRIPTOR LOW, 0xffff, 0x009b
  DESCRIPTOR 0, 0xffff, 0x0093
gdt_end:

bits 16
%define OFFSET(label) ((label) - real_code)

%macro SAY16 1
  push si
  mov si, OFFSET(%%text)
  call puts16
  pop si
  jmp %%over
%%text: db %1, 0
%%over:
%endmacro
%macro SHOW16 2
  push eax
  mov ax, %2
  SAY16 %1
  call hex16
  pop eax
%endmacro
%macro CASE16 1
  %push case
  SAY16 %1
  mov word [cs:OFFSET(recover16)], OFFSET(%$end)
  mov [cs:OFFSET(saved_sp)], sp
  mov word [cs:OFFSET(start16)], OFFSET(%$begin)
%$begin:
%endmacro
%macro END16 0
  SAY16 " ok"
%$end:
  xor ax, ax
  mov ss, ax
  mov sp, [cs:OFFSET(saved_sp)]
  mov ds, ax
  mov es, ax
  SAY16 10
  %pop
%endmacro

real_code:
  mov eax, cr0
  and eax, ~1
  mov cr0, eax
  jmp LOW >> 4:OFFSET(.real)
.real:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov sp, 0x8000
  ; every vector leads to its own stub
  xor di, di
  mov ax, OFFSET(stubs16)
  mov cx, 0x40
.vector:
  mov [di], ax
  mov word [di + 2], LOW >> 4
  add di, 4
  add ax, 4
  loop .vector

  CASE16 "int"
  int 0x21
  END16
  CASE16 "int3"
  int3
  END16
  CASE16 "into"
  mov al, 0x7f
  add al, 1
  into
  END16
  CASE16 "divide"
  xor cx, cx
  div cx
  END16
  CASE16 "bound"
  mov ax, 5
  bound ax, [cs:OFFSET(bounds16)]
  END16
  CASE16 "ud2"
  ud2
  END16
  CASE16 "arpl"
  arpl ax, bx
  END16
  CASE16 "lldt"
  lldt ax
  END16
  CASE16 "str"
  str ax
  END16
  CASE16 "sgdt"
  sgdt [0x600]
  mov ax, [0x600]
  SHOW16 " ", ax
  END16
  CASE16 "smsw"
  smsw ax
  and ax, 15
  SHOW16 " ", ax
  END16
  CASE16 "far call and return"
  call LOW >> 4:OFFSET(routine)
  SHOW16 " sp=", sp
  END16
  CASE16 "far call, 32-bit operand"
  call dword LOW >> 4:OFFSET(routine32)
  SHOW16 " sp=", sp
  END16
  CASE16 "retf 4"
  push word 1
  push word 2
  push cs
  push word OFFSET(.back)
  retf 4
.back:
  SHOW16 " sp=", sp
  END16
  CASE16 "iret"
  push word 0x8d7
  push cs
  push word OFFSET(.iret)
  iret
.iret:
  pushf
  pop ax
  and ax, 0x8d5
  SHOW16 " ", ax
  END16
  CASE16 "iretd"
  push dword 0x40002
  push dword LOW >> 4
  push dword OFFSET(.iretd)
  iretd
.iretd:
  pushfd
  pop eax
  shr eax, 16
  SHOW16 " ", ax
  push dword 2
  popfd
  END16
  CASE16 "stack wraps"
  mov sp, 2
  push ax
  SHOW16 " sp=", sp
  mov sp, [cs:OFFSET(saved_sp)]
  END16
  CASE16 "les"
  mov dword [0x600], 0x12345678
  les bx, [0x600]
  mov ax, es
  SHOW16 " es=", ax
  SHOW16 " bx=", bx
  END16
  CASE16 "lss lfs lgs lds"
  mov word [0x600], 0x7000
  mov word [0x602], 0
  lss ecx, [0x600]
  SHOW16 " cx=", cx
  mov sp, [cs:OFFSET(saved_sp)]
  lfs dx, [0x600]
  SHOW16 " dx=", dx
  lgs bp, [0x600]
  SHOW16 " bp=", bp
  lds si, [0x600]
  mov ax, si
  SHOW16 " si=", ax
  END16
  CASE16 "segment wraps below 1 MiB"
  mov ax, 0xffff
  mov ds, ax
  mov byte [0x10], 0x5a
  xor ax, ax
  mov ds, ax
  mov al, [0]
  END16
  CASE16 "push sp"
  push sp
  pop ax
  sub ax, sp
  SHOW16 " ", ax
  END16
  CASE16 "pusha, popa"
  mov bx, 0x1234
  pusha
  xor bx, bx
  popa
  SHOW16 " ", bx
  END16
  CASE16 "enter, leave"
  mov bp, 0x1111
  enter 16, 2
  mov ax, sp
  leave
  sub ax, sp
  SHOW16 " ", ax
  SHOW16 " bp=", bp
  END16
  CASE16 "single step"
  push word 0x102
  popf
  nop
  END16
  CASE16 "string across the end"
  mov si, 0x700
  mov di, 0x780
  mov cx, 5
  rep movsw
  SHOW16 " si=", si
  SHOW16 " di=", di
  END16
  CASE16 "sysenter"
  sysenter
  END16
  CASE16 "vmcall"
  vmcall
  END16
  CASE16 "unreal"
  cli
  lgdt [cs:OFFSET(gdtr16)]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp $ + 2
  mov bx, KDATA
  mov fs, bx
  and al, 0xfe
  mov cr0, eax
  xor bx, bx
  mov fs, bx
  mov ebx, 0x100000
  mov eax, [fs:ebx]
  shr eax, 16
  SHOW16 " ", ax
  END16
  FINISH

stubs16: ; 4 bytes each: call event16, and a filler; the return address tells the vector
%rep 0x40
  call event16
  nop
%endrep
event16: ; stack: address in the stubs + 3, ip, cs, flags
  cld
  pop ax
  sub ax, OFFSET(stubs16) + 3
  shr ax, 2
  SHOW16 " #", ax
  pop ax
  sub ax, [cs:OFFSET(start16)]
  SHOW16 " ip=", ax
  pop ax
  SHOW16 " cs=", ax
  pop ax
  and ax, 0xf00
  SHOW16 " fl=", ax
  pushf
  pop ax
  and ax, 0xf00
  SHOW16 " now=", ax
  jmp [cs:OFFSET(recover16)]
puts16:
  push ax
.next:
  mov al, [cs:si]
  inc si
  test al, al
  jz .done
  out 0xe9, al
  jmp .next
.done:
  pop ax
  ret
hex16: ; ax
  push cx
  push ax
  mov cx, 4
.digit:
  rol ax, 4
  push ax
  and al, 15
  cmp al, 10
  sbb al, 0x69
  das
  out 0xe9, al
  pop ax
  loop .digit
  pop ax
  pop cx
  ret
routine:
  mov bp, sp
  mov ax, [bp + 2]
  SHOW16 " cs=", ax
  retf
routine32:
  o32 retf
bounds16: dw 6, 9
saved_sp: dw 0
recover16: dw 0
start16: dw 0
gdtr16: dw gdt_end - gdt - 1
  dd gdt
real_end:
bits 32

image_end:
absolute image_end
alignb 4096
idt: resb 49 * 8
resb 4096
stack_top:
resb 4096
ring0_top:
resb 4096
bss_end:
