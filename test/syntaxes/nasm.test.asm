; SYNTAX TEST "source.nasm" "instructions, directives, names"

        bits    64              ; a comment
;       ^^^^ keyword.control.directive.nasm
;               ^^ constant.numeric.decimal.nasm
;                               ^^^^^^^^^^^ comment.line.semicolon.nasm
%include "vmx.inc"
; <-------- keyword.control.import.nasm
;         ^^^^^^^ string.quoted.include.nasm
%macro save 1
; <------ keyword.control.directive.nasm
;      ^^^^ entity.name.function.macro.nasm
        push    %1
;       ^^^^ keyword.mnemonic.nasm
;               ^^ variable.parameter.macro.nasm
%endmacro
%define SIZE 0x1F
;       ^^^^ entity.name.constant.nasm
;            ^^^^ constant.numeric.hex.nasm
start:  mov     rax, qword [rbx + 10h]
; <----- entity.name.function.label.nasm
;    ^ punctuation.separator.label.nasm
;       ^^^ keyword.mnemonic.nasm
;               ^^^ variable.language.register.nasm
;                    ^^^^^ storage.modifier.size.nasm
;                           ^^^ variable.language.register.nasm
;                                 ^^^ constant.numeric.hex.nasm
.local: jne     .local
;       ^^^ keyword.control.flow.nasm
        vmread  rax, rdx
;       ^^^^^^ keyword.control.vmx.nasm
        mov     edx, GUEST_RIP
;                    ^^^^^^^^^ support.constant.vmcs.nasm
        lock inc dword [rax]
;       ^^^^ keyword.other.prefix.nasm
text:   db      "a;b", 'c', `\n`
;       ^^ storage.type.data.nasm
;               ^^^^^ string.quoted.double.nasm
;                      ^^^ string.quoted.single.nasm
;                            ^^ constant.character.escape.nasm
space:  resq    0b101
;       ^^^^ storage.type.data.nasm
;               ^^^^^ constant.numeric.binary.nasm
section .text align=16
; <------- keyword.control.directive.nasm
; @assert rax == 1
; ^^^^^^^ keyword.other.annotation.nasm
        vaddps  ymm0, ymm1, ymm2
;       ^^^^^^ keyword.mnemonic.nasm
;               ^^^^ variable.language.register.nasm
