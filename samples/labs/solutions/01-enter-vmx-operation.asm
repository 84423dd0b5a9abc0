; Lab 1: enter VMX operation. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"

CPUID_1_ECX_VMX         equ 1 << 5
CR4_VMXE                equ 1 << 13
FEATURE_CONTROL_LOCK    equ 1 << 0
FEATURE_CONTROL_VMXON   equ 1 << 2      ; VMXON outside SMX operation

start:
;{ 1. Ask CPUID leaf 1 whether the processor has VMX (ECX bit 5); jump to no_vmx when it has not.
        mov     eax, 1
        cpuid
        test    ecx, CPUID_1_ECX_VMX
        jz      no_vmx
;}

;{ 2. Read IA32_FEATURE_CONTROL. If it is not locked, set its bits "lock" and "VMXON outside SMX". If it is locked without the latter, jump to no_vmx.
        mov     ecx, IA32_FEATURE_CONTROL
        rdmsr
        test    eax, FEATURE_CONTROL_LOCK
        jnz     .locked
        or      eax, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON
        wrmsr
.locked:
        test    eax, FEATURE_CONTROL_VMXON
        jz      no_vmx
;}

;{ 3. Make CR0 and CR4 as IA32_VMX_CR0_FIXED0, _FIXED1, IA32_VMX_CR4_FIXED0 and _FIXED1 demand, with CR4.VMXE set. read_msr helps.
        mov     ecx, IA32_VMX_CR0_FIXED0
        call    read_msr
        mov     rbx, cr0
        or      rbx, rax
        mov     ecx, IA32_VMX_CR0_FIXED1
        call    read_msr
        and     rbx, rax
        mov     cr0, rbx
        mov     ecx, IA32_VMX_CR4_FIXED0
        call    read_msr
        mov     rbx, cr4
        or      rbx, rax
        or      rbx, CR4_VMXE
        mov     ecx, IA32_VMX_CR4_FIXED1
        call    read_msr
        and     rbx, rax
        mov     cr4, rbx
;}

;{ 4. Write the VMCS revision (IA32_VMX_BASIC bits 30:0) into the first 4 bytes of vmxon_region, and the address of vmxon_region into vmxon_pointer: VMXON takes it from there.
        mov     ecx, IA32_VMX_BASIC
        rdmsr
        and     eax, 0x7FFFFFFF
        mov     [vmxon_region], eax
        lea     rax, [vmxon_region]
        mov     [vmxon_pointer], rax
;}
        vmxon   [vmxon_pointer]
        jbe     failed                  ; CF or ZF is set when a VMX instruction fails
        say     "VMX operation is on", 13, 10
        jmp     done

no_vmx:
        say     "This processor does not offer VMX operation.", 13, 10
        finish  1
failed:
        say     "VMXON failed.", 13, 10
        finish  1

; MSR number ECX to RAX.
read_msr:
        push    rdx
        rdmsr
        shl     rdx, 32
        or      rax, rdx
        pop     rdx
        ret

%ifndef TESTED
done:   finish  0
%endif

section .bss align=4096

                        alignb 4096
vmxon_region:           resb 4096
vmxon_pointer:          resq 1

section .text
