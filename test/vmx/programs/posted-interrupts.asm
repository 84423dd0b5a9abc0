; "Process posted interrupts" (SDM "Posted-Interrupt Processing"): the notification vector and every other one.
%include "hypervisor.inc"

PAGE            equ 0xFEE00000
VAPIC           equ SCRATCH
DESCRIPTOR      equ SCRATCH + 0x1040
NOTIFICATION    equ 0xF1

%macro self_ipi 1
        apic    0x300, 0x00040000 | %1
%endmacro

test:
        apic    0xF0, 0x1FF
        vmset   PIN_CONTROLS, PIN_EXTERNAL | PIN_POSTED
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY | CPU_TPR_SHADOW
        vmset   SECONDARY_CONTROLS, CPU2_VIRTUAL_INTERRUPTS
        vmset   EXIT_CONTROLS, EXIT_ACK_INTERRUPT
        vmw     VIRTUAL_APIC_ADDR, VAPIC
        vmw     EOI_EXIT0, 0
        vmw     POSTED_VECTOR, NOTIFICATION
        vmw     POSTED_DESCRIPTOR, DESCRIPTOR
        vmw     GUEST_INTERRUPT_STATUS, 0

        ; Two posted vectors; IF is 0: the notification is consumed without an exit
        bts     dword [DESCRIPTOR + 8], 0x45 - 0x40
        bts     dword [DESCRIPTOR + 16], 0x83 - 0x80
        mov     rax, 0x123456780001 | 1
        mov     [DESCRIPTOR + 32], rax                  ; ON, and bits that stay
        bts     dword [VAPIC + 0x200 + 0x10], 0x31 - 0x20
        vmw     GUEST_INTERRUPT_STATUS, 0x31
        self_ipi NOTIFICATION
        run_until REASON_CPUID
        expect_field GUEST_INTERRUPT_STATUS, 0x83
        expect  [DESCRIPTOR + 8], 0
        expect  [DESCRIPTOR + 16], 0
        mov     rax, 0x123456780000
        expect  [DESCRIPTOR + 32], rax
        mov     eax, [VAPIC + 0x220]
        expect  rax, 1 << 5
        mov     eax, [VAPIC + 0x240]
        expect  rax, 1 << 3
        mov     eax, [VAPIC + 0x210]
        expect  rax, 1 << 0x11
        ; The local APIC got its EOI
        mov     edx, PAGE
        mov     eax, [rdx + 0x170]
        expect  rax, 0
        sti
        nop
        cli
        expect  [host_interrupts], 0

        ; With IF the guest takes them in turn
        vmw     GUEST_RFLAGS, 0x202
        run_until REASON_VMCALL
        expect  [guest_vector], 0x83
        expect_field GUEST_INTERRUPT_STATUS, 0x8345

        ; A notification wakes a guest that halts only if a virtual interrupt can be delivered
        mov     dword [VAPIC + 0x80], 0x90
        mov     dword [VAPIC + 0x220], 0
        mov     dword [VAPIC + 0x210], 0
        vmw     GUEST_INTERRUPT_STATUS, 0
        vmw     GUEST_ACTIVITY, 1
        vmw     GUEST_RFLAGS, 0x202
        bts     dword [DESCRIPTOR + 8], 0x45 - 0x40
        bts     qword [DESCRIPTOR + 32], 0
        self_ipi NOTIFICATION
        apic    0x320, 0x000000E0               ; the timer, one shot: another vector comes later
        apic    0x3E0, 0xB
        apic    0x380, 200
        run_until REASON_EXTERNAL
        expect_field EXIT_INTERRUPTION, 1 << 31 | 0xE0
        expect_field GUEST_ACTIVITY, 1
        expect_field GUEST_INTERRUPT_STATUS, 0x45
        apic    0xB0, 0
        mov     dword [VAPIC + 0x80], 0
        run_until REASON_VMCALL
        expect  [guest_vector], 0x45

        ; The guest itself causes the notification: between two instructions
        vmw     GUEST_INTERRUPT_STATUS, 0
        vmw     GUEST_RFLAGS, 0x202
        bts     dword [DESCRIPTOR + 8], 0x46 - 0x40
        guest_at notifies
        run_until REASON_VMCALL
        expect  [guest_vector], 0x46
        mov     rsi, [guest_frame]
        expect  [rsi], notifies.after

        ; Another vector exits and is acknowledged
        vmw     GUEST_INTERRUPT_STATUS, 0
        self_ipi 0x61
        guest_at guest
        run_until REASON_EXTERNAL
        expect_field EXIT_INTERRUPTION, 1 << 31 | 0x61
        apic    0xB0, 0
        pass

guest:  cpuid
notifies:
        mov     edx, PAGE
        mov     dword [rdx + 0x300], 0x00040000 | NOTIFICATION
.after: cpuid
