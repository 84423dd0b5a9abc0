; broken-entry: a VM entry that fails. The VMCS is that of hello-vmx, and then the lines below change it.
; What is wrong? The debugger stops at VMLAUNCH and names every rule that is broken; README.md has the answer too.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../include/vmx.inc"
%include "../include/console.inc"
%include "../include/hypervisor.inc"

start:
        call    vmx_on
        call    fill_vmcs

; This guest is a simple one: HLT exits, and nothing else is wanted.
        vmcs    PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, PRIMARY_HLT_EXITING

; The host uses no task switching, and the guest begins with all flags clear.
        vmcs    HOST_TR_SELECTOR, 0
        vmcs    GUEST_RFLAGS, 0

        say     "broken-entry: entering the guest", 13, 10
        vmlaunch

; Only a failed VM entry comes here.
        jc      vmx_failed
        mov     edx, VM_INSTRUCTION_ERROR
        vmread  rax, rdx
        say     "broken-entry: VMLAUNCH failed with VM-instruction error "
        call    print_decimal
        say     13, 10
        finish  1

host_entry:
        say     "broken-entry: a VM exit; the guest did run", 13, 10
        finish  0

guest_entry:
        hlt
        jmp     guest_entry

section .bss

                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:
