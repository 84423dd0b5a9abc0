; VMX instructions whose memory operand faults, and which failure comes first (SDM "VMX Instruction Reference").
%include "hypervisor.inc"
%include "faults.inc"

ABSENT  equ 1 << 46                     ; canonical and not mapped
BAD     equ 1 << 62                     ; not canonical

; operand_faults instruction with RBX as address and R9, R10 as registers
%macro operand_faults 2+
        mov     rbx, ABSENT
        faults  14, %%page
        %1      %2
        jmp     failed
%%page: mov     rax, cr2
        mov     rbx, ABSENT
        expect  rax, rbx
        mov     rbx, BAD
        faults  13, %%general
        %1      %2
        jmp     failed
%%general:
%endmacro
%macro stack_faults 2+
        faults  12, %%stack
        mov     rbp, BAD
        %1      %2
        jmp     failed
%%stack:
%endmacro

test:
        mov     r13d, __?LINE?__
        mov     r9d, GUEST_RIP
        mov     r10d, 2
        operand_faults vmclear, [rbx]
        operand_faults vmptrld, [rbx]
        operand_faults vmptrst, [rbx]
        operand_faults vmread, [rbx], r9
        operand_faults vmwrite, r9, [rbx]
        operand_faults invept, r10, [rbx]
        operand_faults invvpid, r10, [rbx]
        stack_faults vmptrld, [rbp]
        stack_faults vmread, [rbp], r9
        ; A read that faults changes nothing
        expect_field GUEST_RIP, guest
        ; VMXON in VMX operation fails whatever its operand; an INVEPT type or a field that does not exist comes before the operand
        mov     rbx, BAD
        vmxon   [rbx]
        fails_valid 15
        mov     rbx, BAD
        mov     r10d, 7
        invept  r10, [rbx]
        fails_valid 28
        mov     rbx, BAD
        invvpid r10, [rbx]
        fails_valid 28
        mov     rbx, BAD
        mov     r9d, 0x6C20
        vmread  [rbx], r9
        fails_valid 12
        ; Without a current VMCS both fail before the operand
        mov     r9d, GUEST_RIP
        vmclear [vmcs_pointer]
        succeeds
        mov     rbx, BAD
        vmread  [rbx], r9
        fails_invalid
        vmwrite r9, [rbx]
        fails_invalid
        vmlaunch
        fails_invalid
        pass

guest:  hlt
