; A 32-bit guest with PAE paging: without EPT the page-directory pointers come from memory at CR3, with EPT from the VMCS.
%include "hypervisor.inc"

PDPT            equ SCRATCH + 0x20      ; 32-byte aligned
DIRECTORY       equ SCRATCH + 0x1000

test:
        vmclr   ENTRY_CONTROLS, ENTRY_GUEST_64
        vmw     GUEST_CS_RIGHTS, 0xC09B
        vmw     GUEST_CR3, PDPT
        mov     qword [PDPT], DIRECTORY | 1
        mov     qword [DIRECTORY], 0x83                 ; 2-MByte page, identity
        mov     qword [DIRECTORY + 8], 0x200083
        mov     qword [DIRECTORY + 16], 0x1000083       ; 4 MiB: 16 MiB
        mov     dword [0x1000000], 0x77
        run_until REASON_CPUID
        expect  [guest_rbx], 0x77
        ; Reserved bits in a present pointer: failed entry, qualification 2
        mov     qword [PDPT + 8], DIRECTORY | 1 | 2
        run_until ENTRY_FAILURE | REASON_BAD_GUEST
        expect_field EXIT_QUALIFICATION, 2
        mov     qword [PDPT + 8], DIRECTORY | 2         ; not present: not looked at
        guest_at guest
        run_until REASON_CPUID

        ; With EPT: from the fields, and saved there
        call    enable_ept
        mov     qword [PDPT], 0
        vmw     0x280A, DIRECTORY | 1
        vmw     0x280C, 0
        vmw     0x280E, 0
        vmw     0x2810, 0
        guest_at guest
        run_until REASON_CPUID
        expect  [guest_rbx], 0x77
        expect_field 0x280A, DIRECTORY | 1
        ; MOV CR3 in the guest loads them from memory
        mov     qword [PDPT], DIRECTORY | 1
        mov     qword [PDPT + 24], DIRECTORY | 1 | 8
        guest_at reload
        run_until REASON_CPUID
        expect_field 0x2810, DIRECTORY | 1 | 8
        pass

guest:
        bits 32
        mov     ebx, [0x400000]
        cpuid
reload: mov     eax, cr3
        mov     cr3, eax
        cpuid
        bits 64
