; x87 in VMX non-root operation: #NM and #MF as VM exits, CR0.TS that the host owns, lazy switching of the registers, which VM entry
; and VM exit leave alone (SDM "Exception Bitmap", "Guest/Host Masks and Read Shadows for CR0 and CR4", "CLTS").
%include "hypervisor.inc"

VALID           equ 1 << 31
HARDWARE        equ 3 << 8
NM              equ 7
MF              equ 16
CR0_TS          equ 8

test:
        ; #NM: TS set by the guest itself
        vmw     EXCEPTION_BITMAP, 1 << NM | 1 << MF
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | NM
        expect_field EXIT_QUALIFICATION, 0
        expect_field GUEST_RIP, guest.first
        vmw     GUEST_RFLAGS, 2

        ; Lazy switching: the host owns TS, the guest sees it clear, and loads the guest's x87 state on the first use
        vmw     CR0_MASK, CR0_TS
        vmw     CR0_SHADOW, 0
        guest_at guest.lazy
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | NM
        expect_field GUEST_RIP, guest.use
        vmr     rax, GUEST_CR0
        and     rax, ~CR0_TS
        vmw     GUEST_CR0, rax
        vmw     GUEST_RFLAGS, 2
        fninit
        fldpi                                   ; VM entry leaves it to the guest
        run_until REASON_CPUID
        expect  rbx, 0                          ; CR0.TS as the guest read it
        fstp    qword [host_value]              ; and VM exit what the guest made of it
        expect  [host_value], 0x401921FB54442D18 ; 2 pi
        fninit

        ; CLTS of a bit that the host owns, set in the shadow: a VM exit; clear in it: nothing happens
        vmw     CR0_SHADOW, CR0_TS
        guest_at guest.clts
        run_until REASON_CR
        expect_field EXIT_QUALIFICATION, 2 << 4
        vmw     CR0_SHADOW, 0
        run_until REASON_CPUID
        vmw     CR0_MASK, 0

        ; #MF: at the instruction that waits, not where the exception arose
        guest_at guest.unmasked
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | MF
        expect_field GUEST_RIP, guest.waiting
        vmw     GUEST_RFLAGS, 2
        ; through the guest's own IDT when the bitmap does not have it
        vmw     EXCEPTION_BITMAP, 0
        run_until REASON_VMCALL
        expect  [guest_vector], MF
        fnclex
        fninit
        pass

guest:
        mov     rax, cr0
        or      eax, CR0_TS
        mov     cr0, rax
.first: fld1
.lazy:  mov     rbx, cr0
        and     ebx, CR0_TS
.use:   fadd    st0, st0
        cpuid
.clts:  clts
        cpuid
.unmasked:
        fninit
        fldcw   [rel control]
        fld1
        fldz
        fdivp   st1, st0
.waiting:
        fld1
        hlt
control:        dw      0x37b                   ; ZM is 0
align 8
host_value:     dq      0
