; Processor 0 counts in 64-bit code; processor 1, once started, in real mode at 0800:0000.
bits 64
start:
        mov rsi, trampoline
        mov edi, 0x8000
        mov ecx, trampoline_end - trampoline
        rep movsb
        mov eax, 0xFEE00310
        mov dword [rax], 1 << 24
        mov eax, 0xFEE00300
        mov dword [rax], 0x4500
        mov dword [rax], 0x4608
again:
        inc qword [counter]
        jmp again
counter: dq 0
bits 16
trampoline:
        mov ax, cs
        mov ds, ax
loop16: inc dword [32]
        inc dword [32]
        jmp loop16
        times 32 - ($ - trampoline) db 0
        dd 0
trampoline_end:
