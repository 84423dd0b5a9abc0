; "Use TPR shadow": CR8 is the virtual-APIC page's, and a write below the threshold exits after the instruction.
%include "hypervisor.inc"

VIRTUAL_APIC    equ SCRATCH

test:
        mov     eax, 5
        mov     cr8, rax                        ; the host's own
        vmset   PRIMARY_CONTROLS, CPU_TPR_SHADOW
        vmw     VIRTUAL_APIC_ADDR, VIRTUAL_APIC
        vmw     TPR_THRESHOLD, 3
        mov     dword [VIRTUAL_APIC + 0x80], 0x20
        run_fails 7                             ; threshold above VTPR[7:4]
        mov     dword [VIRTUAL_APIC + 0x80], 0x77
        run_until REASON_CPUID
        expect  [guest_rbx], 7                  ; VTPR[7:4]
        expect  [VIRTUAL_APIC + 0x80], 0x90     ; MOV CR8, 9
        skip
        run_until REASON_TPR_BELOW, 0, 0
        expect_field GUEST_RIP, guest.below     ; behind the instruction
        expect  [VIRTUAL_APIC + 0x80], 0x20
        mov     rax, cr8
        expect  rax, 5
        vmw     TPR_THRESHOLD, 0
        run_until REASON_CPUID
        pass

guest:
        mov     rbx, cr8
        mov     eax, 9
        mov     cr8, rax
        cpuid
        mov     eax, 3
        mov     cr8, rax                        ; equal to the threshold: nothing
        mov     eax, 2
        mov     cr8, rax
.below: cpuid
