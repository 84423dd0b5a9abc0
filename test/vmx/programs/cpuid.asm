; CPUID exits unconditionally: reason 10, no qualification, length 2; general registers stay the guest's.
%include "hypervisor.inc"

test:
        mov     qword [guest_rax], 0x1234
        mov     qword [guest_rbx], 0x5678
        run_until REASON_CPUID, 0, 2
        expect_field GUEST_RIP, guest
        expect_field GUEST_RSP, GUEST_STACK_TOP
        expect_field EXIT_INTERRUPTION, 0
        expect_field IDT_VECTORING, 0
        expect  [guest_rax], 0x1234
        expect  [guest_rbx], 0x5678
        skip
        run_until REASON_CPUID, 0, 2
        expect  [guest_rax], 7
        expect_field GUEST_RIP, guest.again
        expect_field GUEST_RSP, GUEST_STACK_TOP - 8
        expect_field GUEST_RFLAGS, 0x46         ; ZF PF and bit 1, from XOR
        mov     ecx, 1000
.loop:  push    rcx
        skip
        run_until REASON_CPUID, 0, 2
        pop     rcx
        dec     ecx
        jnz     .loop
        expect_field GUEST_RSP, GUEST_STACK_TOP - 8 * 1001
        pass

guest:
        cpuid
.loop:  mov     eax, 7
        push    rax
        xor     ebx, ebx
.again: cpuid
        jmp     .loop
