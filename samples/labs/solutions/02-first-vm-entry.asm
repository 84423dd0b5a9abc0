; Lab 2: the first VM entry. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"

start:
        call    vmx_on                  ; VMX operation is on, a VMCS is current: lab 1
        call    fill_controls           ; 64-bit host, 64-bit guest, HLT exits
        call    fill_host
        call    fill_rest_of_guest

;{ 1. The guest shares CR0, CR3 and CR4 with this program: write GUEST_CR0, GUEST_CR3 and GUEST_CR4. The macro is "vmcs FIELD, VALUE".
        mov     rax, cr0
        vmcs    GUEST_CR0, rax
        mov     rax, cr3
        vmcs    GUEST_CR3, rax
        mov     rax, cr4
        vmcs    GUEST_CR4, rax
;}

;{ 2. The guest's code segment: selector as in CS, base 0, limit FFFFFFFFH, access rights of 64-bit code (RIGHTS_CODE_64).
        mov     eax, cs
        vmcs    GUEST_CS_SELECTOR, rax
        vmcs    GUEST_CS_BASE, 0
        vmcs    GUEST_CS_LIMIT, 0xFFFFFFFF
        vmcs    GUEST_CS_ACCESS_RIGHTS, RIGHTS_CODE_64
;}

;{ 3. Where the guest begins: GUEST_RIP (guest_entry), GUEST_RSP (guest_stack), GUEST_RFLAGS (one bit is always 1).
        lea     rax, [guest_entry]
        vmcs    GUEST_RIP, rax
        lea     rax, [guest_stack]
        vmcs    GUEST_RSP, rax
        vmcs    GUEST_RFLAGS, RFLAGS_ALWAYS_1
;}

;{ 4. Enter the guest. Behind the instruction comes what happens when it fails: jump to vmx_failed. ||finish  1
        vmlaunch
        jmp     vmx_failed
;}

; Every VM exit arrives here.
host_entry:
;{ 5. Read EXIT_REASON with VMREAD. When it is EXIT_REASON_HLT jump to done; otherwise finish 1. ||finish  1
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_HLT
        je      done
        finish  1
;}

guest_entry:
        mov     rax, 0x1234
        mov     [message], rax
        hlt

; The rest of the guest-state area, so that you need not type it.
fill_rest_of_guest:
        guest_data_segment SS, ss
        guest_data_segment DS, ds
        guest_data_segment ES, es
        guest_data_segment FS, fs
        guest_data_segment GS, gs
        str     eax
        vmcs    GUEST_TR_SELECTOR, rax
        call    tr_base
        vmcs    GUEST_TR_BASE, rax
        vmcs    GUEST_TR_LIMIT, 0x67
        vmcs    GUEST_TR_ACCESS_RIGHTS, RIGHTS_BUSY_TSS
        vmcs    GUEST_LDTR_SELECTOR, 0
        vmcs    GUEST_LDTR_BASE, 0
        vmcs    GUEST_LDTR_LIMIT, 0
        vmcs    GUEST_LDTR_ACCESS_RIGHTS, RIGHTS_UNUSABLE
        sgdt    [table_register]
        mov     rax, [table_register + 2]
        vmcs    GUEST_GDTR_BASE, rax
        movzx   eax, word [table_register]
        vmcs    GUEST_GDTR_LIMIT, rax
        vmcs    GUEST_IDTR_BASE, 0
        vmcs    GUEST_IDTR_LIMIT, 0
        vmcs    GUEST_DR7, DR7_ALWAYS_1
        vmcs    VMCS_LINK_POINTER, -1
        vmcs    GUEST_IA32_DEBUGCTL, 0
        vmcs    GUEST_IA32_SYSENTER_CS, 0
        vmcs    GUEST_IA32_SYSENTER_ESP, 0
        vmcs    GUEST_IA32_SYSENTER_EIP, 0
        vmcs    GUEST_INTERRUPTIBILITY_STATE, 0
        vmcs    GUEST_ACTIVITY_STATE, 0
        vmcs    GUEST_PENDING_DEBUG_EXCEPTIONS, 0
        ret

%ifndef TESTED
done:   finish  0
%endif

section .bss
message:                resq 1
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
