; x87 and state management: which exceptions, in which order, and what is saved. The expected lines in the test are the SDM's.
%include "long.inc"

%macro CR0_BITS 2 ; clear, set
  mov rax, cr0
  and eax, ~(%1)
  or eax, %2
  mov cr0, rax
%endmacro

; A division by zero with ZM = 0: pending, not yet reported.
%macro PENDING 0
  fninit
  fldcw [unmasked]
  fld1
  fldz
  fdivp st1, st0
%endmacro

start:
  CR0_BITS 14, 32 ; MP EM TS, NE
  fninit
  TRY "fld1 with ts"
  CR0_BITS 0, 8
  fld1
  ENDTRY
  CR0_BITS 8, 0
  TRY "fld1 with em"
  CR0_BITS 0, 4
  fld1
  ENDTRY
  TRY "fxsave with em"
  fxsave [area]
  ENDTRY
  TRY "wait with em"
  wait
  ENDTRY
  CR0_BITS 4, 8
  TRY "wait with ts"
  wait
  ENDTRY
  TRY "fnstsw with ts"
  fnstsw ax
  ENDTRY
  TRY "fxrstor with ts"
  fxrstor [area]
  ENDTRY
  CR0_BITS 8, 0
  TRY "lock"
  db 0xf0
  fld dword [one]
  ENDTRY
  TRY "reserved encoding"
  db 0xd9, 0xd1
  ENDTRY

  ; ---- an exception waits for the next instruction that waits
  TRY "pending at fld1"
  PENDING
  fld1
  ENDTRY
  TRY "pending at wait"
  wait
  ENDTRY
  TRY "pending: fnstsw"
  fnstsw ax
  and eax, ~0x3800
  SHOW " ", rax
  ENDTRY
  TRY "pending: fxsave"
  fxsave [area]
  movzx eax, word [area + 2]
  and eax, ~0x3800
  SHOW " ", rax
  ENDTRY
  TRY "pending: fnclex, fld1"
  fnclex
  fld1
  ENDTRY
  TRY "unmasked afterwards"
  fninit
  fld1
  fldz
  fdivp st1, st0
  fldcw [unmasked]
  fld1
  ENDTRY
  TRY "masked afterwards"
  PENDING
  fnstenv [area]
  fld1
  ENDTRY
  TRY "operands stay"
  PENDING
  fnclex
  fstp qword [area]
  SHOW " st0=", [area]
  ENDTRY

  ; ---- pointers
  TRY "pointers"
  fninit
  fld1
