; "IPI virtualization": the guest's interrupt command posts to another virtual processor through the PID-pointer table.
%include "hypervisor.inc"

PAGE            equ 0xFEE00000
VAPIC           equ SCRATCH
PIDS            equ SCRATCH + 0x1000
TARGET          equ SCRATCH + 0x2000            ; posted-interrupt descriptor of virtual processor 2
NOTIFICATION    equ 0xF2

; command low, high: the guest writes its interrupt command register
%macro command 2
        mov     qword [guest_rax], %2
        mov     qword [guest_rcx], %1
        guest_at send
        call    run_guest
%endmacro
%macro exits 0
        expect  rax, REASON_APIC_WRITE
        expect_field EXIT_QUALIFICATION, 0x300
        expect_field GUEST_RIP, send.after
%endmacro

test:
        apic    0xF0, 0x1FF
        vmset   PIN_CONTROLS, PIN_EXTERNAL
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY | CPU_TERTIARY | CPU_TPR_SHADOW | CPU_MSR_BITMAPS
        vmset   SECONDARY_CONTROLS, CPU2_APIC_ACCESSES | CPU2_APIC_REGISTERS | CPU2_VIRTUAL_INTERRUPTS
        vmset   EXIT_CONTROLS, EXIT_ACK_INTERRUPT
        vmw     TERTIARY_CONTROLS, CPU3_IPI
        vmw     APIC_ACCESS_ADDR, PAGE
        vmw     VIRTUAL_APIC_ADDR, VAPIC
        vmw     PID_TABLE, PIDS
        vmw     LAST_PID_INDEX, 2
        mov     qword [PIDS + 16], TARGET | 1
        mov     eax, PAGE
        mov     [guest_rbx], rax
        ; The descriptor names this processor (APIC identifier 0) and its notification vector
        mov     qword [TARGET + 32], NOTIFICATION << 16

        command 0x00000055, 2 << 24
        expect  rax, REASON_EXTERNAL                    ; the notification, sent through the local APIC
        expect_field EXIT_INTERRUPTION, 1 << 31 | NOTIFICATION
        expect_field GUEST_RIP, send.after
        expect  [TARGET + 8], 1 << (0x55 - 64)
        expect  [TARGET + 32], NOTIFICATION << 16 | 1   ; ON
        apic    0xB0, 0
        ; Outstanding: posted without another notification
        command 0x00000056, 2 << 24
        expect  rax, REASON_CPUID
        expect  [TARGET + 8], 3 << (0x55 - 64)
        ; Suppressed as well
        mov     qword [TARGET + 32], NOTIFICATION << 16 | 2
        command 0x00000057, 2 << 24
        expect  rax, REASON_CPUID
        expect  [TARGET + 32], NOTIFICATION << 16 | 2
        ; What cannot be virtualized exits
        command 0x00000055, 3 << 24                     ; beyond the last index
        exits
        command 0x00000055, 1 << 24                     ; an invalid pointer
        exits
        mov     qword [PIDS + 8], TARGET | 3            ; a reserved bit
        command 0x00000055, 1 << 24
        exits
        command 0x00000855, 2 << 24                     ; logical destination
        exits
        command 0x00000455, 2 << 24                     ; NMI
        exits
        command 0x00080055, 2 << 24                     ; all
        exits
        command 0x0000000F, 2 << 24                     ; vector below 16
        exits
        ; A self-IPI is virtualized as ever
        vmw     GUEST_RFLAGS, 0x202
        command 0x00040066, 0
        expect  rax, REASON_VMCALL
        expect  [guest_vector], 0x66

        ; By WRMSR in x2APIC mode
        vmclr   SECONDARY_CONTROLS, CPU2_APIC_ACCESSES
        vmset   SECONDARY_CONTROLS, CPU2_X2APIC
        vmw     GUEST_INTERRUPT_STATUS, 0
        vmw     GUEST_RFLAGS, 2
        vmw     EXCEPTION_BITMAP, 1 << 13
        mov     qword [TARGET + 32], 1
        mov     qword [TARGET + 8], 0
        mov     qword [guest_rcx], 0x830
        mov     qword [guest_rax], 0x00000058
        mov     qword [guest_rdx], 2
        guest_at wr
        run_until REASON_CPUID
        expect  [TARGET + 8], 1 << (0x58 - 64)
        mov     rax, 2 << 32 | 0x58
        expect  [VAPIC + 0x300], rax
        mov     qword [guest_rdx], 3
        guest_at wr
        run_until REASON_APIC_WRITE, 0x300, 0
        mov     qword [guest_rax], 0x00100058           ; a reserved bit
        guest_at wr
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, 1 << 31 | 1 << 11 | 3 << 8 | 13
        pass

guest:
send:   mov     [rbx + 0x310], eax
        mov     [rbx + 0x300], ecx
.after: cpuid
wr:     wrmsr
        cpuid
