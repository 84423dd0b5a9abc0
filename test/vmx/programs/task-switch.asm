; Task switches exit from a 32-bit guest, before the switch: CALL, JMP, IRET and a task gate in the IDT
; (SDM "Exit Qualification for Task Switches": 15:0 selector, 31:30 source: 0 CALL, 1 IRET, 2 JMP, 3 task gate in the IDT).
%include "hypervisor.inc"

TABLE           equ SCRATCH             ; GDT of the guest
TSS_A           equ SCRATCH + 0x1000
TSS_B           equ SCRATCH + 0x2000
IDT32           equ SCRATCH + 0x3000
DIRECTORY       equ SCRATCH + 0x4000

test:
        ; GDT: 8 code, 10 data, 18 TSS A (busy), 20 TSS B, 28 task gate to B
        mov     rax, 0x00CF9B000000FFFF
        mov     [TABLE + 8], rax
        mov     rax, 0x00CF93000000FFFF
        mov     [TABLE + 16], rax
        mov     rax, 0x00008B0000000067 | (TSS_A & 0xFFFFFF) << 16
        mov     [TABLE + 0x18], rax
        mov     rax, 0x0000890000000067 | (TSS_B & 0xFFFFFF) << 16
        mov     [TABLE + 0x20], rax
        mov     rax, 0x0000850000200000
        mov     [TABLE + 0x28], rax
        mov     [IDT32 + 0x20 * 8], rax
        mov     word [TSS_A], 0x20              ; back link, for IRET with NT
        mov     qword [DIRECTORY], 0x83         ; 4-MByte page, identity

        vmclr   ENTRY_CONTROLS, ENTRY_GUEST_64
        mov     rax, cr4
        and     rax, ~0x20
        or      rax, 0x10                       ; PSE, no PAE
        vmw     GUEST_CR4, rax
        vmw     GUEST_CR3, DIRECTORY
        vmw     GUEST_CS_RIGHTS, 0xC09B
        vmw     GUEST_GDTR_BASE, TABLE
        vmw     GUEST_GDTR_LIMIT, 0x2F
        vmw     GUEST_IDTR_BASE, IDT32
        vmw     GUEST_IDTR_LIMIT, 0x3FF
        vmw     GUEST_TR_BASE, TSS_A

        run_until REASON_TASK_SWITCH, 0x20 | 2 << 30, 7
        expect_field GUEST_RIP, guest
        expect_field GUEST_TR_SEL, TSS_SEL      ; nothing of it has happened
        skip
        run_until REASON_TASK_SWITCH, 0x20 | 0 << 30, 7
        skip
        run_until REASON_TASK_SWITCH, 0x20 | 0 << 30, 7         ; through the task gate
        skip
        run_until REASON_TASK_SWITCH
        expect_field EXIT_QUALIFICATION, 0x20 | 3 << 30         ; INT 20H
        expect_field EXIT_LENGTH, 2
        expect_field IDT_VECTORING, 0x80000420
        skip
        run_until REASON_CPUID
        skip
        vmw     GUEST_RFLAGS, 0x4002                            ; NT
        or      byte [TABLE + 0x25], 2                          ; an outer task is busy
        run_until REASON_TASK_SWITCH, 0x20 | 1 << 30, 1
        and     byte [TABLE + 0x25], ~2
        ; An injected external interrupt through the gate: no instruction, IDT-vectoring information
        vmw     GUEST_RFLAGS, 0x202
        vmw     ENTRY_INTERRUPTION, 0x80000020
        run_until REASON_TASK_SWITCH
        expect_field EXIT_QUALIFICATION, 0x20 | 3 << 30
        expect_field IDT_VECTORING, 0x80000020
        pass

guest:
        bits 32
        jmp     0x20:0
        call    0x20:0
        call    0x28:0
        int     0x20
        cpuid
        iretd
        bits 64
