; Instructions that exit when a primary or secondary control says so, and run when it does not.
%include "hypervisor.inc"

test:
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_RDTSCP | CPU2_INVPCID

        ; Without the controls: everything up to the VMCALL runs
        run_until REASON_VMCALL, 0, 3
        expect_field GUEST_RIP, quiet.end

        vmset   PRIMARY_CONTROLS, CPU_HLT | CPU_INVLPG | CPU_MWAIT | CPU_RDPMC | CPU_RDTSC | CPU_MONITOR | CPU_PAUSE | CPU_MOV_DR
        vmset   SECONDARY_CONTROLS, CPU2_WBINVD | CPU2_RDRAND | CPU2_RDSEED
        guest_at noisy
        mov     qword [guest_rax], 0x5000
        mov     qword [guest_rbx], 0x12345000
        mov     qword [guest_rcx], 0
        run_until REASON_INVLPG, 0x12345008, 4
        skip
        run_until REASON_RDTSC, 0, 2
        skip
        run_until REASON_RDTSCP, 0, 3
        skip
        run_until REASON_RDPMC, 0, 2
        skip
        run_until REASON_PAUSE, 0, 2
        skip
        run_until REASON_MONITOR, 0, 3
        skip
        run_until REASON_MWAIT
        expect_field EXIT_LENGTH, 3
        skip
        run_until REASON_WBINVD, 0, 2
        skip
        ; RDRAND ebp, RDRAND r10, RDSEED ax: destination in bits 6:3, operand size in bits 12:11
        run_until REASON_RDRAND, 0, 3
        expect_masked EXIT_INSTRUCTION_INFO, 0x1878, 5 << 3 | 1 << 11
        skip
        run_until REASON_RDRAND, 0, 4
        expect_masked EXIT_INSTRUCTION_INFO, 0x1878, 10 << 3 | 2 << 11
        skip
        run_until REASON_RDSEED, 0, 4
        expect_masked EXIT_INSTRUCTION_INFO, 0x1878, 0 << 3 | 0 << 11
        skip
        ; INVPCID rcx, [rbx + 8] exits by INVLPG exiting
        run_until REASON_INVPCID, 8, 7          ; nasm gives INVPCID a REX.W
        expect_masked EXIT_INSTRUCTION_INFO, 0xFFC38780, 2 << 7 | 3 << 15 | 1 << 22 | 3 << 23 | 1 << 28
        skip
        ; MOV DR3, rsi and MOV rdi, DR6: register in 2:0, direction in 4, general register in 11:8
        run_until REASON_DR, 3 | 0 << 4 | 6 << 8, 3
        skip
        run_until REASON_DR, 6 | 1 << 4 | 7 << 8, 3
        skip
        run_until REASON_HLT, 0, 1
        expect_field GUEST_ACTIVITY, 0          ; the exit comes before HLT
        skip

        ; RDTSCP and INVPCID are #UD without their enables
        vmclr   SECONDARY_CONTROLS, CPU2_RDTSCP | CPU2_INVPCID
        vmclr   PRIMARY_CONTROLS, CPU_RDTSC | CPU_INVLPG
        guest_at no_rdtscp
        run_until REASON_VMCALL
        expect  [guest_vector], 6
        guest_at no_invpcid
        run_until REASON_VMCALL
        expect  [guest_vector], 6

        ; Privilege comes first: at CPL 3 HLT is #GP, not a VM exit
        vmw     GUEST_CS_SEL, 0x43
        vmw     GUEST_SS_SEL, 0x3B
        vmw     GUEST_CS_RIGHTS, 0xA0FB
        vmw     GUEST_SS_RIGHTS, 0xC0F3
        guest_at user
        vmw     GUEST_CR3, SCRATCH              ; user pages
        mov     rax, SCRATCH + 0x1000 + 7
        mov     [SCRATCH], rax
        mov     eax, 0x87
        mov     [SCRATCH + 0x1000], rax
        run_until REASON_VMCALL
        expect  [guest_vector], 13
        pass

guest:
quiet:
        mov     ebx, 0x5000
        invlpg  [rbx]
        rdtsc
        rdtscp
        pause
        wbinvd
        rdrand  eax
        rdseed  eax
        xor     eax, eax
        mov     dr3, rax
        mov     rax, dr6
.end:   vmcall

noisy:
        invlpg  [rbx + 8]
        rdtsc
        rdtscp
        rdpmc
        pause
        mov     eax, 0x5000
        xor     ecx, ecx
        xor     edx, edx
        monitor
        mwait
        wbinvd
        rdrand  ebp
        rdrand  r10
        rdseed  ax
        mov     ebx, 0x5000
        xor     ecx, ecx
        invpcid rcx, [rbx + 8]
        mov     dr3, rsi
        mov     rdi, dr6
        hlt
no_rdtscp:
        rdtscp
no_invpcid:
        invpcid rcx, [rbx]
user:   hlt
