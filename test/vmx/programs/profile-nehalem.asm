; profile: nehalem
; EPT without unrestricted guest, accessed and dirty flags or 1-GByte pages.
%include "hypervisor.inc"

test:
        mov     ecx, 0x48C
        rdmsr
        and     eax, 1 << 17 | 1 << 20 | 1 << 21
        expect  rax, 1 << 20                    ; INVEPT
        mov     ecx, 0x48B
        rdmsr
        and     edx, 1 << 1 | 1 << 5 | 1 << 7 | 1 << 13 | 1 << 14
        expect  rdx, 1 << 1 | 1 << 5            ; EPT and VPID, no unrestricted guest, VM functions or shadowing
        call    enable_ept
        mov     rax, EPT_TABLES | 6 | 3 << 3 | 1 << 6
        vmw     EPT_POINTER, rax
        run_fails 7                             ; no accessed and dirty flags
        vmw     EPT_POINTER, EPT_TABLES | 6 | 3 << 3
        vmset   SECONDARY_CONTROLS, 1 << 7
        run_fails 7                             ; no unrestricted guest
        vmclr   SECONDARY_CONTROLS, 1 << 7
        vmw     GUEST_CR0, 0x20                 ; so the guest must have protection and paging
        call    run_guest
        expect  rax, 0x80000021
        pass

guest:  hlt
