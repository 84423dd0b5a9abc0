; profile: penryn
; A processor before EPT: no TRUE capability MSRs, no secondary controls but two, no VPID, no VMX-preemption timer.
%include "hypervisor.inc"
%include "faults.inc"

test:
        mov     ecx, 0x480
        rdmsr
        bt      edx, 55 - 32
        mov     r13d, __?LINE?__
        jc      failed
        mov     ecx, 0x485                      ; IA32_VMX_MISC: LMA is not stored, VMWRITE not to all fields
        rdmsr
        and     eax, 1 << 5 | 1 << 29
        expect  rax, 0
        mov     ecx, 0x48B
        rdmsr
        expect  rdx, 1 | 1 << 6                 ; virtualize APIC accesses, WBINVD exiting
        mov     ecx, 0x482                      ; CR3-load and CR3-store exiting and their class must be 1
        rdmsr
        expect  rax, 0x0401E172
        faults  13, .no_ept_cap
        mov     ecx, 0x48C
        rdmsr
        jmp     failed
.no_ept_cap:
        faults  13, .no_true
        mov     ecx, 0x48D
        rdmsr
        jmp     failed
.no_true:
        mov     eax, EPT_POINTER
        vmread  rbx, rax
        fails_valid 12
        mov     eax, VPID
        vmread  rbx, rax
        fails_valid 12
        mov     eax, GUEST_PAT
        vmread  rbx, rax
        fails_valid 12
        mov     eax, 1
        faults  6, .no_invept
        invept  rax, [SCRATCH]
        jmp     failed
.no_invept:
        faults  6, .no_invvpid
        invvpid rax, [SCRATCH]
        jmp     failed
.no_invvpid:
        mov     eax, 1                          ; CPUID: VMX, but neither PCID nor x2APIC
        cpuid
        and     ecx, 1 << 5 | 1 << 17 | 1 << 21
        expect  rcx, 1 << 5
        faults  13, .no_smep
        mov     rax, cr4
        or      eax, 1 << 20
        mov     cr4, rax
        jmp     failed
.no_smep:
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_EPT
        run_fails 7
        vmclr   SECONDARY_CONTROLS, CPU2_EPT
        vmset   PIN_CONTROLS, 1 << 6            ; VMX-preemption timer
        run_fails 7
        vmclr   PIN_CONTROLS, 1 << 6
        vmclr   PRIMARY_CONTROLS, 1 << 15       ; a control of the default-1 class cannot be 0
        run_fails 7
        vmset   PRIMARY_CONTROLS, 1 << 15
        run_until 28, 3 | 1 << 4, 3             ; MOV RAX, CR3
        skip
        run_until REASON_CPUID
        pass

guest:  mov     rax, cr3
        cpuid
