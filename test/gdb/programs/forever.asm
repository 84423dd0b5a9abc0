        bits    64
start:  inc     rax
        jmp     start