.add:
  fadd qword [number]
  fnstcw [area]
  fnstenv [area]
  mov eax, [area + 12]
  sub eax, .add
  SHOW " fip=", rax
  mov eax, [area + 20]
  sub eax, number
  SHOW " fdp=", rax
  mov eax, [area + 16]
  SHOW " fcs, fop=", rax
  movzx eax, word [area + 24]
  SHOW " fds=", rax
  movzx eax, word [area + 8]
  SHOW " ftw=", rax
  movzx eax, word [area + 4]
  SHOW " fsw=", rax
  ENDTRY
  TRY "opcode of an unmasked exception"
  PENDING
  fnstenv [area]
  mov eax, [area + 16]
  SHOW " ", rax
  ENDTRY
  TRY "fninit clears pointers"
  fninit
  fnstenv [area]
  mov rax, [area + 12]
  SHOW " ", rax
  mov eax, [area + 20]
  SHOW " ", rax
  movzx eax, word [area]
  SHOW " fcw=", rax
  ENDTRY
  TRY "fnsave and frstor"
  fninit
  fld1
  fldpi
  fnsave [area]
  fnstsw ax
  and eax, 0x3800
  SHOW " top=", rax
  frstor [area]
  fnstsw ax
  and eax, 0x3800
  SHOW " top=", rax
  fstp qword [area]
  SHOW " st0=", [area]
  fstp qword [area]
  SHOW " st1=", [area]
  ENDTRY
  TRY "14 bytes"
  fninit
  fld1
  mov qword [area + 8], -1
  o16 fnstenv [area]
  movzx eax, word [area]
  SHOW " ", rax
  movzx eax, word [area + 2]
  SHOW " ", rax
  movzx eax, word [area + 4]
  SHOW " ", rax
  movzx eax, word [area + 14]
  SHOW " ", rax
  ENDTRY

  ; ---- FXSAVE
  TRY "fxsave not aligned"
  fxsave [area + 8]
  ENDTRY
  TRY "fxsave"
  fninit
  fld1
  fxsave [area]
  SHOW " ", [area]
  movzx eax, word [area + 4]
  SHOW " tags=", rax
  mov eax, [area + 24]
  SHOW " mxcsr=", rax
  mov eax, [area + 28]
  SHOW " mask=", rax
  SHOW " st0=", [area + 32]
  SHOW ":", [area + 40]
  ENDTRY
  TRY "fxrstor, reserved bit of mxcsr"
  mov dword [area + 24], 0x11f80
  fxrstor [area]
  ENDTRY
  TRY "fxrstor, pending"
  mov dword [area + 24], 0x1f80
  mov word [area], 0x37e
  mov word [area + 2], 1
  fxrstor [area]
  fld1
  ENDTRY

  ; ---- XSAVE
  fninit
  TRY "xsave without osxsave"
  xsave [area]
  ENDTRY
  TRY "xgetbv without osxsave"
  xgetbv
  ENDTRY
  mov rax, cr4
  or eax, 1 << 18
  mov cr4, rax
  TRY "xcr0 after reset"
  xor ecx, ecx
  xgetbv
  SHOW " ", rax
  ENDTRY
  TRY "xsetbv 0"
  xor eax, eax
  xor edx, edx
  xor ecx, ecx
  xsetbv
  ENDTRY
  TRY "xsetbv 2"
  mov eax, 2
  xsetbv
  ENDTRY
  TRY "xsetbv 7"
  mov eax, 7
  xsetbv
  ENDTRY
  TRY "xsetbv of xcr1"
  mov eax, 3
  mov ecx, 1
  xsetbv
  ENDTRY
  TRY "xsetbv 3"
  mov eax, 3
  xor ecx, ecx
  xsetbv
  xor eax, eax
  xgetbv
  SHOW " ", rax
  ENDTRY
  RING3 "ring 3: xsetbv"
  xsetbv
  ENDRING3
  TRY "xsave not aligned"
  xsave [area + 16]
  ENDTRY
  CR0_BITS 0, 8
  TRY "xsave with ts"
  xsave [area]
  ENDTRY
  CR0_BITS 8, 4
  TRY "xsave with em"
  mov eax, 3
  xor edx, edx
  xsave [area]
  ENDTRY
  CR0_BITS 4, 0
  fninit
  mov rdi, area
  mov ecx, 576 / 8
  xor eax, eax
  rep stosq
  mov dword [area + 24], 0x1f80
  mov dword [zero_area + 24], 0x1f80
  mov eax, 3
  xrstor [area] ; both components in their initial configuration
  TRY "xsave of the initial configuration"
  fnstcw [number]
  movzx eax, word [number]
  SHOW " fcw=", rax
  mov qword [area + 512], 0xfe
  mov eax, 3
  xsave [area]
  SHOW " bv=", [area + 512]
  ENDTRY
  TRY "xsave of x87"
  fld1
  mov eax, 3
  xsave [area]
  SHOW " bv=", [area + 512]
  SHOW " st0=", [area + 32]
  ENDTRY
  TRY "xsave of what is asked for"
  mov qword [area + 512], 2
  mov eax, 1
  xsave [area]
  SHOW " bv=", [area + 512]
  ENDTRY
  TRY "xsaveopt leaves out what is initial"
  fninit
  mov qword [zero_area + 512], 0
  xor eax, eax
  xor edx, edx
  mov eax, 3
  xrstor [zero_area]
  mov word [area], 0x1234
  mov eax, 1
  xsaveopt [area]
  movzx eax, word [area]
  SHOW " ", rax
  SHOW " bv=", [area + 512]
  ENDTRY
  TRY "xgetbv 1"
  fld1
  mov ecx, 1
  xgetbv
  SHOW " ", rax
  ENDTRY
  TRY "xsavec"
  mov eax, 3
  xor edx, edx
  xsavec [area]
  SHOW " bv=", [area + 512]
  SHOW " comp=", [area + 520]
  ENDTRY
  TRY "xrstor of the compacted form"
  mov eax, 3
  xrstor [area]
  fstp qword [number]
  SHOW " ", [number]
  ENDTRY
  TRY "xrstor, component not in the compacted form"
  mov qword [area + 520], 0
  bts qword [area + 520], 63
  mov eax, 3
  xrstor [area]
  ENDTRY
  TRY "xrstor, standard form with xcomp_bv"
  mov qword [area + 520], 1
  xrstor [area]
  ENDTRY
  TRY "xrstor, component not in xcr0"
  mov qword [area + 520], 0
  mov qword [area + 512], 4
  xrstor [area]
  ENDTRY
  TRY "xrstor, reserved header"
  mov qword [area + 512], 1
  mov qword [area + 528], 1
  xrstor [area]
  ENDTRY
  TRY "xrstor, reserved bit of mxcsr"
  mov qword [area + 528], 0
  mov dword [area + 24], -1
  mov eax, 2
  xrstor [area]
  ENDTRY
  TRY "xrstor of x87 only"
  mov eax, 1
  xrstor [area]
  ENDTRY
  TRY "xsaves"
  mov eax, 3
  xsaves [area]
  ENDTRY
  FINISH

align 8
one: dd 1.0
unmasked: dw 0x37b ; ZM is 0
dw 0
number: dq 2.0

GDT_COMMON
gdt_end:
align 64
zero_area: times 576 db 0
area: times 640 db 0
BSS_COMMON
