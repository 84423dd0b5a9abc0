; Descriptor-table exiting: LGDT, LIDT, SGDT, SIDT (46) and LLDT, LTR, SLDT, STR (47), with instruction information.
%include "hypervisor.inc"

test:
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_DESCRIPTOR_TABLE
        ; bits 29:28 identify: SGDT 0, SIDT 1, LGDT 2, LIDT 3
        run_until REASON_GDTR_IDTR, 0x10, 4
        expect_masked EXIT_INSTRUCTION_INFO, 0x37C38380, 2 << 7 | 3 << 15 | 1 << 22 | 3 << 23 | 2 << 28
        skip
        run_until REASON_GDTR_IDTR, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 3 << 28, 3 << 28
        skip
        run_until REASON_GDTR_IDTR, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 3 << 28, 0
        skip
        run_until REASON_GDTR_IDTR, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 3 << 28, 1 << 28
        skip
        ; SLDT 0, STR 1, LLDT 2, LTR 3; register operand: bit 10, register in 6:3
        run_until REASON_LDTR_TR, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 3 << 28 | 0x478, 2 << 28 | 1 << 10 | 1 << 3
        skip
        run_until REASON_LDTR_TR, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 3 << 28 | 0x478, 3 << 28 | 1 << 10 | 2 << 3
        skip
        run_until REASON_LDTR_TR, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 3 << 28 | 0x400, 0 << 28
        skip
        run_until REASON_LDTR_TR, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 3 << 28 | 0x478, 1 << 28 | 1 << 10 | 6 << 3
        skip
        run_until REASON_CPUID
        pass

guest:
        lgdt    [rbx + 0x10]
        lidt    [rbx]
        sgdt    [rbx]
        sidt    [rbx]
        lldt    cx
        ltr     dx
        sldt    [rbx]
        str     esi
        cpuid
