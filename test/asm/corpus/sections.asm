org 0x7c00
bits 16
section .text
start: mov ax, data1
 mov bx, bss1
 mov cx, [data1]
 jmp far_away
section .data
data1: dw 1,2,3
 db 5
section .bss
bss1: resb 3
bss2: resd 2
section .rodata align=16
ro: dd 5
section .text
far_away:

 hlt
section other follows=.rodata vstart=0x500
o1: dw o1, $, $$
section .data
 dw bss2, bss1, ro, o1
struc point, 4
.x: resw 1
.y: resw 1
.z: resb 5
 alignb 4
endstruc
 dw point.x, point.y, point_size
p1: istruc point
 at point.x, dw 7
 at point.z, db 1,2
iend
absolute 0x400
kbd: resw 1
mem: resw 1
section .text
 mov ax, [kbd]
 mov ax, mem
align 16
 mov ax, [es:di]
 mov [bp+si-2], al
 mov eax, [ebx]
 jmp 0xffff:0
 call word far_away
 jmp short $
 jmp $+2
 push word 5
 push 5
 push 300
 push dword 5
 pushad
 pusha
 popf
 lgdt [p1]
 o32 lgdt [p1]
 mov eax, cr0
 or al, 1
 mov cr0, eax
 jmp dword 8:pm
bits 32
pm: mov ax, 16
 mov ds, ax
 mov esp, 0x9000
 jmp pm2
times 200 nop
pm2: jmp pm
 lgdt [p1]
 mov ax, [bx]
 iret
 retf
 call 8:pm
use16
 iret
 retf
 times 510-($-$$) db 0
 dw 0xAA55
