; What VMX operation asks of the processor's mode: fixed bits of CR0 and CR4, CR4.VMXE, privilege (SDM "Restrictions on VMX
; Operation" and the exceptions of the VMX instructions).
%include "hypervisor.inc"

; faults vector, instruction
%macro faults 2+
        mov     qword [expected_vector], %1
        mov     qword [expected_resume], %%after
        mov     [expected_rsp], rsp
        mov     r13d, __?LINE?__
        %2
        jmp     failed
%%after:
%endmacro

test:
        mov     rax, cr0
        and     rax, ~0x20                      ; NE
        faults  13, mov cr0, rax
        mov     rax, cr0
        btr     rax, 31                         ; PG
        faults  13, mov cr0, rax
        mov     rax, cr4
        and     rax, ~(1 << 13)                 ; VMXE
        faults  13, mov cr4, rax
        ; VMX capability MSRs are read-only; IA32_FEATURE_CONTROL is locked
        mov     ecx, 0x480
        xor     eax, eax
        xor     edx, edx
        faults  13, wrmsr
        mov     ecx, 0x3A
        rdmsr
        expect  rax, 5
        faults  13, wrmsr
        ; Memory operands fault as any other
        mov     rbx, 1 << 62
        faults  13, vmptrst [rbx]
        mov     rbx, 0x7FFFFFFFF000
        faults  14, vmptrld [rbx]
        mov     ecx, EXIT_REASON
        faults  14, vmread [rbx], rcx
        faults  14, vmwrite rcx, [rbx]
        ; VMXON with a wrong CR0 or CR4 and outside VMX operation
        vmxoff
        succeeds
        faults  6, vmxoff
        faults  6, vmread rax, rcx
        faults  6, vmcall
        mov     rax, cr0
        and     rax, ~0x20
        mov     cr0, rax
        faults  13, vmxon [vmxon_pointer]
        or      rax, 0x20
        mov     cr0, rax
        mov     rax, cr4
        and     rax, ~(1 << 13)
        mov     cr4, rax
        faults  6, vmxon [vmxon_pointer]
        or      rax, 1 << 13
        mov     cr4, rax
        vmxon   [vmxon_pointer]
        succeeds
        pass

guest:  cpuid
