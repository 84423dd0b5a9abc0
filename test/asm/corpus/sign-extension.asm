bits 64
add rax, 0xffffffff
add rbx, 0xffffffff
add rbx, 0xffffff80
imul rax, rbx, 0xffffffff
push 0xffffffff
push 0xffffff80
push 0xffffff00
push qword 0xffffffff
mov qword [rax], 0xffffffff
add qword [rax], 0xfffffffffffffff0
add eax, 0xfffffffffffffff0
add eax, 0x1fffffff0
push 0xfffffffffffffff0
test rbx, 0xffffffff
