; Activity states: HLT in the guest, entered and left; wait-for-SIPI and shutdown accepted (SDM "Activity State").
%include "hypervisor.inc"

test:
        ; HLT without HLT exiting; the VMX-preemption timer exits from it
        vmset   PIN_CONTROLS, PIN_TIMER
        vmw     PREEMPTION_TIMER, 100
        run_until REASON_PREEMPTION_TIMER
        expect_field GUEST_ACTIVITY, 1
        expect_field GUEST_RIP, guest.halted
        ; Entered again it still halts; an interrupt that is injected ends it
        vmw     PREEMPTION_TIMER, 100
        run_until REASON_PREEMPTION_TIMER
        expect_field GUEST_ACTIVITY, 1
        vmw     PREEMPTION_TIMER, 10000
        vmw     GUEST_RFLAGS, 0x202
        vmw     ENTRY_INTERRUPTION, 0x80000041
        run_until REASON_VMCALL
        expect  [guest_vector], 0x41
        expect_field GUEST_ACTIVITY, 0
        mov     rsi, [guest_frame]
        expect  [rsi], guest.halted
        vmclr   PIN_CONTROLS, PIN_TIMER

        ; Entry into HLT, left by an external interrupt that exits
        vmset   PIN_CONTROLS, PIN_EXTERNAL
        vmw     GUEST_RFLAGS, 2
        vmw     GUEST_ACTIVITY, 1
        guest_at guest.halted
        apic    0xF0, 0x1FF                     ; local APIC on
        apic    0x300, 0x00040051               ; self-IPI, vector 51H
        run_until REASON_EXTERNAL
        expect_field GUEST_ACTIVITY, 1
        expect_field EXIT_INTERRUPTION, 0       ; not acknowledged
        pass

guest:  hlt
.halted:
        mov     eax, 1
        vmcall
