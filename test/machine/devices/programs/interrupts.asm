; Interrupts end to end: every source of the board reaches a handler, in the order of its priority. Prints the vectors on port E9H.
; 32-bit protected mode, by multiboot; runs under QEMU as well.

LOCAL equ 0xfee00000
IOAPIC equ 0xfec00000

bits 32
org 0x100000
header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, header, 0, bss_end, start

start:
    cli
    mov esp, stack_top
    lgdt [gdt_pointer]
    jmp 0x08:.flat
.flat:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    ; 256 gates to 256 stubs of 16 bytes
    mov edi, idt
    mov eax, stubs
    mov ecx, 256
.gate:
    mov [edi], ax
    mov word [edi + 2], 0x08
    mov word [edi + 4], 0x8e00
    mov edx, eax
    shr edx, 16
    mov [edi + 6], dx
    add edi, 8
    add eax, 16
    loop .gate
    lidt [idt_pointer]

    ; 8259s: vectors 20H and 28H, all masked
    mov al, 0x11
    out 0x20, al
    out 0xa0, al
    mov al, 0x20
    out 0x21, al
    mov al, 0x28
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 1
    out 0x21, al
    out 0xa1, al
    call mask_all

%macro title 1
    mov esi, %%text
    call print_text
    jmp %%over
%%text: db %1, 0
%%over:
%endmacro
%macro outb 2
    mov dx, %1
    mov al, %2
    out dx, al
%endmacro
%macro print_all 0
    mov dword [wanted], 1000
%endmacro
; Lets pass, unprinted, what a timer sent before it was stopped.
%macro drain 0
    mov dword [wanted], 0
    sti
    nop
    nop
    cli
%endmacro
%macro wait_interrupts 1
    mov ebx, %1
    call wait_for
%endmacro

    title `PIT through the 8259:`
    outb 0x43, 0x34
    outb 0x40, 0xa9
    outb 0x40, 0x04 ; 1193: 1 kHz
    outb 0x21, 0xfe
    wait_interrupts 5
    call mask_all
    outb 0x43, 0x30 ; stopped

    title `\nRTC through the second 8259:`
    outb 0x70, 0x0a
    outb 0x71, 0x26
    outb 0x70, 0x0b
    outb 0x71, 0x42
    outb 0x70, 0x0c
    in al, 0x71
    outb 0x21, 0xfb
    outb 0xa1, 0xfe
    wait_interrupts 4
    call mask_all
    outb 0x70, 0x0b
    outb 0x71, 0x02
    outb 0x70, 0x0c
    in al, 0x71

    title `\nCOM1, transmitter empty:`
    outb 0x3fc, 0x08
    outb 0x21, 0xef
    outb 0x3f9, 0x02
    wait_interrupts 1
    call mask_all
    outb 0x3f9, 0

    title `\nLocal APIC timer, one-shot and periodic:`
    mov dword [LOCAL + 0xf0], 0x1ff
    mov dword [LOCAL + 0x3e0], 0x0b
    mov dword [LOCAL + 0x320], 0x40
    mov dword [LOCAL + 0x380], 20000
    wait_interrupts 1
    mov dword [LOCAL + 0x320], 0x20041
    mov dword [LOCAL + 0x380], 200000
    wait_interrupts 3
    mov dword [LOCAL + 0x320], 0x10041
    mov dword [LOCAL + 0x380], 0
    drain

    title `\nPIT through the I/O APIC:`
    mov dword [IOAPIC], 0x15
    mov dword [IOAPIC + 0x10], 0
    mov dword [IOAPIC], 0x14
    mov dword [IOAPIC + 0x10], 0x50
    outb 0x43, 0x34
    outb 0x40, 0xa9
    outb 0x40, 0x04
    wait_interrupts 3
    mov dword [IOAPIC], 0x14
    mov dword [IOAPIC + 0x10], 0x10050
    outb 0x43, 0x30
    drain

    title `\nSelf-IPIs by priority:`
    mov eax, 0x61
    call send
    mov eax, 0x83
    call send
    mov eax, 0x72
    call send
    wait_interrupts 3

    title `\nTask priority holds back what is not above it:`
    mov dword [LOCAL + 0x80], 0x70
    mov eax, 0x75
    call send
    mov eax, 0x81
    call send
    wait_interrupts 1
    print_all
    sti
    nop
    nop
    cli
    mov dword [LOCAL + 0x80], 0
    wait_interrupts 1

    title `\nNested in a handler of lower priority:`
    mov byte [nest], 1
    mov eax, 0x91
    call send
    wait_interrupts 3
    mov byte [nest], 0

    print_all
    title `\nNMI although interrupts are off:`
    mov dword [LOCAL + 0x310], 0
    mov dword [LOCAL + 0x300], 0x0400
    mov ecx, 100
