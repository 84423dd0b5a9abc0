; "Virtualize x2APIC mode" (SDM "Virtualizing MSR-Based APIC Accesses"), alone and with the other APIC controls.
%include "hypervisor.inc"

VAPIC           equ SCRATCH

; read_msr index: RDMSR in the guest that does not exit; EAX and EDX in guest_rax and guest_rdx
%macro read_msr 1
        mov     qword [guest_rcx], %1
        guest_at rd
        run_until REASON_CPUID
%endmacro
%macro write_msr 3      ; index, low, high
        mov     qword [guest_rcx], %1
        mov     qword [guest_rax], %2
        mov     qword [guest_rdx], %3
        guest_at wr
        call    run_guest
%endmacro
%macro faults 0
        expect  rax, REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, 1 << 31 | 1 << 11 | 3 << 8 | 13
        expect_field GUEST_RIP, wr
%endmacro

test:
        vmset   PIN_CONTROLS, PIN_EXTERNAL
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY | CPU_TPR_SHADOW | CPU_MSR_BITMAPS
        vmset   SECONDARY_CONTROLS, CPU2_X2APIC
        vmw     VIRTUAL_APIC_ADDR, VAPIC
        vmw     EXCEPTION_BITMAP, 1 << 13
        ; Alone: the task priority is the virtual one, everything else the processor's own (xAPIC mode: #GP)
        mov     dword [VAPIC + 0x80], 0x55
        mov     dword [VAPIC + 0x84], 0x66
        read_msr 0x808
        expect  [guest_rax], 0x55
        expect  [guest_rdx], 0x66
        mov     qword [guest_rcx], 0x802
        guest_at rd
        run_until REASON_EXCEPTION
        write_msr 0x808, 0x99, 0
        expect  rax, REASON_CPUID
        expect  [VAPIC + 0x80], 0x99            ; 8 bytes
        write_msr 0x808, 0x100, 0
        faults
        write_msr 0x808, 0x10, 1
        faults
        ; Below the threshold it exits after the instruction
        vmw     TPR_THRESHOLD, 5
        write_msr 0x808, 0x4F, 0
        expect  rax, REASON_TPR_BELOW
        expect_field GUEST_RIP, wr.after
        mov     dword [VAPIC + 0x80], 0xF0
        vmw     TPR_THRESHOLD, 0
        write_msr 0x80B, 0, 0                   ; EOI is not virtualized
        faults
        ; The MSR bitmaps come first
        bts     dword [BITMAPS + 0x2000 + 0x808 / 8], 0
        mov     qword [guest_rcx], 0x808
        guest_at rd
        run_until REASON_RDMSR
        btr     dword [BITMAPS + 0x2000 + 0x808 / 8], 0
        ; Without "use MSR bitmaps" every RDMSR exits
        vmclr   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        guest_at rd
        run_until REASON_RDMSR
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS

        ; With APIC-register virtualization each of the 256 reads 8 bytes of the page
        vmset   SECONDARY_CONTROLS, CPU2_APIC_REGISTERS
        mov     dword [VAPIC + 0x20], 0x12345678
        mov     dword [VAPIC + 0x24], 0x9ABCDEF0
        read_msr 0x802
        expect  [guest_rax], 0x12345678
        mov     rax, 0x9ABCDEF0
        expect  [guest_rdx], rax
        mov     dword [VAPIC + 0xFF0], 0x77
        read_msr 0x8FF
        expect  [guest_rax], 0x77
        write_msr 0x802, 0, 0                   ; writes are as before
        faults

        ; With virtual-interrupt delivery EOI and self-IPI are virtualized
        vmset   SECONDARY_CONTROLS, CPU2_VIRTUAL_INTERRUPTS
        vmw     EOI_EXIT0, 0
        vmw     EOI_EXIT1, 1
        mov     dword [VAPIC + 0x80], 0
        vmw     GUEST_INTERRUPT_STATUS, 0
        vmw     GUEST_RFLAGS, 0x202
        write_msr 0x83F, 0x61, 0
        expect  rax, REASON_VMCALL
        expect  [guest_vector], 0x61
        expect_field GUEST_INTERRUPT_STATUS, 0x6100
        expect  [VAPIC + 0x3F0], 0x61
        mov     rsi, [guest_frame]
        expect  [rsi], wr.after
        write_msr 0x80B, 0, 0
        expect  rax, REASON_CPUID
        expect_field GUEST_INTERRUPT_STATUS, 0
        write_msr 0x80B, 1, 0
        faults
        write_msr 0x83F, 0x100, 0
        faults
        write_msr 0x83F, 0x0F, 0                ; a vector below 16
        expect  rax, REASON_APIC_WRITE
        expect_field EXIT_QUALIFICATION, 0x3F0
        expect_field GUEST_RIP, wr.after
        vmw     GUEST_INTERRUPT_STATUS, 0x4000
        write_msr 0x80B, 0, 0
        expect  rax, REASON_EOI
        expect_field EXIT_QUALIFICATION, 0x40
        expect_field GUEST_RIP, wr.after
        ; The task priority releases a virtual interrupt
        bts     dword [VAPIC + 0x220], 0x51 - 0x40
        mov     dword [VAPIC + 0x80], 0x60
        vmw     GUEST_INTERRUPT_STATUS, 0x51
        vmw     GUEST_RFLAGS, 0x202
        write_msr 0x808, 0, 0
        expect  rax, REASON_VMCALL
        expect  [guest_vector], 0x51
        pass

guest:
rd:     rdmsr
        cpuid
wr:     wrmsr
.after: cpuid
