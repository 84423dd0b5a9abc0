; without: unrestricted guest, load IA32_EFER, use MSR bitmaps
; Single capabilities switched off: their controls must be 0, the rest stays.
%include "hypervisor.inc"

test:
        mov     ecx, 0x48B
        rdmsr
        and     edx, 1 << 1 | 1 << 7
        expect  rdx, 1 << 1
        mov     ecx, 0x490
        rdmsr
        and     edx, 1 << 14 | 1 << 15
        expect  rdx, 1 << 14                    ; load IA32_PAT only
        mov     eax, HOST_EFER
        vmread  rbx, rax
        fails_valid 12
        vmset   PRIMARY_CONTROLS, 1 << 28
        run_fails 7
        vmclr   PRIMARY_CONTROLS, 1 << 28
        vmset   ENTRY_CONTROLS, 1 << 15
        run_fails 7
        vmclr   ENTRY_CONTROLS, 1 << 15
        run_until REASON_CPUID
        pass

guest:  cpuid
