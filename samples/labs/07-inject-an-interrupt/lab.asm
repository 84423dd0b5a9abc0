; Lab 7: inject an interrupt. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"

VECTOR                  equ 0x21
EVENT_VALID             equ 1 << 31
EVENT_EXTERNAL          equ 0 << 8      ; type: external interrupt
RFLAGS_IF               equ 1 << 9
BLOCKING                equ 3           ; interruptibility state: by STI, by MOV SS

start:
        call    vmx_on
        call    fill_vmcs
        vmlaunch
        jmp     vmx_failed

host_entry:
        save_guest
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_VMCALL
        je      handle_vmcall
        cmp     eax, EXIT_REASON_INTERRUPT_WINDOW
        je      handle_window
        cmp     eax, EXIT_REASON_HLT
        je      done
        finish  1

; The guest asks for an interrupt.
handle_vmcall:
        mov     byte [pending], 1
        call    skip_instruction
        call    deliver
        jmp     resume

; The guest can take interrupts now.
handle_window:
        call    deliver
        jmp     resume

; Injects the interrupt that is pending, or asks for a VM exit when the guest can take it.
deliver:
        cmp     byte [pending], 0
        je      .nothing
; TODO 1. Can the guest take an interrupt? GUEST_RFLAGS must have IF, and
;      GUEST_INTERRUPTIBILITY_STATE must have none of the bits in BLOCKING. If
;      not, go to .wait.

; TODO 2. Inject it: write VM_ENTRY_INTERRUPTION_INFORMATION (valid, external
;      interrupt, VECTOR), clear "pending", go to .nothing.

.wait:
; TODO 3. Set "interrupt-window exiting" in the primary controls, and return.

.nothing:
; TODO 4. Clear "interrupt-window exiting": with nothing pending it would cause a
;      VM exit at every instruction.

        ret

resume:
        restore_guest
        vmresume
        jmp     vmx_failed

guest_entry:
        lea     rax, [on_interrupt]
        lea     rbx, [guest_idt + VECTOR * 16]
        mov     [rbx], ax
        mov     ecx, cs
        mov     [rbx + 2], cx
        mov     word [rbx + 4], 0x8E00  ; present, 64-bit interrupt gate
        shr     rax, 16
        mov     [rbx + 6], ax
        shr     rax, 16
        mov     [rbx + 8], eax
        lea     rax, [guest_idt]
        mov     [guest_idtr + 2], rax
        lidt    [guest_idtr]

        cli
        vmcall                          ; interrupts are off: it must wait
        mov     eax, [interrupts]
        mov     [early], eax
        sti
        nop                             ; STI blocks interrupts for one instruction
        nop
        mov     eax, [interrupts]
        mov     [after_sti], eax
        vmcall                          ; interrupts are on: it comes at once
        nop
        hlt

on_interrupt:
        inc     dword [interrupts]
        iretq

guest_idtr:
        dw      (VECTOR + 1) * 16 - 1
        dq      0

%ifndef TESTED
done:   finish  0
%endif

section .bss
pending:                resb 1
                        alignb 16
guest_idt:              resb (VECTOR + 1) * 16
interrupts:             resd 1
early:                  resd 1
after_sti:              resd 1
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
