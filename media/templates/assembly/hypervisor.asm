; {{name}}: a hypervisor with one guest.
;
; The machine loads this at 1 MiB and enters it in 64-bit mode at privilege level 0, with identity paging, a flat
; descriptor table, a task-state segment and a stack; interrupts are off.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "include/vmx.inc"
%include "include/console.inc"
%include "include/hypervisor.inc"

CPUID_1_ECX_HYPERVISOR  equ 1 << 31

start:
        call    run_guest
        say     "{{name}}: the guest has halted after "
        mov     rax, [exit_count]
        call    print_decimal
        say     " VM exits", 13, 10
        finish  0

; Turns VMX operation on and runs the guest until it halts.
run_guest:
        call    vmx_on
        call    fill_vmcs
        mov     [caller_stack], rsp
        vmlaunch                                ; on success the guest runs, and execution comes back at host_entry
        jmp     vmx_failed

; Every VM exit arrives here, on the host's stack. After save_guest the guest's registers are at [rsp + GUEST_RAX] and so on.
host_entry:
        save_guest
        inc     qword [exit_count]
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_CPUID          ; bit 31 is set if VM entry failed, so compare all 32 bits
        je      handle_cpuid
        cmp     eax, EXIT_REASON_HLT
        je      handle_hlt
        say     "VM exit for a reason that nobody handles: "
        call    print_hex
        say     13, 10
        finish  1

; CPUID always exits. The guest gets what the processor says, but for VMX, which it must not see, and the bit that tells of us.
handle_cpuid:
        mov     rax, [rsp + GUEST_RAX]
        mov     rcx, [rsp + GUEST_RCX]
        cpuid
        cmp     dword [rsp + GUEST_RAX], 1
        jne     .answer
        and     ecx, ~CPUID_1_ECX_VMX
        or      ecx, CPUID_1_ECX_HYPERVISOR
.answer:
        mov     [rsp + GUEST_RAX], rax
        mov     [rsp + GUEST_RBX], rbx
        mov     [rsp + GUEST_RCX], rcx
        mov     [rsp + GUEST_RDX], rdx
        call    skip_instruction
        restore_guest
        vmresume
        jmp     vmx_failed

; HLT exits because of the control "HLT exiting". The guest is done: back to who called run_guest.
handle_hlt:
        mov     rsp, [caller_stack]
        ret

; The guest: code as any other, in VMX non-root operation.
guest_entry:
        mov     eax, 1
        cpuid
        mov     [seen_features], ecx
        hlt
        jmp     $                               ; never reached

section .bss

exit_count:             resq 1
caller_stack:           resq 1
seen_features:          resd 1
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
