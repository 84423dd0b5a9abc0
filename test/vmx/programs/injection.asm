; VM-entry event injection of every type (SDM "Event Injection").
%include "hypervisor.inc"

VALID           equ 1 << 31
EXTERNAL        equ 0 << 8
NMI             equ 2 << 8
HARDWARE        equ 3 << 8
SOFTWARE_INT    equ 4 << 8
PRIVILEGED      equ 5 << 8
SOFTWARE        equ 6 << 8
HAS_ERROR       equ 1 << 11

; inject info, error, length: the guest's handler must see vector, error code (if any), RIP
%macro inject 3
        vmw     GUEST_RSP, GUEST_STACK_TOP
        vmw     ENTRY_INTERRUPTION, %1
        vmw     ENTRY_ERROR_CODE, %2
        vmw     ENTRY_LENGTH, %3
        guest_at guest
        run_until REASON_VMCALL
        expect_field ENTRY_INTERRUPTION, (%1) & 0x7FFFFFFF        ; the exit clears the valid bit
        expect  [guest_vector], (%1) & 0xFF
        mov     rsi, [guest_frame]
%endmacro

test:
        vmw     GUEST_RFLAGS, 0x202
        inject  VALID | EXTERNAL | 0x30, 0, 0
        expect  [rsi], guest
        expect  [rsi + 16], 0x202
        expect  rsi, GUEST_STACK_TOP - 40
        expect_field GUEST_RFLAGS, 2            ; interrupt gate

        vmw     GUEST_RFLAGS, 2
        inject  VALID | HARDWARE | 6, 0, 0
        expect  [rsi], guest
        expect  rsi, GUEST_STACK_TOP - 40
        inject  VALID | HARDWARE | HAS_ERROR | 13, 0x1234, 0
        expect  [rsi], 0x1234
        expect  [rsi + 8], guest
        expect  rsi, GUEST_STACK_TOP - 48
        ; #PF injected: CR2 is what the hypervisor left there
        mov     rax, 0x778899
        mov     cr2, rax
        inject  VALID | HARDWARE | HAS_ERROR | 14, 6, 0
        expect  [rsi], 6
        mov     rax, cr2
        expect  rax, 0x778899
        ; Software events return behind the instruction
        inject  VALID | SOFTWARE_INT | 0x80, 0, 2
        expect  [rsi], guest + 2
        inject  VALID | SOFTWARE | 3, 0, 1
        expect  [rsi], guest + 1
        inject  VALID | PRIVILEGED | 1, 0, 1
        expect  [rsi], guest + 1
        ; An NMI blocks further ones
        inject  VALID | NMI | 2, 0, 0
        expect_field GUEST_INTERRUPTIBILITY, 8
        vmw     GUEST_INTERRUPTIBILITY, 0

        ; A vectoring entry ends blocking by STI and drops pending debug exceptions
        vmw     GUEST_INTERRUPTIBILITY, 1
        vmw     GUEST_RFLAGS, 0x302             ; TF and IF
        vmw     GUEST_PENDING_DEBUG, 0x4000
        vmw     EXCEPTION_BITMAP, 2
        inject  VALID | HARDWARE | 6, 0, 0
        expect_field GUEST_INTERRUPTIBILITY, 0
        expect_field GUEST_PENDING_DEBUG, 0
        vmw     GUEST_RFLAGS, 2

        ; The exception bitmap does not look at what is injected
        vmw     EXCEPTION_BITMAP, -1
        inject  VALID | HARDWARE | 6, 0, 0
        ; A fault of the delivery, here in an IDT without entries, is reported with the injected event as the original
        vmw     EXCEPTION_BITMAP, 1 << 8
        vmw     GUEST_IDTR_LIMIT, 0
        vmw     ENTRY_INTERRUPTION, VALID | HARDWARE | HAS_ERROR | 11
        vmw     ENTRY_ERROR_CODE, 0x55
        guest_at guest
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | HAS_ERROR | 8        ; #GP on #NP: #DF
        expect_field IDT_VECTORING, 0           ; a double fault has no original event
        vmw     EXCEPTION_BITMAP, 1 << 13
        vmw     ENTRY_INTERRUPTION, VALID | SOFTWARE_INT | 0x21
        vmw     ENTRY_LENGTH, 3
        guest_at guest
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, VALID | HARDWARE | HAS_ERROR | 13
        expect_field EXIT_INTERRUPTION_ERROR, 0x21 * 8 + 2
        expect_field IDT_VECTORING, VALID | SOFTWARE_INT | 0x21
        expect_field EXIT_LENGTH, 3
        expect_field GUEST_RIP, guest
        pass

guest:
        nop
        nop
        nop
        cpuid
