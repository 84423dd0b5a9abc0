; Debug state across transitions: DR7 and IA32_DEBUGCTL loads, single-step traps, pending debug exceptions.
%include "hypervisor.inc"

VALID           equ 1 << 31

test:
        vmset   ENTRY_CONTROLS, ENTRY_LOAD_DEBUG
        vmset   EXIT_CONTROLS, EXIT_SAVE_DEBUG
        vmw     EXCEPTION_BITMAP, 1 << 1
        ; DR7 is loaded and saved; the host has 400H afterwards
        vmw     GUEST_DR7, 0x703
        mov     eax, watched
        mov     dr0, rax
        run_until REASON_EXCEPTION              ; instruction breakpoint: fault, before the instruction
        expect_field EXIT_INTERRUPTION, VALID | 3 << 8 | 1
        expect_masked EXIT_QUALIFICATION, 0x600F, 1
        expect_field GUEST_RIP, watched
        expect_field GUEST_DR7, 0x703
        mov     rax, dr7
        expect  rax, 0x400
        mov     rax, dr6
        expect  rax, 0xFFFF0FF0                 ; a #DB that exits leaves DR6 alone
        vmw     GUEST_DR7, 0x400

        ; Single step: trap, qualification BS
        vmw     GUEST_RFLAGS, 0x102
        guest_at steps
        run_until REASON_EXCEPTION
        expect_masked EXIT_QUALIFICATION, 0x600F, 0x4000
        expect_field GUEST_RIP, steps.next
        expect_field GUEST_PENDING_DEBUG, 0
        ; An exit between a stepped instruction and its trap: MOV SS defers the trap, CPUID exits with BS pending
        guest_at deferred
        mov     qword [guest_rbx], DATA_SEL
        run_until REASON_CPUID
        expect_field GUEST_PENDING_DEBUG, 0x4000
        expect_field GUEST_INTERRUPTIBILITY, 2
        ; Entry with a pending single step: the trap comes first
        vmw     GUEST_INTERRUPTIBILITY, 0
        guest_at steps
        run_until REASON_EXCEPTION
        expect_masked EXIT_QUALIFICATION, 0x600F, 0x4000
        expect_field GUEST_RIP, steps
        vmw     GUEST_RFLAGS, 2
        vmw     GUEST_PENDING_DEBUG, 0
        ; A pending data breakpoint (enabled, bit 12; DR1)
        vmw     GUEST_PENDING_DEBUG, 0x1002
        run_until REASON_EXCEPTION
        expect_masked EXIT_QUALIFICATION, 0x600F, 2
        pass

guest:  nop
watched:
        nop
steps:  nop
.next:  nop
deferred:
        mov     ss, ebx
        cpuid
