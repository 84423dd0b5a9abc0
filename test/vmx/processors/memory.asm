; What one processor's writes mean to another: translations, code, monitored lines, the VMCS of another processor.
; processors: 2
%include "hypervisor.inc"
%include "processors.inc"

VECTOR          equ 0x71
TABLES          equ 0x300000            ; PDPT, PD, PT for linear addresses from 512 GiB
MAPPED          equ 0x8000000000
AREA            equ 0x320000


; Lets the other processor do one thing and waits until it has
%macro order 1
        mov     dword [done], 0
        mov     dword [command], %1
        await   done, 1
%endmacro

test:
        call    copy_trampoline
        ; MAPPED is page 400000H, later 401000H
        mov     qword [TABLES], TABLES + 0x1003
        mov     qword [TABLES + 0x1000], TABLES + 0x2003
        mov     qword [TABLES + 0x2000], 0x400003
        mov     qword [rax + 8], TABLES + 3
        mov     dword [0x400000], 0x1111
        mov     dword [0x401000], 0x2222
        apic    0xF0, 0x1FF
        send    0x4500, 1
        send    0x4600 | (STARTUP >> 12), 1

        ; TLB shootdown: the other one has used the page; after INVLPG there it uses the new one
        order   1
        expect  [answer], 0x1111
        mov     qword [TABLES + 0x2000], 0x401003
        send    0x4000 | VECTOR, 1
        await   shot, 1
        order   1
        expect  [answer], 0x2222

        ; Code that this processor writes, and the other has run
        order   2
        expect  [answer], 1
        mov     byte [patched + 1], 2
        order   2
        expect  [answer], 2
        mov     byte [patched + 1], 3
        call    patched
        expect  rax, 3
        order   2
        expect  [answer], 3

        ; A store ends MWAIT, one beside the line does not
        mov     dword [done], 0
        mov     dword [command], 3
        await   waits, 1
        mov     ecx, 20000
.beside: mov    dword [line + 64], ecx
        mov     dword [line - 4], ecx
        loop    .beside
        expect  [answer], 3
        mov     dword [line + 60], 1
        await   done, 1
        expect  [answer], 0x33

        ; A store between MONITOR and MWAIT lets MWAIT fall through
        mov     dword [done], 0
        mov     dword [command], 4
        await   waits, 2
        mov     byte [line], 2
        mov     dword [stored], 1
        await   done, 1
        expect  [answer], 0x44

        ; With the break-event extension an interrupt ends it while RFLAGS.IF is 0, and stays pending
        mov     dword [done], 0
        mov     dword [command], 5
        await   waits, 3
        mov     ecx, 20000
        loop    $
        expect  [answer], 0x44
        mov     dword [shot], 0
        send    0x4000 | VECTOR, 1
        await   done, 1
        expect  [answer], 0x55
        order   6
        expect  [shot], 1

        ; The other's current VMCS, written here by a plain store: a value that is not canonical is found at its next entry
        order   7
        expect  [answer], REASON_CPUID
        order   8
        mov     rax, [field_address]
        mov     byte [rax + 7], 0x80
        order   7
        expect  [answer], ENTRY_FAILURE | REASON_BAD_GUEST
        pass

application:
        mov     eax, DATA_SEL
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     rsp, AREA
        lidt    [other_idt_register]
        mov     edi, OTHER_IDT + VECTOR * 16
        mov     rax, shoot
        mov     [rdi], ax
        mov     word [rdi + 2], CODE_SEL
        mov     word [rdi + 4], 0x8E00
        shr     rax, 16
        mov     [rdi + 6], ax
        mov     edx, 0xFEE000F0
        mov     dword [rdx], 0x1FF
        sti
.next:  pause
        mov     eax, [command]
        test    eax, eax
        jz      .next
        mov     dword [command], 0
        dec     eax
        jmp     [.table + rax * 8]
.table: dq      .read, .call, .wait, .fall, .break, .open, .enter, .address
.read:  mov     rax, MAPPED
        mov     eax, [rax]
        jmp     .answer
.call:  cpuid                           ; serializes
        call    patched
        jmp     .answer
.wait:  mov     eax, line
        xor     ecx, ecx
        xor     edx, edx
        monitor
        mov     dword [waits], 1
        xor     eax, eax
        mwait
        mov     eax, 0x33
        jmp     .answer
.fall:  mov     eax, line
        xor     ecx, ecx
        xor     edx, edx
        monitor
        mov     dword [waits], 2
        await   stored, 1
        xor     eax, eax
        cli
        mwait
        sti
        mov     eax, 0x44
        jmp     .answer
.break: cli
        mov     eax, line
        xor     ecx, ecx
        xor     edx, edx
        monitor
        mov     dword [waits], 3
        xor     eax, eax
        mov     ecx, 1
        mwait
        expect  [shot], 0
        mov     eax, 0x55
        jmp     .answer
.open:  sti
        nop
        mov     eax, 0x66
        jmp     .answer
.enter: cmp     dword [launched_here], 0
        jne     .again
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
        vmw     HOST_RIP, .exit
        vmw     GUEST_RFLAGS, 2
        mov     dword [launched_here], 1
        vmw     HOST_RSP, AREA
        vmlaunch
        jmp     failed
.again: vmresume
        jmp     failed
.exit:  vmr     rax, EXIT_REASON
        jmp     .answer
        ; Where the region holds a field is found by a value that nothing else has
.address:
        vmw     GUEST_SYSENTER_ESP, 0x0000123456789ABC
        mov     rax, 0x0000123456789ABC
        mov     edi, AREA + 0x1000
.look:  add     rdi, 8
        cmp     [rdi], rax
        jne     .look
        mov     [field_address], rdi
.answer:
        mov     [answer], eax
        mov     dword [done], 1
        jmp     .next

shoot:  push    rax
        push    rdx
        mov     rax, MAPPED
        invlpg  [rax]
        mov     dword [shot], 1
        mov     edx, 0xFEE000B0
        mov     dword [rdx], 0
        pop     rdx
        pop     rax
        iretq

guest:  cpuid
        jmp     guest

        align   16
patched: mov    eax, 1
        ret


OTHER_IDT       equ 0x330000
other_idt_register:
        dw      0xFFF
        dq      OTHER_IDT
area_pointers: dq AREA, AREA + 0x1000
        align   8
answer: dq 0
shot:   dq 0
field_address: dq 0
command: dd 0
done:   dd 0
waits:  dd 0
stored: dd 0
launched_here: dd 0
        align   64
        times 64 db 0
line:   times 128 db 0
