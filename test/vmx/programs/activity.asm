; INIT, and the shutdown activity state: what ends it and what does not (SDM "Activity State", "INIT").
%include "hypervisor.inc"

VALID           equ 1 << 31

test:
        ; An INIT that arrives in VMX root operation waits for the next VM entry
        apic    0x310, 0
        apic    0x300, 0x00004500
        run_until 3, 0, 0
        expect_field GUEST_RIP, guest
        run_until REASON_CPUID                  ; it was taken
        skip

        ; Shutdown: an external interrupt stays pending, the VMX-preemption timer exits
        vmset   PIN_CONTROLS, PIN_EXTERNAL | PIN_TIMER
        vmset   EXIT_CONTROLS, EXIT_ACK_INTERRUPT
        vmw     PREEMPTION_TIMER, 50
        vmw     GUEST_ACTIVITY, 2
        apic    0xF0, 0x1FF
        apic    0x300, 0x00040061
        run_until REASON_PREEMPTION_TIMER
        expect_field GUEST_ACTIVITY, 2
        ; Active again, the interrupt exits at once
        vmw     GUEST_ACTIVITY, 0
        run_until REASON_EXTERNAL
        expect_field EXIT_INTERRUPTION, VALID | 0x61
        pass

guest:  cpuid
        nop
        jmp     $
