; Exceptions: the exception bitmap, page faults by error code, information about the event, and triple faults
; (SDM "Exception Bitmap", "Information for VM Exits Due to Vectored Events").
%include "hypervisor.inc"

VALID           equ 1 << 31
HARDWARE        equ 3 << 8
SOFTWARE        equ 6 << 8
PRIVILEGED      equ 5 << 8
HAS_ERROR       equ 1 << 11
UNMAPPED        equ 0x1000000000        ; beyond what the test's tables map
UD_RF           equ 0x10002

test:
        ; Not in the bitmap: through the guest's IDT
        run_until REASON_VMCALL
        expect  [guest_vector], 6
        mov     rsi, [guest_frame]
        expect  [rsi], guest                    ; RIP of the fault
        expect  [rsi + 16], UD_RF               ; RF is set in the image of a fault

        ; #UD in the bitmap
        vmw     EXCEPTION_BITMAP, 1 << 6 | 1 << 3 | 1 << 1 | 1 << 13 | 1 << 0
        guest_at invalid
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | 6
        expect_field EXIT_QUALIFICATION, 0
        expect_field GUEST_RIP, invalid
        expect_field GUEST_RFLAGS, UD_RF        ; as delivery would have pushed it
        expect_field IDT_VECTORING, 0
        vmw     GUEST_RFLAGS, 2

        ; #BP by INT3: software exception, with length; RIP at the instruction
        guest_at breakpoint
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | SOFTWARE | 3
        expect_field EXIT_LENGTH, 1
        expect_field GUEST_RIP, breakpoint
        ; INT 3 as CD 03 is a software interrupt: the bitmap does not see it
        guest_at breakpoint.int
        run_until REASON_VMCALL
        expect  [guest_vector], 3
        ; INT1: privileged software exception
        guest_at breakpoint.int1
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | PRIVILEGED | 1
        expect_field EXIT_LENGTH, 1
        vmw     GUEST_RFLAGS, 2

        ; #GP with an error code: loading a selector beyond the GDT
        guest_at protection
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | HAS_ERROR | 13
        expect_field EXIT_INTERRUPTION_ERROR, 0x1F0
        vmw     GUEST_RFLAGS, 2
        ; #DE: none
        guest_at divide
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | 0
        vmw     GUEST_RFLAGS, 2

        ; #PF: exits when (error & mask) == match equals bit 14 of the bitmap
        mov     rax, cr3
        mov     rax, [rax]
        and     rax, ~0xFFF
        mov     qword [rax + 8 * 64], 0         ; 64 GiB: not present
        mov     rcx, cr3
        mov     cr3, rcx
        vmw     EXCEPTION_BITMAP, 1 << 14
        guest_at read_fault
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | HAS_ERROR | 14
        expect_field EXIT_INTERRUPTION_ERROR, 0
        mov     rax, UNMAPPED + 0x123
        expect_field EXIT_QUALIFICATION, rax
        mov     rax, cr2
        expect  rax, 0                          ; CR2 is not written by a fault that exits
        vmw     GUEST_RFLAGS, 2
        vmw     PF_ERROR_MASK, 2                ; writes only
        vmw     PF_ERROR_MATCH, 2
        guest_at read_fault
        run_until REASON_VMCALL                 ; a read goes to the guest
        expect  [guest_vector], 14
        guest_at write_fault
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION_ERROR, 2
        vmw     GUEST_RFLAGS, 2
        vmw     EXCEPTION_BITMAP, 0             ; bit clear: those that do not match exit
        guest_at read_fault
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION_ERROR, 0
        vmw     GUEST_RFLAGS, 2
        guest_at write_fault
        run_until REASON_VMCALL
        expect  [guest_vector], 14
        vmw     PF_ERROR_MASK, 0
        vmw     PF_ERROR_MATCH, 0

        ; A fault while another event is delivered: #PF in the bitmap, stack not present: IDT-vectoring information
        vmw     EXCEPTION_BITMAP, 1 << 14
        mov     rax, UNMAPPED + 0x800
        vmw     GUEST_RSP, rax
        guest_at invalid
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | HAS_ERROR | 14
        expect_field IDT_VECTORING, VALID | HARDWARE | 6
        vmw     GUEST_RFLAGS, 2
        guest_at software
        run_until REASON_EXCEPTION
        expect_field IDT_VECTORING, VALID | 4 << 8 | 0x40
        expect_field EXIT_LENGTH, 2             ; of INT 40H
        expect_field GUEST_RIP, software
        vmw     GUEST_RFLAGS, 2
        guest_at protection
        run_until REASON_EXCEPTION
        expect_field IDT_VECTORING, VALID | HARDWARE | HAS_ERROR | 13
        expect_field IDT_VECTORING_ERROR, 0x1F0
        vmw     GUEST_RFLAGS, 2

        ; Double fault: #PF while #GP is delivered is #DF; with #DF in the bitmap it exits
        vmw     EXCEPTION_BITMAP, 1 << 8
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | HAS_ERROR | 8
        expect_field EXIT_INTERRUPTION_ERROR, 0
        ; Triple fault: no exception can be delivered at all
        vmw     GUEST_RFLAGS, 2
        vmw     EXCEPTION_BITMAP, 0
        guest_at protection
        run_until REASON_TRIPLE_FAULT, 0, 0
        expect_field GUEST_ACTIVITY, 0
        pass

guest:  ud2
invalid:
        ud2
breakpoint:
        int3
.int:   db      0xCD, 3
.int1:  db      0xF1
protection:
        mov     eax, 0x1F0
        mov     es, eax
divide: xor     ecx, ecx
        div     ecx
read_fault:
        mov     rax, UNMAPPED + 0x123
        mov     rax, [rax]
write_fault:
        mov     rax, UNMAPPED + 0x123
        mov     [rax], rax
software:
        int     0x40
