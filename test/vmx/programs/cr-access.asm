; Control-register accesses: masks and shadows, CR3 targets, CR8, CLTS and LMSW (SDM "Exit Qualification for Control-Register
; Accesses": 3:0 register, 5:4 kind, 6 LMSW memory operand, 11:8 general register, 31:16 LMSW source).
%include "hypervisor.inc"

KIND_TO         equ 0 << 4
KIND_FROM       equ 1 << 4
KIND_CLTS       equ 2 << 4
KIND_LMSW       equ 3 << 4
TS              equ 1 << 3
AM              equ 1 << 18
WP              equ 1 << 16
NE              equ 1 << 5
PGE             equ 1 << 7
VMXE            equ 1 << 13

test:
        ; Masked bits read from the shadow
        mov     rax, cr0
        mov     [own_cr0], rax
        mov     rax, cr4
        mov     [own_cr4], rax
        vmw     CR0_MASK, TS | AM | NE
        vmw     CR0_SHADOW, AM                  ; TS and NE read as 0
        vmw     CR4_MASK, VMXE | PGE
        vmw     CR4_SHADOW, PGE
        run_until REASON_CPUID
        mov     rbx, [own_cr0]
        and     rbx, ~(TS | NE)
        or      rbx, AM
        expect  [guest_rbx], rbx
        mov     rbx, [own_cr4]
        and     rbx, ~VMXE
        or      rbx, PGE
        expect  [guest_rcx], rbx
        skip

        ; Writing the shadow's value of masked bits is allowed, whatever the others; masked bits of the real register stay
        run_until REASON_CPUID
        mov     rbx, [own_cr0]
        or      rbx, WP
        expect_field GUEST_CR0, rbx
        skip
        ; A masked bit that differs from the shadow exits: MOV CR0, RDX
        run_until REASON_CR, 0 | KIND_TO | 2 << 8, 3
        skip
        ; MOV CR4, RSI with VMXE set
        run_until REASON_CR, 4 | KIND_TO | 6 << 8, 3
        skip
        ; CLTS: TS is masked and its shadow is 0: nothing happens; with the shadow 1 it exits
        run_until REASON_CPUID
        skip
        vmw     CR0_SHADOW, AM | TS
        run_until REASON_CR, 0 | KIND_CLTS, 2
        skip
        ; LMSW AX with TS clear: differs from the shadow
        vmw     CR0_SHADOW, AM | TS
        run_until REASON_CR
        expect_field EXIT_LENGTH, 3
        expect_field EXIT_QUALIFICATION, 0 | KIND_LMSW | 0x21 << 16
        skip
        ; LMSW [rbx]: memory operand
        run_until REASON_CR
        expect_field EXIT_QUALIFICATION, 0 | KIND_LMSW | 1 << 6 | 0x33 << 16
        expect_field GUEST_LINEAR_ADDR, msw
        skip
        vmw     CR0_MASK, 0
        vmw     CR4_MASK, 0

        ; CR3
        vmset   PRIMARY_CONTROLS, CPU_CR3_LOAD | CPU_CR3_STORE | CPU_CR8_LOAD | CPU_CR8_STORE
        mov     rax, cr3
        vmw     CR3_TARGET0, 0x1234000
        vmw     CR3_TARGET1, rax
        vmw     CR3_TARGET_COUNT, 1
        run_until REASON_CR, 3 | KIND_FROM | 8 << 8, 4  ; MOV R8, CR3
        skip
        mov     rax, cr3
        mov     [guest_rax], rax
        run_until REASON_CR, 3 | KIND_TO | 0 << 8, 3    ; MOV CR3, RAX: not the only target
        vmw     CR3_TARGET_COUNT, 2
        run_until REASON_CR, 8 | KIND_TO | 9 << 8, 4    ; MOV CR3 runs now; MOV CR8, R9
        skip
        run_until REASON_CR, 8 | KIND_FROM | 10 << 8, 4 ; MOV R10, CR8
        pass

guest:
        mov     rbx, cr0
        mov     rcx, cr4
        cpuid
        mov     rax, cr0                ; as shadowed
        or      rax, WP
        mov     cr0, rax
        cpuid
        mov     rdx, cr0
        or      rdx, NE                 ; shadow has 0
        mov     cr0, rdx
        mov     rsi, cr4
        or      rsi, VMXE
        mov     cr4, rsi
        clts
        cpuid
        clts
        mov     eax, 0x21
        lmsw    ax
        mov     ebx, msw
        lmsw    [rbx]
        mov     r8, cr3
        mov     cr3, rax
        xor     r9d, r9d
        mov     cr8, r9
        mov     r10, cr8
        hlt

        align   8
own_cr0:        dq 0
own_cr4:        dq 0
msw:            dw 0x33
