; IA32_VMX_MISC[29]: VMWRITE writes VM-exit information fields, which the next VM exit overwrites.
%include "hypervisor.inc"

test:
        mov     ecx, 0x485
        rdmsr
        bt      eax, 29
        mov     r13d, __?LINE?__
        jnc     failed
        vmw     EXIT_REASON, 0x1234
        expect_field EXIT_REASON, 0x1234
        vmw     EXIT_QUALIFICATION, -1
        expect_field EXIT_QUALIFICATION, -1
        vmw     GUEST_PHYSICAL_ADDR, 0x55
        expect_field GUEST_PHYSICAL_ADDR, 0x55
        run_until REASON_CPUID, 0, 2
        expect_field EXIT_REASON, REASON_CPUID
        pass

guest:  cpuid
