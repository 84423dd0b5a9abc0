; "Conceal VMX from PT" in its three words: allowed, and without effect on a processor without Processor Trace.
%include "hypervisor.inc"

test:
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_CONCEAL
        vmset   EXIT_CONTROLS, 1 << 24
        vmset   ENTRY_CONTROLS, 1 << 17
        run_until REASON_CPUID, 0, 2
        expect_masked SECONDARY_CONTROLS, CPU2_CONCEAL, CPU2_CONCEAL
        pass

guest:  cpuid
