; Lab 4: three faults in a VMCS. README.md says what to do; the lines between start and VMLAUNCH are yours to repair.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"

start:
        call    vmx_on
        call    fill_vmcs

; TODO Two of these lines are right and three are wrong. Press F5, read what the
;      stop says, and repair the three.
        mov     eax, cs
        or      eax, 3
        vmcs    HOST_CS_SELECTOR, rax
        vmcs    GUEST_TR_ACCESS_RIGHTS, 0x0089
        vmcs    VMCS_LINK_POINTER, 0
        vmcs    GUEST_DR7, DR7_ALWAYS_1
        vmcs    CR3_TARGET_COUNT, 0

        vmlaunch
        jmp     vmx_failed

host_entry:
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_HLT    ; bit 31 is set when the VM entry failed
        je      done
        say     "VM entry failed, exit reason "
        call    print_hex
        say     13, 10
        finish  1

guest_entry:
        hlt

%ifndef TESTED
done:   finish  0
%endif

section .bss
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
