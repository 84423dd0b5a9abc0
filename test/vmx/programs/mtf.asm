; Monitor trap flag: a VM exit after each instruction, after an injected event's delivery, pending through an "other event".
%include "hypervisor.inc"

test:
        vmset   PRIMARY_CONTROLS, CPU_MTF
        run_until REASON_MTF, 0, 0
        expect_field GUEST_RIP, guest.one
        run_until REASON_MTF
        expect_field GUEST_RIP, guest.two
        run_until REASON_MTF
        expect_field GUEST_RIP, guest.three
        ; An instruction that exits by itself makes no MTF exit
        run_until REASON_CPUID, 0, 2
        skip
        ; Injected event: MTF after its delivery, before the handler's first instruction
        vmw     ENTRY_INTERRUPTION, 0x80000306  ; #UD
        run_until REASON_MTF
        expect_field GUEST_RIP, guest_stubs + 6 * 16
        ; A faulting instruction: MTF after the delivery of the fault
        guest_at invalid
        run_until REASON_MTF
        expect_field GUEST_RIP, guest_stubs + 6 * 16
        ; MTF may be injected: interruption type 7, vector 0; no instruction runs
        vmclr   PRIMARY_CONTROLS, CPU_MTF
        vmw     ENTRY_INTERRUPTION, 0x80000700
        guest_at guest
        run_until REASON_MTF
        expect_field GUEST_RIP, guest
        run_until REASON_CPUID
        pass

guest:  inc     eax
.one:   push    rax
.two:   pop     rbx
.three: cpuid
invalid:
        ud2
