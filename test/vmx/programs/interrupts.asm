; External interrupts and NMIs: exits, acknowledgement, windows, virtual NMIs (local APIC self-interrupts as the source).
%include "hypervisor.inc"

VALID           equ 1 << 31
NMI_TYPE        equ 2 << 8

%macro self_ipi 1       ; fixed, vector
        apic    0x300, 0x00040000 | %1
%endmacro
%macro self_nmi 0
        apic    0x300, 0x00040400
%endmacro

test:
        apic    0xF0, 0x1FF

        ; External-interrupt exiting without acknowledgement: the interrupt stays pending, IF of the guest does not matter
        vmset   PIN_CONTROLS, PIN_EXTERNAL
        self_ipi 0x51
        run_until REASON_EXTERNAL, 0, 0
        expect_field EXIT_INTERRUPTION, 0
        expect_field GUEST_RIP, guest
        run_until REASON_EXTERNAL               ; still there
        sti
        nop
        cli
        expect  [host_interrupts], 1
        expect  [host_vector], 0x51
        ; With acknowledgement the vector is told and the interrupt is in service
        vmset   EXIT_CONTROLS, EXIT_ACK_INTERRUPT
        self_ipi 0x52
        run_until REASON_EXTERNAL
        expect_field EXIT_INTERRUPTION, VALID | 0x52
        apic    0xB0, 0           ; EOI
        sti
        nop
        cli
        expect  [host_interrupts], 1
        ; The guest raises it itself: the exit follows the write to the APIC
        guest_at raises
        run_until REASON_EXTERNAL
        expect_field EXIT_INTERRUPTION, VALID | 0x53
        expect_field GUEST_RIP, raises.after
        apic    0xB0, 0
        ; Without the control the guest takes it, when its IF allows
        vmclr   PIN_CONTROLS, PIN_EXTERNAL
        guest_at raises
        run_until REASON_CPUID                  ; IF is 0
        vmw     GUEST_RFLAGS, 0x202
        run_until REASON_VMCALL
        expect  [guest_vector], 0x53
        mov     rsi, [guest_frame]
        expect  [rsi], raises.cpuid             ; delivered before CPUID
        apic    0xB0, 0

        ; Interrupt window: at the first boundary with IF set and no blocking
        vmset   PRIMARY_CONTROLS, CPU_INTERRUPT_WINDOW
        vmw     GUEST_RFLAGS, 2
        vmw     GUEST_RSP, GUEST_STACK_TOP
        guest_at window
        run_until REASON_INTERRUPT_WINDOW, 0, 0
        expect_field GUEST_RIP, window.open     ; one instruction after STI's shadow
        expect_field GUEST_INTERRUPTIBILITY, 0
        vmclr   PRIMARY_CONTROLS, CPU_INTERRUPT_WINDOW
        ; STI's shadow is saved by an exit inside it
        vmw     GUEST_RFLAGS, 2
        guest_at shadow
        run_until REASON_CPUID
        expect_field GUEST_INTERRUPTIBILITY, 1
        skip
        vmw     GUEST_INTERRUPTIBILITY, 0
        run_until REASON_CPUID
        expect_field GUEST_INTERRUPTIBILITY, 2  ; MOV SS
        vmw     GUEST_INTERRUPTIBILITY, 0

        ; NMI exiting: exception-or-NMI exit, type 2; blocked in the host until IRET
        vmset   PIN_CONTROLS, PIN_NMI
        vmw     GUEST_RFLAGS, 2
        guest_at nmi
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | NMI_TYPE | 2
        expect_field GUEST_RIP, nmi.after
        expect_field GUEST_INTERRUPTIBILITY, 0
        call    unblock_nmi
        ; Without NMI exiting the guest takes it through its IDT and blocks
        vmclr   PIN_CONTROLS, PIN_NMI
        guest_at nmi
        run_until REASON_VMCALL
        expect  [guest_vector], 2
        expect_field GUEST_INTERRUPTIBILITY, 8
        vmw     GUEST_INTERRUPTIBILITY, 0
        vmw     GUEST_RSP, GUEST_STACK_TOP
        call    unblock_nmi

        ; NMI window with virtual NMIs: exits at once when nothing blocks, after IRET when virtual NMIs are blocked
        vmset   PIN_CONTROLS, PIN_NMI | PIN_VIRTUAL_NMIS
        vmset   PRIMARY_CONTROLS, CPU_NMI_WINDOW
        guest_at window
        run_until REASON_NMI_WINDOW
        expect_field GUEST_RIP, window
        vmw     GUEST_INTERRUPTIBILITY, 8
        guest_at iret_guest
        run_until REASON_NMI_WINDOW
        expect_field GUEST_RIP, iret_guest.after
        expect_field GUEST_INTERRUPTIBILITY, 0
        pass

; An IRET in the host ends blocking by NMI
unblock_nmi:
        pop     rax
        mov     rcx, rsp
        push    DATA_SEL
        push    rcx
        pushfq
        push    CODE_SEL
        push    rax
        iretq

guest:  nop
        cpuid
raises: self_ipi 0x53
.after: nop
.cpuid: cpuid
window: nop
        sti
        nop
.open:  cpuid
shadow: sti
        cpuid
        mov     eax, DATA_SEL
        mov     ss, eax
        cpuid
nmi:    self_nmi
.after: nop
        cpuid
iret_guest:
        mov     rcx, rsp
        push    DATA_SEL
        push    rcx
        push    2
        push    CODE_SEL
        push    .after
        iretq
.after: nop
        cpuid
