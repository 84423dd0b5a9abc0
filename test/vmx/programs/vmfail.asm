; Every VMfail that a processor without SMM monitor reports (SDM "VM Instruction Error Numbers").
; without: write all fields, VMCS shadowing
%include "hypervisor.inc"

OTHER   equ 0x202000

test:
        vmxon   [vmxon_pointer]
        fails_valid 15

        ; VMCLEAR
        mov     qword [pointer], OTHER + 8
        vmclear [pointer]
        fails_valid 2
        mov     rax, 1 << 45
        mov     [pointer], rax
        vmclear [pointer]
        fails_valid 2
        vmclear [vmxon_pointer]
        fails_valid 3

        ; VMPTRLD
        mov     qword [pointer], OTHER + 0x10
        vmptrld [pointer]
        fails_valid 9
        mov     rax, 1 << 45
        mov     [pointer], rax
        vmptrld [pointer]
        fails_valid 9
        vmptrld [vmxon_pointer]
        fails_valid 10
        mov     qword [pointer], OTHER
        mov     dword [OTHER], 0x12345678
        vmptrld [pointer]
        fails_valid 11
        mov     eax, [revision]
        or      eax, 0x80000000         ; a shadow VMCS, without VMCS shadowing
        mov     [OTHER], eax
        vmptrld [pointer]
        fails_valid 11

        ; The current VMCS is still the same
        vmptrst [pointer]
        succeeds
        expect  [pointer], VMCS_REGION

        ; VMREAD and VMWRITE
        mov     eax, 0x6C20
        vmread  rbx, rax
        fails_valid 12
        mov     eax, 0x6C20
        vmwrite rax, rbx
        fails_valid 12
        mov     rax, (1 << 32) | GUEST_RIP      ; bits 63:32 of the encoding count in 64-bit mode
        vmread  rbx, rax
        fails_valid 12
        mov     eax, GUEST_RIP | 1              ; high access to a field that is not 64 bits wide
        vmread  rbx, rax
        fails_valid 12
        mov     eax, GUEST_RIP | 1 << 12
        vmread  rbx, rax
        fails_valid 12
        mov     eax, EXIT_REASON
        vmwrite rax, rbx
        fails_valid 13

        ; VMCALL, INVEPT, INVVPID in root operation
        vmcall
        fails_valid 1
        mov     eax, 3
        invept  rax, [descriptor]
        fails_valid 28
        xor     eax, eax
        invept  rax, [descriptor]
        fails_valid 28
        mov     eax, 1                          ; single-context with an EPTP of 0
        invept  rax, [descriptor]
        fails_valid 28
        mov     qword [descriptor], 0x20A000 | 6 | 3 << 3
        mov     eax, 1
        invept  rax, [descriptor]
        succeeds
        mov     eax, 2
        invept  rax, [descriptor]
        succeeds
        mov     qword [descriptor], 1
        mov     eax, 4
        invvpid rax, [descriptor]
        fails_valid 28
        mov     eax, 1
        invvpid rax, [descriptor]
        succeeds
        mov     eax, 3
        invvpid rax, [descriptor]
        succeeds
        mov     qword [descriptor], 0
        mov     eax, 1                          ; VPID 0
        invvpid rax, [descriptor]
        fails_valid 28
        mov     eax, 2                          ; all-context does not look at it
        invvpid rax, [descriptor]
        succeeds
        mov     qword [descriptor], 0x10001     ; reserved bit
        mov     eax, 2
        invvpid rax, [descriptor]
        fails_valid 28
        mov     qword [descriptor], 1
        mov     rax, 1 << 62
        mov     [descriptor + 8], rax
        xor     eax, eax                        ; address not canonical
        invvpid rax, [descriptor]
        fails_valid 28
        mov     qword [descriptor + 8], 0x123000
        xor     eax, eax
        invvpid rax, [descriptor]
        succeeds

        ; VMLAUNCH and VMRESUME
        vmresume
        fails_valid 5
        mov     eax, DATA_SEL
        mov     ss, eax
        vmlaunch
        fails_valid 26
        vmset   PIN_CONTROLS, 1 << 31
        run_fails 7
        vmclr   PIN_CONTROLS, 1 << 31
        vmw     HOST_TR_SEL, 0
        run_fails 8
        vmw     HOST_TR_SEL, TSS_SEL
        vmw     PIN_CONTROLS, 0                 ; the default-1 bits are missing
        run_fails 7
        mov     ecx, 0x48D
        rdmsr
        mov     eax, eax
        vmw     PIN_CONTROLS, rax

        run_until REASON_CPUID
        skip
        vmlaunch
        fails_valid 4
        vmclear [vmcs_pointer]
        succeeds
        vmptrld [vmcs_pointer]
        succeeds
        vmresume
        fails_valid 5
        mov     byte [launched], 0
        run_until REASON_CPUID

        ; Without a current VMCS
        vmclear [vmcs_pointer]
        succeeds
        vmptrst [pointer]
        succeeds
        expect  [pointer], -1
        mov     eax, GUEST_RIP
        vmread  rbx, rax
        fails_invalid
        vmwrite rax, rbx
        fails_invalid
        vmlaunch
        fails_invalid
        vmresume
        fails_invalid
        vmcall
        fails_invalid
        vmxon   [vmxon_pointer]
        fails_invalid
        vmclear [vmxon_pointer]
        fails_invalid
        mov     eax, 7
        invept  rax, [descriptor]
        fails_invalid

        ; VMXOFF, and a VMXON with the wrong revision
        vmxoff
        succeeds
        mov     dword [VMXON_REGION], 0
        vmxon   [vmxon_pointer]
        fails_invalid
        mov     qword [pointer], VMXON_REGION + 0x800
        vmxon   [pointer]
        fails_invalid
        mov     eax, [revision]
        mov     [VMXON_REGION], eax
        vmxon   [vmxon_pointer]
        succeeds
        pass

guest:
        cpuid
        jmp     guest

        align   16
pointer:        dq 0
descriptor:     dq 0, 0
