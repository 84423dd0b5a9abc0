; "Enable user wait and pause": UMONITOR, UMWAIT and TPAUSE, and their exits with "RDTSC exiting".
%include "hypervisor.inc"

%macro invalid_at 1
        guest_at %1
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, 1 << 31 | 3 << 8 | 6
%endmacro

test:
        vmw     EXCEPTION_BITMAP, 1 << 6 | 1 << 13
        mov     qword [guest_rax], SCRATCH
        mov     qword [guest_rcx], 1
        mov     qword [guest_rdx], 0
        invalid_at monitor
        invalid_at wait_
        invalid_at pause_
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_USER_WAIT
        guest_at monitor
        run_until REASON_CPUID
        expect  [guest_rbx], 0                  ; CF, ZF and the rest are clear
        mov     qword [guest_rax], SCRATCH
        mov     qword [guest_rcx], 3            ; bit 1 is reserved
        guest_at wait_
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, 1 << 31 | 1 << 11 | 3 << 8 | 13
        vmset   PRIMARY_CONTROLS, CPU_RDTSC
        guest_at wait_
        run_until REASON_UMWAIT, 0, 4
        expect_masked EXIT_INSTRUCTION_INFO, 0x78, 1 << 3       ; ECX
        guest_at pause_
        run_until REASON_TPAUSE, 0, 4
        expect_masked EXIT_INSTRUCTION_INFO, 0x78, 1 << 3
        guest_at pause_r9
        run_until REASON_TPAUSE, 0, 5
        expect_masked EXIT_INSTRUCTION_INFO, 0x78, 9 << 3
        ; In the host, whatever the controls of the guest
        mov     ecx, 0xE1
        rdmsr
        or      eax, 0x1000
        wrmsr
        mov     ecx, 1
        xor     edx, edx
        db      0x66, 0x0F, 0xAE, 0xF1
        pass

guest:
monitor:
        db      0xF3, 0x0F, 0xAE, 0xF0          ; UMONITOR RAX
wait_:  db      0xF2, 0x0F, 0xAE, 0xF1          ; UMWAIT ECX
pause_: db      0x66, 0x0F, 0xAE, 0xF1          ; TPAUSE ECX
        pushfq
        pop     rbx
        and     ebx, 0x8D5
        cpuid
pause_r9:
        db      0x66, 0x41, 0x0F, 0xAE, 0xF1    ; TPAUSE R9D
