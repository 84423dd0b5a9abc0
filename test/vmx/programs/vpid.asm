; Without VPIDs a VM entry drops the guest's translations; CR3, and what the host changed in the tables, take effect at once.
; With VPIDs INVVPID does.
%include "hypervisor.inc"

TABLES          equ SCRATCH             ; PML4, PDPT, PD
WINDOW          equ 0x40000000          ; the second GByte: 2-MByte pages of the test's own

test:
        mov     qword [TABLES], TABLES + 0x1003
        mov     qword [TABLES + 0x1000], 0x83           ; first GByte: identity
        mov     qword [TABLES + 0x1008], TABLES + 0x2003
        mov     qword [TABLES + 0x2000], 0x1000083      ; 16 MiB
        mov     dword [0x1000000], 0x11
        mov     dword [0x1200000], 0x22
        vmw     GUEST_CR3, TABLES
        run_until REASON_CPUID
        expect  [guest_rbx], 0x11
        mov     qword [TABLES + 0x2000], 0x1200083
        guest_at guest
        run_until REASON_CPUID
        expect  [guest_rbx], 0x22

        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_VPID
        vmw     VPID, 0
        run_fails 7                             ; VPID 0 is refused
        vmw     VPID, 5
        guest_at guest
        run_until REASON_CPUID
        expect  [guest_rbx], 0x22
        mov     qword [TABLES + 0x2000], 0x1000083
        mov     eax, 1
        invvpid rax, [descriptor]
        succeeds
        guest_at guest
        run_until REASON_CPUID
        expect  [guest_rbx], 0x11
        ; Another VPID has translations of its own
        mov     qword [TABLES + 0x2000], 0x1200083
        vmw     VPID, 6
        guest_at guest
        run_until REASON_CPUID
        expect  [guest_rbx], 0x22
        ; INVLPG in the guest
        guest_at remaps
        run_until REASON_CPUID
        expect  [guest_rbx], 0x11
        pass

guest:
        mov     ebx, [WINDOW]
        cpuid
remaps: mov     ebx, [WINDOW]
        mov     qword [TABLES + 0x2000], 0x1000083
        invlpg  [WINDOW]
        mov     ebx, [WINDOW]
        cpuid

        align   16
descriptor:
        dq      5, 0
