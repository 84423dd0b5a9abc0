bits 32
org 0x1000
start:
dd 1+2*3, (1+2)*3, 7/2, -7//2, 7 % 3, -7 %% 3, 1<<4, 0x80000000>>4
dq -1>>60, -1>>>60, ~0, !0, !5, -(-5)
dd 1 == 1, 1=2, 1 != 2, 1 <> 1, 1<2, 2<=2, 3>2, 2>=3, 1&&0, 1||0, 1^^1, 5&3, 5|3, 5^3
dd 0x1F, $1F, 1Fh, 0b101, 101b, 0o17, 17o, 17q, 0q17, 0d10, 10d, 0t10, 1_000, 0y11, 11y, 0h1f, $0ff
dd 'a', 'ab', 'abc', 'abcd', "x", `\n`, `\x41`, `\u263a`, `\101`
dq 'abcdefgh'
db 'hello', 0, "it's", `tab\there\0`
dw 'abc', 'x'
dd 'abcde'
dd $, $$, $-$$, start, end-start
dd (end-start)/4, (end-start+511)/512
times 3 dd $
times 5-2 db 1
db 1,2,3
x equ 5
y equ x*2
z equ $-start
dd x, y, z
align 4
dd 1
align 16, db 0xcc
dd 2
alignb 8
.local: dd .local, start.local
other:
.local: dd .local, other.local
..@glob: dd ..@glob
.second: dd .second
resb 3
resw 2
db 1
dd 1.5, -2.25, 1e10, 0x1p3
dq 3.14159, 1e-300, -0.0
dt 3.14159, 1e4000
dw 1.5
dd __float32__(1.5)
dq __Infinity__, __NaN__
dd ?, 5
db 4 dup (7)
dw 2 dup (1, 2), 9
db 2 dup (1, 3 dup (2))

mov eax, 'ab'
mov eax, start
mov al, 'x'
mov eax, end-start
mov ax, start
mov [start], eax
mov eax, [start+4]
mov eax, [ebx+start]
mov eax, [ebx+x]
add eax, end-start
add eax, start
push start
push x
push dword x
push strict dword x
push word x
add eax, x
add eax, strict dword x
jmp end
jmp near end
jmp short end
jmp strict near end
jz near end
jz end
call end
loop end
jecxz end
a16 loop end
jmp start
jmp dword 0x10:start
jmp 0x10:start
call word 0x10:0x20
jmp word 0x8:0x1234
jmp [eax]
jmp far [eax]
jmp dword [eax]
call far dword [eax]
call far word [eax]
end:
dd 1 ? 2 : 3, 0 ? 2 : 3
dd 5 <=> 3
