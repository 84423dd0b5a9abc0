; A processor whose timer interrupts it every few microseconds, while it counts in a loop.

        bits 64
        org 0x100000
start:
        mov     rsp, 0x90000
        mov     rax, tick
        mov     rbx, idt + 0x20 * 16
        mov     [rbx], ax
        mov     word [rbx + 2], cs
        mov     word [rbx + 4], 0x8E00
        shr     rax, 16
        mov     [rbx + 6], ax
        lidt    [idt_register]
        mov     al, 0x11                ; 8259: initialise, vectors from 20H, IRQ 0 alone
        out     0x20, al
        mov     al, 0x20
        out     0x21, al
        mov     al, 4
        out     0x21, al
        mov     al, 1
        out     0x21, al
        mov     al, 0xFE
        out     0x21, al
        mov     al, 0x34                ; 8254: channel 0, rate generator, every 3 counts
        out     0x43, al
        mov     al, 3
        out     0x40, al
        xor     al, al
        out     0x40, al
        sti
count:
        inc     rbx
        add     rcx, 2
        jmp     count

tick:
        push    rax
        inc     r15
        mov     al, 0x20
        out     0x20, al
        pop     rax
        iretq

        align   16
idt:
        times 0x21 * 2 dq 0
idt_register:
        dw      $ - idt - 1
        dq      idt
