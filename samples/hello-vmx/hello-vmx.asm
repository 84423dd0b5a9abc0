; hello-vmx: the smallest hypervisor that does something. It turns VMX operation on, runs a guest, and answers three
; VM exits: the guest executes CPUID, calls its hypervisor with VMCALL, and stops with HLT.
;
; The machine loads this at 1 MiB and enters it in 64-bit mode at privilege level 0, with identity paging, a flat
; descriptor table, a task-state segment and a stack; interrupts are off.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../include/vmx.inc"
%include "../include/console.inc"
%include "../include/hypervisor.inc"

start:
        call    vmx_on
        say     "hello-vmx: VMX operation is on", 13, 10
        call    fill_vmcs
        say     "hello-vmx: entering the guest", 13, 10

; VM entry. When it succeeds, the next instruction is the guest's first, and execution comes back at host_entry. When it
; fails, execution goes on here.
        vmlaunch
        jmp     vmx_failed

; ---------------------------------------------------------------------------------------------------------------------
; Every VM exit arrives here, on the host's stack. General registers still hold what the guest put into them.
host_entry:
        save_guest
        inc     qword [exits]
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_CPUID          ; bit 31 is set if VM entry failed, so compare all 32 bits
        je      handle_cpuid
        cmp     eax, EXIT_REASON_VMCALL
        je      handle_vmcall
        cmp     eax, EXIT_REASON_HLT
        je      handle_hlt
        say     "VM exit for a reason that nobody handles: "
        call    print_hex
        say     13, 10
        finish  1

; CPUID always exits. We execute it for the guest, and give leaf 0 a vendor name of our own.
handle_cpuid:
        mov     rax, [rsp + GUEST_RAX]
        say     "VM exit: CPUID, leaf "
        call    print_decimal
        say     13, 10
        mov     rcx, [rsp + GUEST_RCX]
        cpuid
        cmp     dword [rsp + GUEST_RAX], 0
        jne     .answer
        mov     ebx, [vendor]
        mov     edx, [vendor + 4]
        mov     ecx, [vendor + 8]
.answer:
        mov     [rsp + GUEST_RAX], rax
        mov     [rsp + GUEST_RBX], rbx
        mov     [rsp + GUEST_RCX], rcx
        mov     [rsp + GUEST_RDX], rdx
        call    skip_instruction
        jmp     resume

; VMCALL is the guest's call to us. Ours has one service: RAX = 1 prints the text at RSI.
handle_vmcall:
        say     "VM exit: VMCALL, the guest says: "
        cmp     qword [rsp + GUEST_RAX], 1
        jne     .unknown
        mov     rsi, [rsp + GUEST_RSI]
        call    print_text
.unknown:
        say     13, 10
        call    skip_instruction
        jmp     resume

; HLT exits because of the control "HLT exiting". The guest has nothing more to do.
handle_hlt:
        say     "VM exit: HLT, the guest is done", 13, 10
        say     "hello-vmx: "
        mov     rax, [exits]
        call    print_decimal
        say     " VM exits", 13, 10
        finish  0

resume:
        restore_guest
        vmresume
        jmp     vmx_failed

; ---------------------------------------------------------------------------------------------------------------------
; The guest: code as any other, in VMX non-root operation.
guest_entry:
        xor     eax, eax
        cpuid                                   ; the vendor name comes in EBX, EDX, ECX
        mov     [guest_text], ebx
        mov     [guest_text + 4], edx
        mov     [guest_text + 8], ecx
        mov     eax, 1
        lea     rsi, [guest_text]
        vmcall
        hlt
        jmp     $                               ; never reached

vendor: db      "HelloFromVMX"

section .bss

exits:                  resq 1
guest_text:             resb 13                 ; .bss is zero, so the text ends
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:
