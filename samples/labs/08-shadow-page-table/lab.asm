; Lab 8: a shadow page table. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"

PRESENT                 equ 1 << 0
WRITABLE                equ 1 << 1
VECTOR_PAGE_FAULT       equ 14
EVENT_VALID             equ 1 << 31
EVENT_HAS_ERROR_CODE    equ 1 << 11
EVENT_EXCEPTION         equ 3 << 8      ; type: hardware exception

WINDOW                  equ 0x180000    ; pages from here to 2 MiB are the guest's to map; below, everything is as in the host
FIRST                   equ 0x300000    ; two pages of memory
SECOND                  equ 0x301000

; The guest believes in guest_pml4, guest_pdpt, guest_pd and guest_pt. The processor uses the shadow_ tables. Both are of four levels with
; pages of 4 KiB, and only the last level is of interest.
start:
        call    vmx_on
        call    fill_vmcs
        call    build_tables
        lea     rax, [shadow_pml4]
        vmcs    GUEST_CR3, rax
        mov     ebx, PRIMARY_HLT_EXITING | PRIMARY_INVLPG_EXITING
        mov     ecx, IA32_VMX_PROCBASED_CTLS
        mov     r8d, IA32_VMX_TRUE_PROCBASED_CTLS
        call    allowed_controls
        vmcs    PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, rax
; TODO 1. Page faults of the guest must exit: set bit 14 of EXCEPTION_BITMAP.

        vmlaunch
        jmp     vmx_failed

host_entry:
        save_guest
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_EXCEPTION_NMI
        je      handle_page_fault
        cmp     eax, EXIT_REASON_INVLPG
        je      handle_invlpg
        cmp     eax, EXIT_REASON_HLT
        je      done
        finish  1

handle_page_fault:
        inc     dword [faults]
        mov     edx, EXIT_QUALIFICATION ; the linear address
        vmread  rbx, rdx
        mov     rcx, rbx
        shr     rcx, 12
        and     ecx, 511                ; its index in the last level
        lea     rsi, [guest_pt]
        lea     rdi, [shadow_pt]
; TODO 2. If the guest's entry ([rsi + rcx * 8]) is present, copy it to the shadow
;      ([rdi + rcx * 8]) and go to resume: the instruction runs again.

; TODO 3. Otherwise the fault is the guest's own. Put the address into CR2 and
;      inject the exception: VM_ENTRY_INTERRUPTION_INFORMATION (valid, has error
;      code, exception, vector 14) and VM_ENTRY_EXCEPTION_ERROR_CODE as in
;      VM_EXIT_INTERRUPTION_ERROR_CODE.

        jmp     resume

handle_invlpg:
        mov     edx, EXIT_QUALIFICATION ; the linear address
        vmread  rcx, rdx
        shr     rcx, 12
        and     ecx, 511
        lea     rdi, [shadow_pt]
; TODO 4. Forget the shadow's entry ([rdi + rcx * 8]), so that the next access
;      looks at the guest's anew; then go behind the instruction.

resume:
        restore_guest
        vmresume
        jmp     vmx_failed

; Guest and shadow tables: pages below WINDOW are the host's in both; above, both are empty.
build_tables:
%macro table_of 2
        lea     rax, [%2]
        or      rax, PRESENT | WRITABLE
        mov     [%1], rax
%endmacro
        table_of guest_pml4, guest_pdpt
        table_of guest_pdpt, guest_pd
        table_of guest_pd, guest_pt
        table_of shadow_pml4, shadow_pdpt
        table_of shadow_pdpt, shadow_pd
        table_of shadow_pd, shadow_pt
        lea     rsi, [guest_pt]
        lea     rdi, [shadow_pt]
        mov     eax, PRESENT | WRITABLE
        mov     ecx, WINDOW / 4096
.next:  mov     [rsi], rax
        mov     [rdi], rax
        add     rax, 4096
        add     rsi, 8
        add     rdi, 8
        loop    .next
        mov     dword [FIRST], 111
        mov     dword [SECOND], 222
        ret

guest_entry:
        lea     rax, [on_page_fault]
        lea     rbx, [guest_idt + VECTOR_PAGE_FAULT * 16]
        mov     [rbx], ax
        mov     ecx, cs
        mov     [rbx + 2], cx
        mov     word [rbx + 4], 0x8E00
        shr     rax, 16
        mov     [rbx + 6], ax
        shr     rax, 16
        mov     [rbx + 8], eax
        lea     rax, [guest_idt]
        mov     [guest_idtr + 2], rax
        lidt    [guest_idtr]

        mov     qword [guest_pt + WINDOW / 4096 * 8], FIRST | PRESENT | WRITABLE
        mov     eax, [WINDOW]
        mov     [seen_first], eax
        mov     qword [guest_pt + WINDOW / 4096 * 8], SECOND | PRESENT | WRITABLE
        invlpg  [WINDOW]
        mov     eax, [WINDOW]
        mov     [seen_second], eax
        mov     eax, [WINDOW + 0x1000]  ; not mapped: the guest's own page fault, which maps FIRST there
        mov     [seen_fault], eax
        hlt

on_page_fault:
        add     rsp, 8                  ; the error code
        push    rax
        mov     rax, cr2
        mov     [fault_address], rax
        mov     qword [guest_pt + WINDOW / 4096 * 8 + 8], FIRST | PRESENT | WRITABLE
        pop     rax
        iretq

guest_idtr:
        dw      (VECTOR_PAGE_FAULT + 1) * 16 - 1
        dq      0

%ifndef TESTED
done:   finish  0
%endif

section .bss align=4096

                        alignb 4096
guest_pml4:             resb 4096
guest_pdpt:             resb 4096
guest_pd:               resb 4096
guest_pt:               resb 4096
shadow_pml4:            resb 4096
shadow_pdpt:            resb 4096
shadow_pd:              resb 4096
shadow_pt:              resb 4096
guest_idt:              resb (VECTOR_PAGE_FAULT + 1) * 16
fault_address:          resq 1
faults:                 resd 1
seen_first:             resd 1
seen_second:            resd 1
seen_fault:             resd 1
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
