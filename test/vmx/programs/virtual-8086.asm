; Entry to a virtual-8086 guest and back: segments as the mode demands, exits of its instructions, delivery to CPL 0.
%include "hypervisor.inc"

V86_CODE        equ 0x3000              ; linear; CS is 300H
%macro v86_segment 3    ; field prefix number: selector, limit and rights encodings follow from ES = 0
        vmw     GUEST_ES_SEL + %1 * 2, %2
        vmw     GUEST_ES_LIMIT + %1 * 2, 0xFFFF
        vmw     GUEST_ES_RIGHTS + %1 * 2, 0xF3
        vmw     GUEST_ES_BASE + %1 * 2, %3
%endmacro

test:
        ; 32-bit paged code: an identity map of the first 4 MBytes with 4-MByte pages, and a TSS with an I/O bitmap
        mov     edi, SCRATCH
        mov     ecx, 1024
        xor     eax, eax
        rep stosd
        mov     dword [SCRATCH], 0x87           ; user, writable, 4 MBytes
        mov     dword [SCRATCH + 0x1000 + 4], 0x7000    ; TSS: ESP0
        mov     dword [SCRATCH + 0x1000 + 8], DATA_SEL
        mov     word [SCRATCH + 0x1000 + 0x66], 0x88    ; beyond the redirection bitmap
        vmw     GUEST_CR3, SCRATCH
        vmw     GUEST_CR4, 0x2010
        vmclr   ENTRY_CONTROLS, ENTRY_GUEST_64
        vmset   ENTRY_CONTROLS, 1 << 15         ; load IA32_EFER: 0
        vmw     GUEST_EFER, 0
        vmw     GUEST_TR_BASE, SCRATCH + 0x1000
        vmw     GUEST_TR_LIMIT, 0x200
        %assign number 0
        %rep 6
        v86_segment number, 0x300, 0x3000
        %assign number number + 1
        %endrep
        vmw     GUEST_RFLAGS, 0x23002           ; VM, IOPL 3
        vmw     GUEST_RIP, 0
        vmw     GUEST_RSP, 0x800
        ; The code
        mov     esi, code16
        mov     edi, V86_CODE
        mov     ecx, code16_end - code16
        rep movsb
        ; A 32-bit IDT
        mov     edi, SCRATCH + 0x2000
        mov     ecx, 256
.gate:  mov     rax, handler32
        mov     [rdi], ax
        mov     word [rdi + 2], 0x28
        mov     word [rdi + 4], 0xEE00
        shr     eax, 16
        mov     [rdi + 6], ax
        add     edi, 8
        dec     ecx
        jnz     .gate
        vmw     GUEST_IDTR_BASE, SCRATCH + 0x2000
        vmw     GUEST_IDTR_LIMIT, 0x7FF

        run_until REASON_CPUID, 0, 2
        expect_field GUEST_RIP, 0
        expect_masked GUEST_RFLAGS, 0x20000, 0x20000
        skip
        ; VMX instructions are invalid, VMCALL excepted
        run_until REASON_VMCALL, 0, 3
        skip
        ; Memory through a segment of 16 bytes a paragraph
        run_until REASON_CPUID
        movzx   eax, word [V86_CODE + 0x900]
        expect  rax, 0x1234
        skip
        ; INT 30H to CPL 0: the whole frame is there
        run_until REASON_VMCALL
        expect_masked GUEST_RFLAGS, 0x20000, 0
        expect_field GUEST_CS_SEL, 0x28
        mov     r14d, GUEST_RSP
        vmread  rsi, r14
        movzx   eax, word [rsi + 4]
        expect  rax, 0x300                      ; CS
        mov     eax, [rsi + 8]
        and     eax, 0x20000
        expect  rax, 0x20000
        movzx   eax, word [rsi + 20]
        expect  rax, 0x300                      ; ES
        skip
        run_until REASON_CPUID                  ; back by IRETD
        expect_masked GUEST_RFLAGS, 0x20000, 0x20000
        ; An injected interrupt is delivered to CPL 0 as well
        skip
        vmw     ENTRY_INTERRUPTION, 1 << 31 | 4 << 8 | 0x30
        vmw     ENTRY_LENGTH, 0
        run_until REASON_VMCALL
        expect_masked GUEST_RFLAGS, 0x20000, 0

        ; What the mode forbids fails the entry
        vmw     GUEST_RFLAGS, 0x23002
        %assign number 0
        %rep 6
        v86_segment number, 0x300, 0x3000
        %assign number number + 1
        %endrep
        vmw     GUEST_ES_BASE, 0x3010           ; base is not selector x 16
        call    run_guest
        expect  rax, ENTRY_FAILURE | REASON_BAD_GUEST
        vmw     GUEST_ES_BASE, 0x3000
        vmw     GUEST_DS_LIMIT, 0xFFFE
        call    run_guest
        expect  rax, ENTRY_FAILURE | REASON_BAD_GUEST
        vmw     GUEST_DS_LIMIT, 0xFFFF
        vmw     GUEST_SS_RIGHTS, 0x93
        call    run_guest
        expect  rax, ENTRY_FAILURE | REASON_BAD_GUEST
        vmw     GUEST_SS_RIGHTS, 0xF3
        vmw     GUEST_RIP, 0
        run_until REASON_CPUID
        pass

guest:
        bits    16
code16: cpuid
        vmcall
        mov     word [0x900], 0x1234
        cpuid
        int     0x30
        cpuid
        nop
code16_end:
        bits    32
handler32:
        vmcall
        iretd
