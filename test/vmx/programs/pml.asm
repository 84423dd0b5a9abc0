; Page-modification logging: the log, its index, and the VM exit when it is full (SDM "Page-Modification Logging").
%include "hypervisor.inc"

LOG     equ SCRATCH
PAGE    equ 0x1000000           ; 16 MiB, with a page table of its own

test:
        call    enable_ept
        call    split_16m
        vmw     EPT_POINTER, EPT_TABLES | 6 | 3 << 3 | 1 << 6   ; accessed and dirty flags
        vmset   SECONDARY_CONTROLS, CPU2_PML
        vmw     PML_ADDRESS, LOG
        vmw     GUEST_PML_INDEX, 511
        ; The guest's own page tables are logged, too: let the first run do that
        mov     qword [guest_rbx], PAGE
        guest_at touch
        run_until REASON_CPUID
        mov     r14d, GUEST_PML_INDEX
        vmread  rax, r14
        mov     [index], rax
        ; A write to a clean page: one entry below the last, then nothing until the dirty flag is cleared
        mov     qword [guest_rbx], PAGE + 0x3123
        guest_at store
        run_until REASON_CPUID
        mov     rax, [index]
        mov     rbx, [LOG + rax * 8]
        expect  rbx, PAGE + 0x3000
        dec     qword [index]
        mov     rax, [index]
        expect_field GUEST_PML_INDEX, rax
        guest_at store
        run_until REASON_CPUID
        mov     rax, [index]
        expect_field GUEST_PML_INDEX, rax
        mov     rax, [EPT_TABLES + 0x3000 + 3 * 8]
        and     eax, 3 << 8
        expect  rax, 3 << 8                             ; accessed and dirty
        ; A read is not logged
        mov     qword [guest_rbx], PAGE + 0x4000
        guest_at touch
        run_until REASON_CPUID
        mov     rax, [index]
        expect_field GUEST_PML_INDEX, rax
        mov     rax, [EPT_TABLES + 0x3000 + 4 * 8]
        and     eax, 3 << 8
        expect  rax, 1 << 8
        ; Index 0: the last entry is used, the index becomes FFFFH
        vmw     GUEST_PML_INDEX, 0
        mov     qword [guest_rbx], PAGE + 0x5000
        guest_at store
        run_until REASON_CPUID
        expect  [LOG], PAGE + 0x5000
        expect_field GUEST_PML_INDEX, 0xFFFF
        ; Full: the exit comes before the write, and before the dirty flag
        mov     qword [guest_rbx], PAGE + 0x6000
        guest_at store
        run_until REASON_PML_FULL, 0, 0
        expect_field GUEST_RIP, store
        expect  [PAGE + 0x6000], 0
        mov     rax, [EPT_TABLES + 0x3000 + 6 * 8]
        and     eax, 1 << 9
        expect  rax, 0
        vmw     GUEST_PML_INDEX, 511
        run_until REASON_CPUID
        expect  [LOG + 511 * 8], PAGE + 0x6000
        ; During event delivery: IDT-vectoring information
        vmw     GUEST_PML_INDEX, 0xFFFF
        vmw     GUEST_RSP, PAGE + 0x8000
        guest_at software
        run_until REASON_PML_FULL
        expect_field IDT_VECTORING, 1 << 31 | 4 << 8 | 0x30
        expect_field EXIT_LENGTH, 2
        pass

guest:
touch:  mov     rax, [rbx]
        cpuid
store:  mov     [rbx], rcx
        cpuid
software:
        int     0x30

        align   8
index:  dq      0
