; Interrupts posted by one processor for the guest of another: the notification vector comes as an interprocessor interrupt
; (SDM "Posted-Interrupt Processing").
; processors: 2
%include "hypervisor.inc"
%include "processors.inc"

AREA            equ 0x320000            ; VMXON region, VMCS, virtual-APIC page, descriptor
VAPIC           equ AREA + 0x2000
DESCRIPTOR      equ AREA + 0x3040
NOTIFICATION    equ 0xF1
OTHER           equ 0x61

; post vector: as software does, then the notification when none is outstanding
%macro post 1
        lock bts dword [DESCRIPTOR + (%1 >> 5) * 4], %1 & 31
        lock bts qword [DESCRIPTOR + 32], 0
        jc      %%outstanding
        send    0x4000 | NOTIFICATION, 1
%%outstanding:
%endmacro

test:
        call    copy_trampoline
        apic    0xF0, 0x1FF
        send    0x4500, 1
        send    0x4600 | (STARTUP >> 12), 1
        await   spins, 1

        ; A guest that spins takes the posted interrupt without a VM exit
        post    0x45
        await   taken45, 1
        expect  [DESCRIPTOR + 8], 0
        expect  [DESCRIPTOR + 32], 0

        ; While its RFLAGS.IF is 0 the interrupt is recognized, not delivered
        mov     dword [disable], 1
        await   disabled, 1
        post    0x52
        mov     ecx, 20000
        loop    $
        expect  [taken52], 0
        expect  [DESCRIPTOR + 32], 0
        mov     dword [enable], 1
        await   taken52, 1

        ; A guest that halts wakes
        mov     dword [halt], 1
        await   halts, 1
        mov     ecx, 20000
        loop    $
        expect  [woken], 0
        post    0x63
        await   woken, 1
        expect  [taken63], 1

        ; With the notification suppressed nothing is sent; the next one takes both
        lock bts dword [DESCRIPTOR + 8], 0x45 - 0x40
        mov     ecx, 20000
        loop    $
        expect  [taken45], 1
        post    0x52
        await   taken45, 2
        await   taken52, 2

        expect  [exits], 0
        ; Any other vector is a VM exit
        send    0x4000 | OTHER, 1
        await   exits, 1
        expect  [exit_information], 1 << 31 | OTHER
        pass

application:
        mov     eax, DATA_SEL
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     rsp, HOST_STACK_TOP - 0x4000
        lidt    [host_idt_register]
        apic    0xF0, 0x1FF
        mov     eax, [revision]
        mov     [AREA], eax
        mov     [AREA + 0x1000], eax
        vmxon   [area_pointers]
        succeeds
        vmclear [area_pointers + 8]
        succeeds
        vmptrld [area_pointers + 8]
        succeeds
        call    default_fields
        vmset   PIN_CONTROLS, PIN_EXTERNAL | PIN_POSTED
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY | CPU_TPR_SHADOW
        vmset   SECONDARY_CONTROLS, CPU2_VIRTUAL_INTERRUPTS | CPU2_X2APIC
        vmset   EXIT_CONTROLS, EXIT_ACK_INTERRUPT
        ; The guest's EOI is a WRMSR to its virtual x2APIC
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        vmw     VIRTUAL_APIC_ADDR, VAPIC
        vmw     EOI_EXIT0, 0
        vmw     EOI_EXIT1, 0
        vmw     POSTED_VECTOR, NOTIFICATION
        vmw     POSTED_DESCRIPTOR, DESCRIPTOR
        vmw     GUEST_INTERRUPT_STATUS, 0
        mov     edi, GUEST_IDT + 0x45 * 16
        mov     rax, take45
        call    gate
        mov     edi, GUEST_IDT + 0x52 * 16
        mov     rax, take52
        call    gate
        mov     edi, GUEST_IDT + 0x63 * 16
        mov     rax, take63
        call    gate
        vmw     GUEST_RFLAGS, 0x202
        vmw     HOST_RIP, .exit
        vmw     HOST_RSP, rsp
        vmlaunch
        jmp     failed
.exit:  vmr     rax, EXIT_REASON
        expect  rax, REASON_EXTERNAL
        vmr     rax, EXIT_INTERRUPTION
        mov     [exit_information], eax
        mov     dword [exits], 1
        cli
        hlt

; The gate at RDI leads to RAX
gate:   mov     [rdi], ax
        mov     word [rdi + 2], CODE_SEL
        mov     word [rdi + 4], 0x8E00
        shr     rax, 16
        mov     [rdi + 6], ax
        ret

guest:  mov     dword [spins], 1
.spin:  pause
        cmp     dword [disable], 1
        jne     .halt
        cli
        mov     dword [disable], 2
        mov     dword [disabled], 1
        await   enable, 1
        sti
.halt:  cmp     dword [halt], 1
        jne     .spin
        mov     dword [halt], 2
        mov     dword [halts], 1
        hlt
        mov     dword [woken], 1
        jmp     .spin

%macro take 1
take%1: push    rax
        push    rcx
        push    rdx
        lock inc dword [taken%1]
        mov     ecx, 0x80B
        xor     eax, eax
        xor     edx, edx
        wrmsr
        pop     rdx
        pop     rcx
        pop     rax
        iretq
%endmacro
        take    45
        take    52
        take    63

        align   8
area_pointers: dq AREA, AREA + 0x1000
taken45: dq 0
taken52: dq 0
taken63: dq 0
exits:  dq 0
exit_information: dq 0
woken:  dq 0
spins:  dd 0
disable: dd 0
disabled: dd 0
enable: dd 0
halt:   dd 0
halts:  dd 0
