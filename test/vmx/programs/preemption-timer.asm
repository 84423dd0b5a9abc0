; The VMX-preemption timer: counts at the rate of IA32_VMX_MISC[4:0], exits with reason 52, is saved when asked to be.
%include "hypervisor.inc"

test:
        mov     ecx, 0x485
        rdmsr
        and     eax, 31
        mov     [rate], rax
        vmset   PIN_CONTROLS, PIN_TIMER

        ; Zero: no instruction runs
        vmw     PREEMPTION_TIMER, 0
        mov     qword [guest_rbx], 0
        run_until REASON_PREEMPTION_TIMER, 0, 0
        expect  [guest_rbx], 0
        expect_field GUEST_RIP, guest

        ; The guest counts in RBX with loops of two instructions: about value << rate instructions
        vmw     PREEMPTION_TIMER, 1000
        run_until REASON_PREEMPTION_TIMER
        mov     rax, [guest_rbx]
        shl     rax, 1
        mov     rcx, [rate]
        shr     rax, cl
        sub     rax, 999
        cmp     rax, 1
        mov     r13d, 1
        ja      failed
        expect_field PREEMPTION_TIMER, 1000     ; not saved
        ; Saved when another exit comes first
        vmset   EXIT_CONTROLS, EXIT_SAVE_TIMER
        vmw     PREEMPTION_TIMER, 500
        mov     ecx, 3200
        mov     rdx, [rate]
        mov     [guest_rcx], rcx
        guest_at down
        run_until REASON_CPUID
        vmr     rax, PREEMPTION_TIMER
        ; 3200 loops of 2 instructions and CPUID: (500 << rate) - 6401 are left
        mov     rcx, [rate]
        mov     edx, 6401
        shr     edx, cl
        mov     ebx, 500
        sub     ebx, edx
        sub     ebx, eax                        ; 0 or 1, by where the TSC stood
        cmp     ebx, 1
        mov     r13d, 2
        ja      failed
        ; A timer that expired is saved as 0
        vmw     PREEMPTION_TIMER, 10
        guest_at guest
        run_until REASON_PREEMPTION_TIMER
        expect_field PREEMPTION_TIMER, 0
        pass

guest:  inc     rbx
        jmp     guest
down:   dec     ecx
        jnz     down
        cpuid

        align   8
rate:   dq      0
