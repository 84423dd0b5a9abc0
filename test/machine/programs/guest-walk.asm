; The host's page walk, then the guest's, set flags in the entries that map 1 GiB and 2 GiB, where nobody was before.
%include "hypervisor.inc"

test:
        call    enable_ept
        mov     eax, [0x40000000]
        guest_at read
        run_until REASON_CPUID
        guest_at write
        run_until REASON_CPUID
        pass

guest:
read:   mov     eax, 0x80000000
        mov     ebx, [rax]
        cpuid
write:  mov     eax, 0x80000000
        mov     [rax], ebx
        cpuid
