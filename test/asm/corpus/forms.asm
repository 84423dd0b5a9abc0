bits 64
%if ($-$$) > 100
db 1
%else
db 2
%endif
a: times 50 db 0
%assign here $-a
dd here
%rep 3
 %if ($-$$) < 60
  db 0xee
 %endif
%endrep
foo.bar: db 1
mov rax, foo.bar
$mov: db 5
dd $mov
mov eax, $mov
Label_With_Case: dd label_with_case
label_with_case: dd Label_With_Case
lbl db 5
lbl2: db 6
lbl3 mov al, 5
x1 equ 5
x2: equ 6
MOV EAX, EBX
Mov Rax, [RBX+RCX*8]
db "a;b", ';'
mov al, ';' ; comment
db 'abc' \
 , 'def'
%macro m1 2
  mov %1, %2 ; comment in macro
%endmacro
m1 rax, [rbx]
m1 {rax}, {[rbx+8]}
m1 qword [rbx], 5

[bits 32]
mov eax, [esp]
[bits 64]
[section .data]
db 1
[section .text]
lock add dword [rax], 5
rep
movsb
cs
lodsb
repne movsb

bnd jmp a
db 0x80, -1, 255, -128
dw 0xffff, -1
dq 0x8000000000000000, -1
mov eax, -1
mov eax, 0xffffffff
mov ax, 0xffff
mov al, 0xff
mov al, -128
add eax, 0xffffffff
add ax, 0xffff
add ax, -1
add rax, -1
add rax, 0x7fffffff
and eax, 0xffffff80
and rax, -128
cmp eax, 128
cmp eax, 127
cmp al, 127
sub rsp, 128
sub rsp, byte -128
or ax, byte 5
adc ecx, 0xfffffff0
test rax, 0x7fffffff
mov dword [rax], -1
mov qword [rax], 0x7fffffff
imul rax, rax, -1
imul ax, bx, 0xffff
push 0xffffffff
push -128
push 128
push 0x7f
enter 5, 1
in al, 0x80
out 0x80, ax
bt eax, 5
bt dword [rax], 5
shld eax, ebx, 5
shrd [rax], rbx, cl
cmpxchg [rax], cl
bound_test:
sal eax, 3
nop
setz al
sete [rax]
cmovc rax, rbx
jecxz bound_test
jrcxz bound_test
