; A VMX abort: an MSR that cannot be stored at a VM exit. This program ends there; the test looks at the indicator.
%include "hypervisor.inc"

test:
        mov     dword [SCRATCH], 0x12345
        mov     dword [SCRATCH + 4], 0
        vmw     EXIT_MSR_STORE_ADDR, SCRATCH
        vmw     EXIT_MSR_STORE_COUNT, 1
        run_until REASON_CPUID
        pass

guest:  cpuid
