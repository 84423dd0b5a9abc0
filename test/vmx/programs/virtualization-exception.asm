; "EPT-violation #VE": which EPT violations become exceptions, and what the information area holds.
%include "hypervisor.inc"

AREA    equ SCRATCH
PAGE    equ 0x1000000
VE      equ 20
SUPPRESS equ 1 << 63

test:
        call    enable_ept
        call    split_16m
        vmset   SECONDARY_CONTROLS, CPU2_VE
        vmw     VE_INFORMATION, AREA
        vmw     EPTP_INDEX, 0x123
        mov     qword [EPT_TABLES + 0x3000 + 8], 0              ; page 1 is not present, convertible
        mov     rax, SUPPRESS
        mov     [EPT_TABLES + 0x3000 + 16], rax                 ; page 2 is not present, not convertible
        mov     qword [EPT_TABLES + 0x3000 + 24], PAGE + 0x3000 | 5 | 6 << 3    ; page 3 may not be written
        ; The exception, delivered to the guest
        mov     qword [guest_rbx], PAGE + 0x1008
        guest_at touch
        run_until REASON_VMCALL
        expect  [guest_vector], VE
        mov     rsi, [guest_frame]
        expect  [rsi], touch
        mov     eax, [AREA]
        expect  rax, REASON_EPT_VIOLATION
        mov     eax, [AREA + 4]
        expect  rax, 0xFFFFFFFF
        mov     rax, [AREA + 8]
        and     eax, 0x1FF
        expect  rax, 1 | 1 << 7 | 1 << 8
        expect  [AREA + 16], PAGE + 0x1008
        expect  [AREA + 24], PAGE + 0x1008
        expect_word [AREA + 32], 0x123
        ; The area is in use: the next one exits
        guest_at touch
        run_until REASON_EPT_VIOLATION
        expect_field GUEST_PHYSICAL_ADDR, PAGE + 0x1008
        ; Suppressed by bit 63
        mov     dword [AREA + 4], 0
        mov     qword [guest_rbx], PAGE + 0x2000
        guest_at touch
        run_until REASON_EPT_VIOLATION
        expect_field GUEST_PHYSICAL_ADDR, PAGE + 0x2000
        ; A present entry decides by its own bit 63
        mov     qword [guest_rbx], PAGE + 0x3000
        guest_at store
        run_until REASON_VMCALL
        expect  [guest_vector], VE
        mov     rax, [AREA + 8]
        and     eax, 0x1FF
        expect  rax, 2 | 5 << 3 | 1 << 7 | 1 << 8
        mov     dword [AREA + 4], 0
        bts     qword [EPT_TABLES + 0x3000 + 24], 63
        guest_at store
        run_until REASON_EPT_VIOLATION
        ; Misconfigurations are never converted
        mov     qword [EPT_TABLES + 0x3000 + 8], 2
        mov     qword [guest_rbx], PAGE + 0x1000
        guest_at touch
        run_until REASON_EPT_MISCONFIG
        mov     qword [EPT_TABLES + 0x3000 + 8], 0
        ; During event delivery it exits
        vmw     GUEST_RSP, PAGE + 0x2000
        guest_at software
        run_until REASON_EPT_VIOLATION
        expect_field IDT_VECTORING, 1 << 31 | 4 << 8 | 0x30
        vmw     GUEST_RSP, GUEST_STACK_TOP
        ; Bit 20 of the exception bitmap: the exception exits, after the area was written
        vmw     EXCEPTION_BITMAP, 1 << VE
        guest_at touch
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, 1 << 31 | 3 << 8 | VE
        mov     eax, [AREA + 4]
        expect  rax, 0xFFFFFFFF
        ; Without the control it exits
        mov     dword [AREA + 4], 0
        vmclr   SECONDARY_CONTROLS, CPU2_VE
        run_until REASON_EPT_VIOLATION
        pass

guest:
touch:  mov     rax, [rbx]
        cpuid
store:  mov     [rbx], rcx
        cpuid
software:
        int     0x30
