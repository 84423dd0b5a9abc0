; Lab 6: catch a write with EPT. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"
%include "../../include/ept.inc"

WATCHED                 equ 0x180000    ; guest-physical and host-physical
VIOLATION_WRITE         equ 1 << 1      ; exit qualification

start:
        call    vmx_on
        call    fill_vmcs
        call    build_ept               ; identity map of 2 MiB in pages of 4 KiB, last level at ept_pt
        call    use_ept
; TODO 1. Take the right to write away from the page at WATCHED.

        vmlaunch
        jmp     vmx_failed

host_entry:
        save_guest
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_EPT_VIOLATION
        je      handle_ept_violation
        cmp     eax, EXIT_REASON_MONITOR_TRAP_FLAG
        je      handle_monitor_trap
        cmp     eax, EXIT_REASON_HLT
        je      done
        finish  1

handle_ept_violation:
; TODO 2. If the exit qualification says that it was a write: count it in
;      "writes", keep GUEST_PHYSICAL_ADDRESS in "last_write", give the right to
;      write back, and set "monitor trap flag" in the primary controls, so that
;      the guest comes back after one instruction. Otherwise finish 1.

handle_monitor_trap:
; TODO 3. The write has happened. Take the right away again, clear "monitor trap
;      flag", and make the processor forget the translation that it has: INVEPT,
;      all contexts (type 2).

resume:
        restore_guest
        vmresume
        jmp     vmx_failed

guest_entry:
        mov     dword [WATCHED], 1
        mov     eax, [WATCHED]          ; reading is allowed
        inc     dword [WATCHED + 0x40]
        mov     dword [WATCHED + 0x80], 3
        hlt

%ifndef TESTED
done:   finish  0
%endif

section .bss
writes:                 resq 1
last_write:             resq 1
no_context:             resq 2
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
