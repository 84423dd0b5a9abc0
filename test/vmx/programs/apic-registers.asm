; "APIC-register virtualization": which offsets of the APIC-access page may be read and written, and what exits after a write.
%include "hypervisor.inc"

PAGE            equ 0xFEE00000
VAPIC           equ SCRATCH

test:
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY | CPU_TPR_SHADOW
        vmset   SECONDARY_CONTROLS, CPU2_APIC_ACCESSES | CPU2_APIC_REGISTERS
        vmw     APIC_ACCESS_ADDR, PAGE
        vmw     VIRTUAL_APIC_ADDR, VAPIC

        ; Every register of the page, R12 its number
        xor     ebx, ebx
each:   mov     [number], rbx
        ; Reads: the offset itself is in the page
        mov     eax, ebx
        shl     eax, 4
        mov     [VAPIC + rax], eax
        mov     ecx, PAGE
        add     rax, rcx
        mov     [guest_rbx], rax
        guest_at reads
        call    run_guest
        mov     rbx, [number]
        bt      [readable], rbx
        mov     r13d, __?LINE?__
        jc      .readable
        expect  rax, REASON_APIC_ACCESS
        shl     ebx, 4
        expect_field EXIT_QUALIFICATION, rbx
        jmp     .write
.readable:
        expect  rax, REASON_CPUID
        shl     ebx, 4
        expect  [guest_rax], rbx
.write: guest_at writes
        call    run_guest
        mov     rbx, [number]
        bt      [writable], rbx
        mov     r13d, __?LINE?__
        jc      .writable
        expect  rax, REASON_APIC_ACCESS
        shl     ebx, 4
        or      ebx, 1 << 12
        expect_field EXIT_QUALIFICATION, rbx
        jmp     .next
.writable:
        cmp     ebx, 8                          ; TPR and the high half of the interrupt command are done then
        je      .quiet
        cmp     ebx, 0x31
        je      .quiet
        expect  rax, REASON_APIC_WRITE
        shl     ebx, 4
        expect_field EXIT_QUALIFICATION, rbx
        expect_field GUEST_RIP, writes.after
        mov     eax, [VAPIC + rbx]
        expect  rax, 0x12345678
        jmp     .next
.quiet: expect  rax, REASON_CPUID
.next:  mov     rbx, [number]
        inc     ebx
        cmp     ebx, 0x100
        jb      each
        mov     eax, [VAPIC + 0x80]
        expect  rax, 0x78
        mov     eax, [VAPIC + 0x310]
        expect  rax, 0x12000000
        ; Bytes and words inside a register
        mov     dword [VAPIC + 0x280], 0
        guest_at byte_write
        run_until REASON_APIC_WRITE, 0x282, 0
        mov     eax, [VAPIC + 0x280]
        expect  rax, 0x550000
        guest_at byte_read
        run_until REASON_CPUID
        expect  [guest_rax], 0x55
        ; A repeated store: the exit follows the first iteration
        mov     eax, PAGE + 0xF0
        mov     [guest_rdi], rax
        mov     qword [guest_rcx], 3
        guest_at repeated
        run_until REASON_APIC_WRITE, 0xF0, 0
        expect_field GUEST_RIP, repeated
        expect  [guest_rcx], 2
        expect  [guest_rdi], PAGE + 0xF4
        ; An exchange reads, then writes
        mov     qword [guest_rax], 0x1111
        guest_at exchange
        run_until REASON_APIC_WRITE, 0x380, 0
        mov     eax, [VAPIC + 0x380]
        expect  rax, 0x1111
        ; The version may be read and not written
        guest_at modify_version
        run_until REASON_APIC_ACCESS, 0x30 | 1 << 12, 4
        pass

guest:
reads:  mov     eax, [rbx]
        cpuid
writes: mov     dword [rbx], 0x12345678
.after: cpuid
byte_write:
        mov     ebx, PAGE
        mov     byte [rbx + 0x282], 0x55
        cpuid
byte_read:
        mov     ebx, PAGE
        movzx   eax, byte [rbx + 0x282]
        cpuid
repeated:
        rep stosd
        cpuid
exchange:
        mov     ebx, PAGE
        xchg    [rbx + 0x380], eax
        cpuid
modify_version:
        or      dword [rbx + 0x30], byte 1
        cpuid

        align   8
number: dq      0
; Bit n: the register at 16 x n. SDM: 020 030 080 0B0 0D0 0E0 0F0, 100-170, 180-1F0, 200-270, 280, 300 310, 320-370, 380, 3E0
readable:
        dq      1 << 2 | 1 << 3 | 1 << 8 | 1 << 0xB | 1 << 0xD | 1 << 0xE | 1 << 0xF | 0xFFFFFF << 0x10 | 1 << 0x28 | 0x1FF << 0x30 | 1 << 0x3E
        dq      0, 0, 0
writable:
        dq      1 << 2 | 1 << 8 | 1 << 0xB | 1 << 0xD | 1 << 0xE | 1 << 0xF | 1 << 0x28 | 0x1FF << 0x30 | 1 << 0x3E
        dq      0, 0, 0
