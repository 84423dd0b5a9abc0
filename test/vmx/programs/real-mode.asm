; An unrestricted guest in real mode: 16-bit code below 1 MiB with EPT, then its own switch to protected mode.
%include "hypervisor.inc"

CODE16          equ 0x8000

test:
        call    enable_ept
        vmset   SECONDARY_CONTROLS, CPU2_UNRESTRICTED
        vmset   PRIMARY_CONTROLS, CPU_UNCONDITIONAL_IO
        vmclr   ENTRY_CONTROLS, ENTRY_GUEST_64
        mov     esi, real
        mov     edi, CODE16
        mov     ecx, real_end - real
        rep movsb
        mov     dword [0x21 * 4], (CODE16 + real.handler - real) | 0x00000000
        vmw     GUEST_CR0, 0x30                 ; neither PE nor PG
        vmw     GUEST_CR4, 1 << 13
        vmw     GUEST_CR3, 0
        vmw     GUEST_CS_SEL, 0
        vmw     GUEST_CS_BASE, 0
        vmw     GUEST_CS_LIMIT, 0xFFFF
        vmw     GUEST_CS_RIGHTS, 0x9B
%macro real_segment 1
        vmw     GUEST_%1_SEL, 0x100
        vmw     GUEST_%1_BASE, 0x1000
        vmw     GUEST_%1_LIMIT, 0xFFFF
        vmw     GUEST_%1_RIGHTS, 0x93
%endmacro
        real_segment SS
        real_segment DS
        real_segment ES
        real_segment FS
        real_segment GS
        vmw     GUEST_IDTR_BASE, 0
        vmw     GUEST_IDTR_LIMIT, 0x3FF
        vmw     GUEST_RSP, 0x800
        guest_at CODE16
        run_until REASON_CPUID, 0, 2
        expect  [guest_rax], 0x1234
        expect  [guest_rbx], 0x55AA             ; through INT 21H
        expect_field GUEST_RSP, 0x800
        skip
        ; OUT DX, AL from 16-bit code
        run_until REASON_IO, 0x3F8 << 16, 1
        expect_field GUEST_RIP, CODE16 + real.out - real
        skip
        ; Far jump: CS becomes 800H
        run_until REASON_CPUID, 0, 2
        expect_field GUEST_CS_SEL, 0x800
        expect_field GUEST_CS_BASE, 0x8000
        expect_field GUEST_RIP, real.far - real
        skip
        ; The guest enters protected mode by itself
        run_until REASON_CPUID, 0, 2
        expect_masked GUEST_CR0, 0x80000001, 1
        expect_field GUEST_CS_SEL, 0x28
        expect_field GUEST_CS_RIGHTS, 0xC09B
        expect_field GUEST_CS_LIMIT, 0xFFFFFFFF
        expect_field GUEST_DS_BASE, 0
        expect_masked ENTRY_CONTROLS, ENTRY_GUEST_64, 0
        pass

guest:
        bits 16
real:
        mov     ax, 0x1234
        int     0x21
        cpuid
        mov     dx, 0x3F8
.out:   out     dx, al
        jmp     0x800:(.far - real)
.far:   cpuid
        mov     eax, gdt_register
        xor     bx, bx
        mov     ds, bx
        mov     bx, CODE16 + .table - real
        o32 lgdt [bx]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword 0x28:(CODE16 + .protected - real)
.handler:
        mov     bx, 0x55AA
        iret
        align   8
.table: dw      gdt_end - gdt - 1
        dd      gdt
        bits 32
.protected:
        mov     eax, DATA_SEL
        mov     ds, eax
        cpuid
real_end:
        bits 64
