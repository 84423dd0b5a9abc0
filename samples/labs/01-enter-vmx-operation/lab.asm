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
; TODO 1. Ask CPUID leaf 1 whether the processor has VMX (ECX bit 5); jump to
;      no_vmx when it has not.

; TODO 2. Read IA32_FEATURE_CONTROL. If it is not locked, set its bits "lock" and
;      "VMXON outside SMX". If it is locked without the latter, jump to no_vmx.

; TODO 3. Make CR0 and CR4 as IA32_VMX_CR0_FIXED0, _FIXED1, IA32_VMX_CR4_FIXED0
;      and _FIXED1 demand, with CR4.VMXE set. read_msr helps.

; TODO 4. Write the VMCS revision (IA32_VMX_BASIC bits 30:0) into the first 4
;      bytes of vmxon_region, and the address of vmxon_region into vmxon_pointer:
;      VMXON takes it from there.

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
