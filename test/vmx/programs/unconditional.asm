; Instructions that exit whatever the controls say, with instruction length and, for those with operands, qualification
; (displacement) and VM-exit instruction information (SDM "Instructions That Cause VM Exits Unconditionally").
%include "hypervisor.inc"

test:
        run_until REASON_CPUID, 0, 2
        skip
        run_until REASON_INVD, 0, 2
        skip
        run_until REASON_VMCALL, 0, 3
        skip
        run_until REASON_VMLAUNCH, 0, 3
        skip
        run_until REASON_VMRESUME, 0, 3
        skip
        run_until REASON_VMXOFF, 0, 3
        skip

        ; VMCLEAR [rbx + rcx*4 + 0x12345678]: scaling 2, address size 2 (64-bit), segment DS 3, index 1, base 3
        run_until REASON_VMCLEAR, 0x12345678, 9
        expect_field EXIT_INSTRUCTION_INFO, 2 | 2 << 7 | 3 << 15 | 1 << 18 | 3 << 23
        skip
        ; VMPTRLD [fs:r9 - 8]: no index
        run_until REASON_VMPTRLD, -8, 6
        expect_masked EXIT_INSTRUCTION_INFO, ~(0xF << 18 | 3), 2 << 7 | 4 << 15 | 1 << 22 | 9 << 23
        skip
        ; VMPTRST [rsp]: base 4, SS
        run_until REASON_VMPTRST, 0, 4
        expect_masked EXIT_INSTRUCTION_INFO, ~(0xF << 18 | 3), 2 << 7 | 2 << 15 | 1 << 22 | 4 << 23
        skip
        ; VMXON [rax*8 + 0x40]: no base
        run_until REASON_VMXON, 0x40, 9
        expect_masked EXIT_INSTRUCTION_INFO, ~(0xF << 23), 3 | 2 << 7 | 3 << 15 | 0 << 18 | 1 << 27
        skip
        ; VMREAD rdx, rbx: register form; Reg1 = destination 2, Reg2 = encoding 3
        run_until REASON_VMREAD, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 0xF0000478, 2 << 3 | 1 << 10 | 3 << 28
        skip
        ; VMWRITE rsi, [rip + x]: qualification is the address that the displacement gives (RIP-relative)
        run_until REASON_VMWRITE
        expect_field EXIT_QUALIFICATION, data
        expect_field EXIT_LENGTH, 7
        expect_masked EXIT_INSTRUCTION_INFO, 0xF0400780, 2 << 7 | 1 << 22 | 6 << 28
        skip
        ; INVEPT rdi, [rax]
        run_until REASON_INVEPT, 0, 5
        expect_masked EXIT_INSTRUCTION_INFO, 0xFFC38780, 2 << 7 | 3 << 15 | 1 << 22 | 0 << 23 | 7 << 28
        skip
        run_until REASON_INVVPID, 0, 5
        skip
        run_until REASON_XSETBV, 0, 3
        skip
        ; without CR4.OSXSAVE XSETBV is #UD in the guest; VMCALL comes from its handler
        run_until REASON_VMCALL
        expect  [guest_vector], 6
        pass

guest:
        cpuid
        invd
        vmcall
        vmlaunch
        vmresume
        vmxoff
        vmclear [rbx + rcx*4 + 0x12345678]
        vmptrld [fs:r9 - 8]
        vmptrst [rsp]
        vmxon   [nosplit rax*8 + 0x40]
        vmread  rdx, rbx
        vmwrite rsi, [rel data]
        invept  rdi, [rax]
        invvpid rdi, [rax]
        mov     rax, cr4
        bts     rax, 18                         ; OSXSAVE
        mov     cr4, rax
        xsetbv
        btr     rax, 18
        mov     cr4, rax
        xsetbv
        hlt
data:   dq      0
