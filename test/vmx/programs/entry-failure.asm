; VM-entry failures after the controls and host state are accepted: a VM exit with bit 31 of the exit reason
; (SDM "VM-Entry Failures During or After Loading Guest State"). Launch state and guest-state area stay as they are.
%include "hypervisor.inc"

MSR_AREA        equ SCRATCH

test:
        vmw     GUEST_RFLAGS, 0                 ; bit 1 must be 1
        run_until ENTRY_FAILURE | REASON_BAD_GUEST
        expect_field EXIT_QUALIFICATION, 0
        expect_field GUEST_RFLAGS, 0
        expect_field GUEST_RIP, guest
        vmw     GUEST_RFLAGS, 2

        mov     rax, 0x8000000000000000
        vmw     GUEST_RIP, rax
        run_until ENTRY_FAILURE | REASON_BAD_GUEST
        guest_at guest

        vmw     VMCS_LINK_POINTER, 0x201008     ; not aligned: qualification 4
        run_until ENTRY_FAILURE | REASON_BAD_GUEST
        expect_field EXIT_QUALIFICATION, 4
        vmw     VMCS_LINK_POINTER, -1

        vmw     GUEST_INTERRUPTIBILITY, 2       ; blocking by MOV SS: no external interrupt may be injected
        vmw     ENTRY_INTERRUPTION, 0x80000030
        vmw     GUEST_RFLAGS, 0x202
        run_until ENTRY_FAILURE | REASON_BAD_GUEST
        expect_field ENTRY_INTERRUPTION, 0x80000030     ; a failed entry leaves the valid bit
        vmw     GUEST_INTERRUPTIBILITY, 0
        vmw     ENTRY_INTERRUPTION, 0
        vmw     GUEST_RFLAGS, 2

        ; The same injection twice: the guest has cleared IF in between, which no VMWRITE tells
        guest_at clears_if
        vmw     ENTRY_INTERRUPTION, 0x80000030
        vmw     GUEST_RFLAGS, 0x202
        run_until REASON_VMCALL                 ; through the guest's interrupt gate
        vmw     ENTRY_INTERRUPTION, 0x80000030
        run_until ENTRY_FAILURE | REASON_BAD_GUEST
        vmw     ENTRY_INTERRUPTION, 0
        vmw     GUEST_RFLAGS, 2
        guest_at guest

        ; MSR-load area: the third entry is bad, what precedes it is loaded
        mov     dword [MSR_AREA], 0xC0000103    ; IA32_TSC_AUX
        mov     dword [MSR_AREA + 4], 0
        mov     qword [MSR_AREA + 8], 0x11
        mov     dword [MSR_AREA + 16], 0x174    ; IA32_SYSENTER_CS
        mov     dword [MSR_AREA + 20], 0
        mov     qword [MSR_AREA + 24], 0x22
        mov     dword [MSR_AREA + 32], 0xC0000100       ; IA32_FS_BASE
        mov     dword [MSR_AREA + 36], 0
        mov     qword [MSR_AREA + 40], 0x33
        vmw     ENTRY_MSR_LOAD_ADDR, MSR_AREA
        vmw     ENTRY_MSR_LOAD_COUNT, 3
        run_until ENTRY_FAILURE | REASON_BAD_MSR_LOAD
        expect_field EXIT_QUALIFICATION, 3
        mov     ecx, 0xC0000103
        rdmsr
        expect  rax, 0x11
        mov     dword [MSR_AREA + 32], 0xC0000082       ; IA32_LSTAR, not canonical
        mov     rax, 0x4000000000000000
        mov     [MSR_AREA + 40], rax
        run_until ENTRY_FAILURE | REASON_BAD_MSR_LOAD
        expect_field EXIT_QUALIFICATION, 3
        mov     dword [MSR_AREA + 32], 0x12345          ; no such MSR
        run_until ENTRY_FAILURE | REASON_BAD_MSR_LOAD
        mov     dword [MSR_AREA + 20], 1                ; reserved bits of the second entry
        run_until ENTRY_FAILURE | REASON_BAD_MSR_LOAD
        expect_field EXIT_QUALIFICATION, 2
        vmw     ENTRY_MSR_LOAD_COUNT, 0

        ; Still clear: VMLAUNCH works
        run_until REASON_CPUID, 0, 2
        pass

clears_if:
        hlt
guest:
        cpuid
        jmp     guest
