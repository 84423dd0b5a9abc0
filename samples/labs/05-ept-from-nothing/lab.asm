; Lab 5: EPT from nothing. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"

; Bits of an EPT entry
EPT_READ                equ 1 << 0
EPT_WRITE               equ 1 << 1
EPT_EXECUTE             equ 1 << 2
EPT_ALL                 equ EPT_READ | EPT_WRITE | EPT_EXECUTE
EPT_WRITE_BACK          equ 6 << 3      ; memory type, only in entries that map a page
; Bits of the EPT pointer
EPTP_WRITE_BACK         equ 6           ; memory type of the tables themselves
EPTP_FOUR_LEVELS        equ 3 << 3      ; levels less one

SECRET                  equ 0x300000    ; host-physical: the page that the guest must see at 1 MiB + 512 KiB
WINDOW                  equ 0x180000

start:
        call    vmx_on
        call    fill_vmcs
        mov     dword [SECRET], 0x5EC4E7
        call    build_ept
        call    use_ept
        vmlaunch
        jmp     vmx_failed

; Guest-physical memory from 0 to 2 MiB: every page of 4 KiB is the host's page of the same number, with all rights; only the page at WINDOW is the one at
; SECRET, and may be read but not written or executed. Nothing else is mapped.
build_ept:
; TODO 1. ept_pml4, ept_pdpt and ept_pd: their first entry refers to the next
;      table, with all rights.

; TODO 2. ept_pt: 512 entries, each with address, all rights and the memory type
;      write-back.

; TODO 3. The entry for WINDOW: the page at SECRET, to be read only.

        ret

use_ept:
        mov     ebx, PRIMARY_HLT_EXITING | PRIMARY_ACTIVATE_SECONDARY_CONTROLS
        mov     ecx, IA32_VMX_PROCBASED_CTLS
        mov     r8d, IA32_VMX_TRUE_PROCBASED_CTLS
        call    allowed_controls
        vmcs    PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, rax
        mov     ebx, SECONDARY_ENABLE_EPT
        mov     ecx, IA32_VMX_PROCBASED_CTLS2
        mov     r8d, ecx
        call    allowed_controls
        vmcs    SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, rax
; TODO 4. The EPT pointer: address of ept_pml4, memory type write-back, four
;      levels.

        ret

host_entry:
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_HLT
        je      done
        say     "VM exit "
        call    print_hex
        say     ": the guest touched what the tables do not give it", 13, 10
        finish  1

guest_entry:
        mov     eax, [WINDOW]
        mov     [seen], eax
        hlt

%ifndef TESTED
done:   finish  0
%endif

section .bss align=4096

                        alignb 4096
ept_pml4:               resb 4096
ept_pdpt:               resb 4096
ept_pd:                 resb 4096
ept_pt:                 resb 4096
seen:                   resd 1
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