.spin:
    loop .spin

    title `\nSTI opens after the next instruction:`
    mov eax, 0xa1
    call send
    xor ebp, ebp
    sti
    inc ebp
    inc ebp
    cli
    mov eax, ebp
    call print_byte
    mov eax, [seen]
    call print_byte

    title `\nPOPF opens at once, MOV SS holds one instruction:`
    mov eax, 0xa2
    call send
    xor ebp, ebp
    pushfd
    or dword [esp], 0x200
    popfd
    inc ebp
    cli
    mov eax, [seen]
    call print_byte
    title `\n`
    outb 0xf4, 0x10
    hlt

send: ; EAX: vector
    or eax, 0x40000
    mov [LOCAL + 0x300], eax
    ret

mask_all:
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    ret

wait_for: ; EBX: number of interrupts; more that come, as timers may, are not printed
    mov dword [count], 0
    mov [wanted], ebx
.again:
    sti
    hlt
    cli
    cmp [count], ebx
    jb .again
    ret

print_text:
    mov dx, 0xe9
.next:
    lodsb
    test al, al
    jz .done
    out dx, al
    jmp .next
.done:
    ret

print_byte: ; space and two digits
    push eax
    push edx
    mov dx, 0xe9
    push eax
    mov al, ' '
    out dx, al
    mov eax, [esp]
    shr eax, 4
    call .digit
    pop eax
    call .digit
    pop edx
    pop eax
    ret
.digit:
    and eax, 15
    mov al, [digits + eax]
    out dx, al
    ret
digits: db "0123456789ABCDEF"

; Common handler: the vector is above the saved EAX. Prints it, ends the interrupt where it must be ended.
handler:
    push ebp
    push edx
    push ecx
    mov eax, [esp + 16]
    mov [seen], ebp
    push eax
    mov eax, [count]
    cmp eax, [wanted]
    pop eax
    jae .quiet
    call print_byte
.quiet:
    inc dword [count]
    cmp eax, 2
    je .done
    cmp eax, 0x30
    jae .apic
    cmp eax, 0x24
    jne .not_serial
    mov dx, 0x3fa
    in al, dx
    mov eax, 0x24
.not_serial:
    cmp eax, 0x28
    jne .not_clock
    mov al, 0x0c
    out 0x70, al
    in al, 0x71
    mov al, 0x20
    out 0xa0, al
.not_clock:
    mov al, 0x20
    out 0x20, al
    jmp .done
.apic:
    cmp byte [nest], 0
    je .end
    mov byte [nest], 0
    mov eax, 0xb1
    call send
    mov eax, 0x92
    call send
    sti
    nop
    nop
    cli
.end:
    mov dword [LOCAL + 0xb0], 0
.done:
    pop ecx
    pop edx
    pop ebp
    pop eax
    add esp, 4
    iretd

align 16
stubs:
%assign vector 0
%rep 256
    push strict dword vector
    push eax
    jmp near handler
    align 16
%assign vector vector + 1
%endrep

align 8
gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer: dw 23
    dd gdt
idt_pointer: dw 2047
    dd idt
count: dd 0
wanted: dd 0
seen: dd 0
nest: db 0
align 16
file_end:
idt equ file_end
stack_top equ file_end + 0x2000
bss_end equ stack_top
