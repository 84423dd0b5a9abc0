; Lab 3: handle CPUID. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"

CPUID_1_ECX_HYPERVISOR  equ 1 << 31
LEAF_HYPERVISOR         equ 0x40000000

start:
        call    vmx_on
        call    fill_vmcs
        vmlaunch
        jmp     vmx_failed

; Every VM exit arrives here. After save_guest the guest's registers are at [rsp + GUEST_RAX] and so on.
host_entry:
        save_guest
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_CPUID
        je      handle_cpuid
        cmp     eax, EXIT_REASON_HLT
        je      done
        say     "VM exit for a reason that nobody handles: "
        call    print_hex
        say     13, 10
        finish  1

handle_cpuid:
; TODO 1. Execute CPUID with the guest's RAX and RCX, and give the guest what it
;      answers in RAX, RBX, RCX and RDX.

; TODO 2. Leaf 1: the guest must not see VMX (ECX bit 5 is 0) and must see that
;      there is a hypervisor (ECX bit 31 is 1).

; TODO 3. Leaf 40000000H: EBX, ECX, EDX are the twelve characters at "name", EAX
;      is 40000000H.

; TODO 4. CPUID has been carried out: move the guest's RIP behind it
;      (skip_instruction in hypervisor.inc), or it exits for ever.

        restore_guest
        vmresume
        jmp     vmx_failed

name:   db      "FirstHyperv."

guest_entry:
        mov     eax, 1
        cpuid
        mov     [seen_features], ecx
        mov     eax, LEAF_HYPERVISOR
        cpuid
        mov     [seen_name], ebx
        mov     [seen_name + 4], ecx
        mov     [seen_name + 8], edx
        xor     eax, eax
        cpuid
        mov     [seen_vendor], ebx
        hlt

%ifndef TESTED
done:   finish  0
%endif

section .bss
seen_features:          resd 1
seen_name:              resb 12
seen_vendor:            resd 1
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
