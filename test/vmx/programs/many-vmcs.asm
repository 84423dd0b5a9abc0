; Two VMCSs in turn: each keeps its launch state and its guest; VMCLEAR makes one launchable again.
%include "hypervisor.inc"

SECOND          equ 0x202000

test:
        run_until REASON_CPUID
        expect_field GUEST_RIP, guest
        skip
        mov     eax, [revision]
        mov     [SECOND], eax
        vmclear [second_pointer]
        succeeds
        vmptrld [second_pointer]
        succeeds
        call    default_fields
        guest_at other
        run_until REASON_VMCALL, 0, 3
        skip
        vmptrld [vmcs_pointer]
        succeeds
        expect_field EXIT_REASON, REASON_CPUID
        run_until REASON_CPUID
        expect_field GUEST_RIP, guest.again
        vmptrld [second_pointer]
        succeeds
        expect_field EXIT_REASON, REASON_VMCALL
        expect_field GUEST_RIP, other.again
        run_until REASON_VMCALL
        ; VMCLEAR of the one that is not current leaves the current one alone
        vmclear [vmcs_pointer]
        succeeds
        vmptrst [pointer]
        expect  [pointer], SECOND
        vmptrld [vmcs_pointer]
        succeeds
        run_fails 5                             ; VMRESUME of a cleared VMCS
        mov     byte [launched], 0
        expect_field GUEST_RIP, guest.again     ; its data is kept
        run_until REASON_CPUID
        pass

guest:  cpuid
.again: cpuid
other:  vmcall
.again: vmcall
        hlt

        align   8
second_pointer: dq SECOND
pointer:        dq 0
