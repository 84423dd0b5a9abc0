; VM functions: EPTP switching (function 0), and what exits (SDM "EPTP Switching").
%include "hypervisor.inc"

LIST            equ SCRATCH
SECOND          equ SCRATCH + 0x1000    ; a second EPT: PML4, PDPT, PD
PAGE            equ 0x1000000

test:
        call    enable_ept
        call    split_16m
        vmset   SECONDARY_CONTROLS, CPU2_VM_FUNCTIONS
        vmw     VM_FUNCTION_CONTROLS, 1
        vmw     EPTP_LIST, LIST
        ; The second EPT maps 16 MiB with a 2-MByte page to 18 MiB
        mov     esi, EPT_TABLES
        mov     edi, SECOND
        mov     ecx, 0x3000 / 8
        rep movsq
        mov     qword [SECOND], SECOND + 0x1000 + 7
        mov     qword [SECOND + 0x1000], SECOND + 0x2000 + 7
        mov     qword [SECOND + 0x2000 + 8 * 8], 0x1200000 | 7 | 1 << 7 | 6 << 3
        mov     qword [LIST], EPT_TABLES | 6 | 3 << 3
        mov     qword [LIST + 8], SECOND | 6 | 3 << 3
        mov     qword [LIST + 16], 0x123        ; no EPTP
        mov     dword [0x1000000], 0x11
        mov     dword [0x1200000], 0x22
        run_until REASON_CPUID
        expect  [guest_rbx], 0x11
        expect  [guest_rsi], 0x22
        expect  [guest_rdi], 0x11
        expect_field EPT_POINTER, EPT_TABLES | 6 | 3 << 3
        skip
        run_until REASON_CPUID
        expect_field EPT_POINTER, SECOND | 6 | 3 << 3
        skip
        run_until REASON_VMFUNC, 0, 3           ; list entry 2 is no EPTP
        skip
        run_until REASON_VMFUNC, 0, 3           ; ECX 512
        skip
        run_until REASON_VMFUNC, 0, 3           ; function 1 is not enabled
        skip
        run_until REASON_VMCALL                 ; function 64: #UD
        expect  [guest_vector], 6
        pass

guest:
        mov     ebx, [PAGE]
        xor     eax, eax
        mov     ecx, 1
        vmfunc
        mov     esi, [PAGE]
        xor     ecx, ecx
        vmfunc
        mov     edi, [PAGE]
        cpuid
        mov     ecx, 1
        xor     eax, eax
        vmfunc
        cpuid
        mov     ecx, 2
        xor     eax, eax
        vmfunc
        mov     ecx, 512
        xor     eax, eax
        vmfunc
        mov     eax, 1
        vmfunc
        mov     eax, 64
        vmfunc
