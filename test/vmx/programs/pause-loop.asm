; PAUSE-loop exiting: a loop whose PAUSEs are at most PLE_Gap apart exits once it is longer than PLE_Window.
%include "hypervisor.inc"

test:
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_PAUSE_LOOP
        vmw     PLE_GAP, 50
        vmw     PLE_WINDOW, 1000
        run_until REASON_PAUSE, 0, 2
        ; the loop has 3 instructions: it exits after more than 1000 and fewer than 1100 of them
        mov     rax, [guest_rbx]
        lea     rax, [rax + rax * 2]
        sub     rax, 1000
        cmp     rax, 100
        mov     r13d, 1
        ja      failed
        ; PAUSEs further apart than the gap never exit
        guest_at apart
        run_until REASON_CPUID
        pass

guest:  inc     rbx
        pause
        jmp     guest
apart:  mov     ecx, 100
.loop:  pause
        mov     edx, 60
.wait:  dec     edx
        jnz     .wait
        dec     ecx
        jnz     .loop
        cpuid
