; "Virtual-interrupt delivery" (SDM "Evaluation and Delivery of Virtual Interrupts"): RVI, SVI, VPPR, VIRR, VISR, EOI, self-IPI.
%include "hypervisor.inc"

PAGE            equ 0xFEE00000
VAPIC           equ SCRATCH

; expect_register offset, value: 32 bits of the virtual-APIC page
%macro expect_register 2
        mov     eax, [VAPIC + %1]
        expect  rax, %2
%endmacro

; set_vector array, vector
%macro set_vector 2
        bts     dword [VAPIC + %1 + (%2 / 32) * 16], %2 % 32
%endmacro
VISR            equ 0x100
VIRR            equ 0x200

test:
        vmset   PIN_CONTROLS, PIN_EXTERNAL
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY | CPU_TPR_SHADOW
        vmset   SECONDARY_CONTROLS, CPU2_APIC_ACCESSES | CPU2_VIRTUAL_INTERRUPTS
        vmw     APIC_ACCESS_ADDR, PAGE
        vmw     VIRTUAL_APIC_ADDR, VAPIC
        vmw     EOI_EXIT0, 0
        vmw     EOI_EXIT1, 0
        mov     eax, PAGE
        mov     [guest_rbx], rax

        ; IF is 0: nothing happens, and VPPR is evaluated by the entry
        mov     dword [VAPIC + 0x80], 0x23
        set_vector VIRR, 0x51
        set_vector VIRR, 0x42
        vmw     GUEST_INTERRUPT_STATUS, 0x51
        guest_at enable.last
        run_until REASON_CPUID
        expect_field GUEST_INTERRUPT_STATUS, 0x51
        expect_register 0xA0, 0x23              ; VPPR: VTPR, as SVI is 0
        ; The guest enables interrupts: after the instruction that follows STI the higher one comes
        guest_at enable
        run_until REASON_VMCALL
        expect  [guest_vector], 0x51
        mov     rsi, [guest_frame]
        expect  [rsi], enable.last
        expect_field GUEST_INTERRUPT_STATUS, 0x5142     ; SVI, RVI
        expect_register 0xA0, 0x50
        expect_register VISR + 0x20, 1 << 0x11
        expect_register VIRR + 0x20, 1 << 2             ; 42H waits
        ; The handler's EOI ends it; 42H is delivered when IF is set again
        skip
        guest_at eoi
        run_until REASON_VMCALL
        expect  [guest_vector], 0x42
        mov     rsi, [guest_frame]
        expect  [rsi], eoi.after_sti
        expect_field GUEST_INTERRUPT_STATUS, 0x4200
        expect_register 0xA0, 0x40
        expect_register VISR + 0x20, 1 << 2
        expect_register VIRR + 0x20, 0
        expect_register 0xB0, 0                         ; VEOI is cleared
        ; With its bit in the EOI-exit bitmap the EOI exits, after everything else of it
        vmw     EOI_EXIT1, 1 << (0x42 - 64)
        vmw     GUEST_RFLAGS, 2
        guest_at eoi
        run_until REASON_EOI, 0x42, 0
        expect_field GUEST_RIP, eoi.after
        expect_field GUEST_INTERRUPT_STATUS, 0
        expect_register 0xA0, 0x23
        expect_register VISR + 0x20, 0

        ; The task priority holds back; lowering it releases
        mov     dword [VAPIC + 0x80], 0x60
        set_vector VIRR, 0x61
        vmw     GUEST_INTERRUPT_STATUS, 0x61
        vmw     GUEST_RFLAGS, 0x202
        guest_at enable.last
        run_until REASON_CPUID
        guest_at lower
        run_until REASON_VMCALL
        expect  [guest_vector], 0x61
        mov     rsi, [guest_frame]
        expect  [rsi], lower.after
        guest_at eoi                            ; IF is 0 in the handler
        run_until REASON_CPUID
        ; The same by MOV to CR8
        mov     dword [VAPIC + 0x80], 0x60
        set_vector VIRR, 0x61
        vmw     GUEST_INTERRUPT_STATUS, 0x61
        vmw     GUEST_RFLAGS, 0x202
        guest_at lower_cr8
        run_until REASON_VMCALL
        expect  [guest_vector], 0x61
        mov     rsi, [guest_frame]
        expect  [rsi], lower_cr8.after
        guest_at eoi
        run_until REASON_CPUID

        ; A self-IPI through the interrupt command register; vectors below 16 and other commands exit
        mov     dword [VAPIC + 0x80], 0
        vmw     GUEST_RFLAGS, 0x202
        mov     qword [guest_rcx], 0x00040000 | 0x77
        guest_at command
        run_until REASON_VMCALL
        expect  [guest_vector], 0x77
        expect_field GUEST_INTERRUPT_STATUS, 0x7700
        guest_at eoi
        run_until REASON_CPUID
        %macro command_exits 1
        mov     qword [guest_rcx], %1
        vmw     GUEST_RFLAGS, 0x202
        guest_at command
        run_until REASON_APIC_WRITE, 0x300, 0
        expect_field GUEST_RIP, command.after
        %endmacro
        command_exits 0x00040000 | 0x0F         ; vector below 16
        command_exits 0x00000000 | 0x77         ; to a destination
        command_exits 0x00080000 | 0x77         ; to all
        command_exits 0x00040100 | 0x77         ; lowest priority
        command_exits 0x00048000 | 0x77         ; level
        command_exits 0x00041000 | 0x77         ; delivery status
        command_exits 0x00140000 | 0x77         ; reserved
        ; Registers that this control does not virtualize exit
        guest_at read_eoi
        run_until REASON_APIC_ACCESS, 0xB0, 6

        ; Interrupt-window exiting: nothing is recognized, the window exits
        set_vector VIRR, 0x61
        vmw     GUEST_INTERRUPT_STATUS, 0x61
        vmset   PRIMARY_CONTROLS, CPU_INTERRUPT_WINDOW
        vmw     GUEST_RFLAGS, 0x202
        guest_at enable.last
        run_until REASON_INTERRUPT_WINDOW
        vmclr   PRIMARY_CONTROLS, CPU_INTERRUPT_WINDOW

        ; A virtual interrupt wakes a guest that halts, from the entry on or by HLT itself
        vmw     GUEST_ACTIVITY, 1
        guest_at enable.last
        run_until REASON_VMCALL
        expect  [guest_vector], 0x61
        expect_field GUEST_ACTIVITY, 0
        guest_at eoi
        run_until REASON_CPUID
        set_vector VIRR, 0x61
        vmw     GUEST_INTERRUPT_STATUS, 0x61
        guest_at halt
        vmw     GUEST_RFLAGS, 2
        run_until REASON_VMCALL
        expect  [guest_vector], 0x61
        mov     rsi, [guest_frame]
        expect  [rsi], halt.after
        guest_at eoi
        run_until REASON_CPUID

        ; Blocking by MOV SS and STI holds it back for an instruction; an NMI comes first
        set_vector VIRR, 0x61
        vmw     GUEST_INTERRUPT_STATUS, 0x61
        vmw     GUEST_RFLAGS, 0x202
        vmw     GUEST_INTERRUPTIBILITY, 2
        guest_at one_nop
        run_until REASON_VMCALL
        expect  [guest_vector], 0x61
        mov     rsi, [guest_frame]
        expect  [rsi], one_nop.after
        guest_at eoi
        run_until REASON_CPUID

        ; Nested: SVI is the highest in service after the EOI
        set_vector VISR, 0x31
        set_vector VISR, 0x81
        mov     dword [VAPIC + 0x80], 0
        vmw     GUEST_INTERRUPT_STATUS, 0x8100
        vmw     GUEST_RFLAGS, 2
        guest_at eoi
        run_until REASON_CPUID
        expect_field GUEST_INTERRUPT_STATUS, 0x3100
        expect_register 0xA0, 0x30

        ; Fault of the delivery: the external interrupt is the IDT-vectoring information, and it is in service already
        set_vector VIRR, 0x61
        vmw     GUEST_INTERRUPT_STATUS, 0x3161
        vmw     GUEST_RFLAGS, 0x202
        vmw     GUEST_IDTR_LIMIT, 0x10
        vmw     EXCEPTION_BITMAP, 1 << 13
        guest_at one_nop
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION, 1 << 31 | 1 << 11 | 3 << 8 | 13
        expect_field IDT_VECTORING, 1 << 31 | 0x61
        expect_field GUEST_INTERRUPT_STATUS, 0x6100
        pass

guest:
enable: sti
        nop
.last:  cpuid
eoi:    mov     dword [rbx + 0xB0], 0x99
.after: test    ecx, 0
        sti
        nop
.after_sti:
        cpuid
lower:  mov     dword [rbx + 0x80], 0x50
.after: cpuid
lower_cr8:
        mov     eax, 5
        mov     cr8, rax
.after: cpuid
command:
        mov     [rbx + 0x300], ecx
.after: cpuid
read_eoi:
        mov     eax, [rbx + 0xB0]
halt:   sti
        hlt
.after: cpuid
one_nop:
        nop
.after: cpuid
