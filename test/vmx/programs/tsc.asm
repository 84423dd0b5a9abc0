; RDTSC, RDTSCP and RDMSR of the time-stamp counter under an offset and a multiplier.
%include "hypervisor.inc"

test:
        vmset   PRIMARY_CONTROLS, CPU_TSC_OFFSET | CPU_SECONDARY | CPU_MSR_BITMAPS
        vmset   SECONDARY_CONTROLS, CPU2_RDTSCP
        mov     rax, 1 << 40
        vmw     TSC_OFFSET, rax
        run_until REASON_CPUID
        call    host_tsc
        mov     rdx, 1 << 40
        add     rax, rdx
        ; the guest's three readings lie before the host's, in order, not far apart
        mov     rcx, [guest_rbx]
        sub     rax, rcx
        cmp     rax, 10000
        mov     r13d, 1
        ja      failed
        mov     rax, [guest_rsi]
        sub     rax, rcx
        cmp     rax, 100
        mov     r13d, 2
        ja      failed
        mov     rax, [guest_rdi]
        sub     rax, [guest_rsi]
        cmp     rax, 100
        mov     r13d, 3
        ja      failed

        ; Multiplier 4 (48 fraction bits), negative offset
        vmset   SECONDARY_CONTROLS, CPU2_TSC_SCALING
        mov     rax, 4 << 48
        vmw     TSC_MULTIPLIER, rax
        vmw     TSC_OFFSET, 0
        guest_at guest
        run_until REASON_CPUID
        call    host_tsc
        shl     rax, 2
        sub     rax, [guest_rbx]
        cmp     rax, 40000
        mov     r13d, 4
        ja      failed

        ; The VM-exit MSR-store area has the counter itself, whatever the guest's offset is
        vmclr   SECONDARY_CONTROLS, CPU2_TSC_SCALING
        mov     rax, 1 << 40
        vmw     TSC_OFFSET, rax
        mov     qword [SCRATCH], 0x10
        vmw     EXIT_MSR_STORE_ADDR, SCRATCH
        vmw     EXIT_MSR_STORE_COUNT, 1
        guest_at guest
        run_until REASON_CPUID
        call    host_tsc
        sub     rax, [SCRATCH + 8]
        cmp     rax, 10000
        mov     r13d, 5
        ja      failed
        pass

host_tsc:
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        ret

guest:
        rdtsc
        shl     rdx, 32
        lea     rbx, [rdx + rax]
        rdtscp
        shl     rdx, 32
        lea     rsi, [rdx + rax]
        mov     ecx, 0x10
        rdmsr
        shl     rdx, 32
        lea     rdi, [rdx + rax]
        cpuid
