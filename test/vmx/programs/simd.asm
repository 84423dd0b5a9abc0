; SSE in a guest: VM exits inside memory accesses of 16 bytes, #NM and #XM in the exception bitmap, XMM registers across transitions
; (SDM "EPT Violations", "Exception Bitmap"; the manual's VM exits and VM entries do not touch XMM registers and MXCSR).
%include "hypervisor.inc"

PAGE            equ 0x1000000           ; 16 MiB, mapped by a page table of its own
PTE             equ EPT_TABLES + 0x3000
MAPPED          equ 7 | 6 << 3
READ            equ 1
WRITE           equ 2
ALLOWED_R       equ 1 << 3
ALLOWED_X       equ 1 << 5
LINEAR          equ 1 << 7
FINAL           equ 1 << 8
ADVANCED        equ 7 << 9
VALID           equ 1 << 31
HARDWARE        equ 3 << 8
SSE             equ 1 << 9 | 1 << 10    ; CR4.OSFXSR, CR4.OSXMMEXCPT
TS              equ 1 << 3

%macro flush_ept 0
        mov     eax, 2
        invept  rax, [zeros]
        succeeds
%endmacro

test:
        mov     rax, cr4
        or      eax, SSE
        mov     cr4, rax
        vmw     HOST_CR4, rax
        vmw     GUEST_CR4, rax
        call    enable_ept
        call    split_16m

        ; A store across two pages, the second without rights: nothing is written, then all of it
        mov     qword [PTE + 8], 0
        flush_ept
        movups  xmm3, [pattern]
        ldmxcsr [masked]
        mov     qword [PAGE + 0xFF8], 0
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~(READ | ADVANCED), WRITE | LINEAR | FINAL
        expect_field GUEST_PHYSICAL_ADDR, PAGE + 0x1000
        expect_field GUEST_LINEAR_ADDR, PAGE + 0x1000
        expect_field GUEST_RIP, guest.access
        expect  [PAGE + 0xFF8], 0
        mov     qword [PTE + 8], (PAGE + 0x1000) | MAPPED
        run_until REASON_CPUID
        mov     rax, 0x1111111122222222
        expect  [PAGE + 0xFF8], rax
        mov     rax, 0x3333333344444444
        expect  [PAGE + 0x1000], rax
        movq    rax, xmm4                       ; what the guest left there
        mov     rcx, 0x3333333344444444
        expect  rax, rcx

        ; An arithmetic operand, and an aligned store to a read-only page
        mov     qword [PTE + 8], 0
        flush_ept
        guest_at adds
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~ADVANCED, READ | LINEAR | FINAL
        expect_field GUEST_LINEAR_ADDR, PAGE + 0x1010
        expect_field GUEST_RIP, adds.access
        mov     qword [PTE + 8], (PAGE + 0x1000) | 5 | 6 << 3
        flush_ept
        guest_at aligned
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~(READ | ADVANCED), WRITE | ALLOWED_R | ALLOWED_X | LINEAR | FINAL
        expect_field GUEST_RIP, aligned.access
        mov     qword [PTE + 8], (PAGE + 0x1000) | MAPPED

        ; #XM: MXCSR has the flag, the register its old value
        vmw     EXCEPTION_BITMAP, 1 << 19 | 1 << 7 | 1 << 6
        guest_at divide
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | 19
        expect_field GUEST_RIP, divide.access
        stmxcsr [SCRATCH]
        mov     eax, [SCRATCH]
        expect  rax, 4                          ; ZE
        movd    eax, xmm1
        expect  rax, 0x3F800000
        vmw     GUEST_RFLAGS, 2
        ; The same is #UD without CR4.OSXMMEXCPT
        mov     rax, cr4
        and     eax, ~(1 << 10)
        vmw     GUEST_CR4, rax
        guest_at divide
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | 6
        vmw     GUEST_RFLAGS, 2

        ; #NM by CR0.TS
        vmr     rax, GUEST_CR0
        or      eax, TS
        vmw     GUEST_CR0, rax
        guest_at adds
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | 7
        expect_field GUEST_RIP, adds.access
        pass

guest:
        mov     ebx, PAGE + 0xFF8
.access:
        movups  [rbx], xmm3
        pshufd  xmm4, xmm3, 0xEE
        cpuid
adds:
        mov     ebx, PAGE + 0x1010
.access:
        addps   xmm1, [rbx]
        cpuid
aligned:
        mov     ebx, PAGE + 0x1010
.access:
        movaps  [rbx], xmm3
        cpuid
divide:
        mov     ebx, SCRATCH
        mov     dword [rbx], 0
        ldmxcsr [rbx]
        mov     dword [rbx], 0x3F800000
        movss   xmm1, [rbx]
        xorps   xmm2, xmm2
.access:
        divss   xmm1, xmm2
        cpuid

        align   16
zeros:  dq      0, 0
pattern:
        dq      0x1111111122222222, 0x3333333344444444
masked: dd      0x1F80
