; IA32_SPEC_CTRL: loads on VM entry and (a secondary VM-exit control) VM exit, the save, and its virtualization.
%include "hypervisor.inc"

SPEC_CTRL equ 0x48

%macro spec_is 1
        mov     ecx, SPEC_CTRL
        rdmsr
        expect  rax, %1
%endmacro

test:
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        mov     ecx, SPEC_CTRL
        mov     eax, 1
        xor     edx, edx
        wrmsr
        ; Saved on every VM exit, loaded where asked for
        mov     qword [guest_rcx], SPEC_CTRL
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rax], 1
        expect_field GUEST_SPEC_CTRL, 1
        vmset   ENTRY_CONTROLS, 1 << 24
        vmset   EXIT_CONTROLS, 1 << 31
        vmw     SECONDARY_EXIT_CONTROLS, 1 << 2
        vmw     GUEST_SPEC_CTRL, 4
        vmw     HOST_SPEC_CTRL, 2
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rax], 4
        spec_is 2
        ; Reserved bits
        vmw     HOST_SPEC_CTRL, 8
        run_fails 8
        vmw     HOST_SPEC_CTRL, 0
        vmw     GUEST_SPEC_CTRL, 8
        call    run_guest
        expect  rax, 0x80000021
        vmw     GUEST_SPEC_CTRL, 4
        ; A secondary VM-exit control that is not offered
        vmw     SECONDARY_EXIT_CONTROLS, 1 << 0
        run_fails 7
        vmw     SECONDARY_EXIT_CONTROLS, 1 << 2

        ; Virtualized: reads give the shadow, writes leave the bits of the mask
        vmset   PRIMARY_CONTROLS, CPU_TERTIARY
        vmw     TERTIARY_CONTROLS, CPU3_SPEC_CTRL
        vmw     SPEC_CTRL_MASK, 4
        vmw     SPEC_CTRL_SHADOW, 2
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rax], 2
        mov     qword [guest_rax], 1
        mov     qword [guest_rdx], 0
        guest_at writes
        run_until REASON_CPUID
        expect_field SPEC_CTRL_SHADOW, 1
        expect_field GUEST_SPEC_CTRL, 5
        vmw     EXCEPTION_BITMAP, 1 << 13
        mov     qword [guest_rax], 8
        mov     qword [guest_rdx], 0
        mov     qword [guest_rcx], SPEC_CTRL
        guest_at writes
        run_until REASON_EXCEPTION
        ; A tertiary control that is not offered
        vmw     TERTIARY_CONTROLS, 1 << 1
        run_fails 7
        pass

guest:
reads:  rdmsr
        cpuid
writes: wrmsr
        cpuid
