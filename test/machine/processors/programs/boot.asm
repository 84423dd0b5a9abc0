; Four processors: started by INIT and SIPIs, a spinlock, interprocessor interrupts of every destination, an interrupt routed
; to one of them by the I/O APIC, NMI, INIT and a second start. Prints on port E9H what must be the same on every machine.
; 32-bit protected mode, by multiboot; runs under QEMU with -smp 4 as well.

LOCAL equ 0xfee00000
IOAPIC equ 0xfec00000
ICR equ LOCAL + 0x300
ICR_HIGH equ LOCAL + 0x310
COUNT equ 4
ROUNDS equ 500
STARTUP equ 0x8000
RESTART equ 0x9000

bits 32
org 0x100000
header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, header, 0, bss_end, start

%macro title 1
    mov esi, %%text
    call print_text
    jmp %%over
%%text: db %1, 0
%%over:
%endmacro
%macro send 2 ; command, destination APIC ID
    mov dword [ICR_HIGH], (%2) << 24
    mov dword [ICR], %1
    call wait_sent
%endmacro
; Waits until a cell of 32 bits holds a value.
%macro await 2
%%again:
    pause
    cmp dword [%1], %2
    jne %%again
%endmacro
%macro delay 0
    mov ecx, 300000
%%again:
    pause
    loop %%again
%endmacro

start:
    cli
    mov esp, stacks + 0x1000
    lgdt [gdt_pointer]
    jmp 0x08:.flat
.flat:
    call flat_segments
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
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    mov dword [LOCAL + 0xf0], 0x1ff
    mov dword [LOCAL + 0xe0], 0xffffffff
    mov dword [LOCAL + 0xd0], 0x01000000

    mov esi, trampoline
    mov edi, STARTUP
    mov ecx, trampoline_end - trampoline
    rep movsb
    mov esi, second_trampoline
    mov edi, RESTART
    mov ecx, second_end - second_trampoline
    rep movsb

    title `started:`
    send 0xc4500, 0
    delay
    send 0xc4600 | (STARTUP >> 12), 0
    delay
    send 0xc4600 | (STARTUP >> 12), 0
    await online, COUNT - 1
    mov eax, [known]
    call print_hex

    title `\ninitial APIC IDs by CPUID:`
    mov eax, [identities]
    call print_hex

    ; Every processor counts under a lock, and without one by LOCK XADD.
    mov dword [go], 1
    call contend
    await finished, COUNT
    title `\ncounted under a spinlock:`
    mov eax, [counter]
    call print_hex
    title `\ncounted by LOCK XADD:`
    mov eax, [atomic]
    call print_hex

    sti
    title `\nto each by physical destination:`
    send 0x4050, 0
    send 0x4050, 1
    send 0x4050, 2
    send 0x4050, 3
    await received, COUNT
    call print_received
    title `\nto all:`
    send 0x84051, 0
    await received, COUNT
    call print_received
    title `\nto all but self:`
    send 0xc4052, 0
    await received, COUNT - 1
    call print_received
    title `\nto self:`
    send 0x44053, 0
    await received, 1
    call print_received
    title `\nto 0 and 2 by flat logical destination:`
    send 0x4854, 0x05
    await received, 2
    call print_received
    title `\nNMI to 1:`
    send 0x4400, 1
    await nmis, 1
    mov eax, [nmi_at]
    call print_hex
    title `\nlowest priority among all, taken by one:`
    send 0x4955, 0x0f
    await received, 1
    delay
    mov eax, [received]
    call print_hex
    call clear_received

    title `\nPIT through the I/O APIC to 2:`
    mov dword [IOAPIC], 0x15
    mov dword [IOAPIC + 0x10], 2 << 24
    mov dword [IOAPIC], 0x14
    mov dword [IOAPIC + 0x10], 0x60
    mov al, 0x30
    out 0x43, al
    mov al, 0x00
    out 0x40, al
    mov al, 0x10
    out 0x40, al
    await received, 1
    mov dword [IOAPIC], 0x14
    mov dword [IOAPIC + 0x10], 0x10060
    call print_received

    title `\nINIT and another start of 3:`
    send 0x4500, 3
    delay
    send 0x4600 | (RESTART >> 12), 3
    await restarted, 1
    mov eax, [restart_state]
    call print_hex
    title `\nSIPI to one that runs does nothing:`
    send 0x4600 | (STARTUP >> 12), 1
    delay
    mov eax, [online]
    call print_hex

    title `\n`
    mov dx, 0xf4
    mov al, 0x10
    out dx, al
.end:
    hlt
    jmp .end

wait_sent:
    test dword [ICR], 0x1000
    jnz wait_sent
    ret

flat_segments:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    ret

contend:
    mov ecx, ROUNDS
.round:
    mov eax, 1
.try:
    xchg eax, [lock_word]
    test eax, eax
    jz .held
    pause
    mov eax, 1
    jmp .try
.held:
    inc dword [counter] ; not atomic: only the lock protects it
    nop
    nop
    mov dword [lock_word], 0
    mov eax, 1
    lock xadd [atomic], eax
    loop .round
    lock inc dword [finished]
    ret

application:
    call flat_segments
    mov eax, [LOCAL + 0x20]
    shr eax, 24
    mov ebx, eax
    mov esp, ebx
    shl esp, 12
    add esp, stacks + 0x1000
    lidt [idt_pointer]
    mov dword [LOCAL + 0xf0], 0x1ff
    mov dword [LOCAL + 0xe0], 0xffffffff
    mov ecx, ebx
    mov eax, 0x01000000
    shl eax, cl
    mov [LOCAL + 0xd0], eax
    mov eax, 1
    shl eax, cl
    lock or [known], eax
    mov eax, 1
    cpuid
    shr ebx, 24
    mov ecx, ebx
    mov eax, 1
    shl eax, cl
    lock or [identities], eax
    lock inc dword [online]
.wait:
    pause
    cmp dword [go], 1
    jne .wait
    call contend
    sti
.idle:
    hlt
    jmp .idle

; Prints which vectors came, by processor, and forgets them.
print_received:
    xor ecx, ecx
.next:
    mov eax, [vectors + ecx * 4]
    call print_hex
    inc ecx
    cmp ecx, COUNT
    jb .next
clear_received:
    mov dword [received], 0
    mov dword [vectors], 0
    mov dword [vectors + 4], 0
    mov dword [vectors + 8], 0
    mov dword [vectors + 12], 0
    ret

print_text:
    lodsb
    test al, al
    jz .end
    out 0xe9, al
    jmp print_text
.end:
    ret

print_hex: ; " " and EAX in hexadecimal digits
    push ecx
    mov ecx, 8
    push eax
    mov al, ' '
    out 0xe9, al
    pop eax
.digit:
    rol eax, 4
    push eax
    and al, 15
    add al, '0'
    cmp al, '9'
    jbe .put
    add al, 'a' - '9' - 1
.put:
    out 0xe9, al
    pop eax
    loop .digit
    pop ecx
    ret

align 16
stubs:
%assign vector 0
%rep 256
    align 16
    push dword vector
    jmp interrupt
%assign vector vector + 1
%endrep

interrupt:
    push eax
    push ebx
    mov ebx, [LOCAL + 0x20]
    shr ebx, 24
    mov eax, [esp + 8]
    cmp eax, 2
    je .nmi
    mov [vectors + ebx * 4], eax
    mov dword [LOCAL + 0xb0], 0
    lock inc dword [received]
    jmp .end
.nmi:
    mov [nmi_at], ebx
    lock inc dword [nmis]
.end:
    pop ebx
    pop eax
    add esp, 4
    iret

align 16
gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer: dw 23
    dd gdt
idt_pointer: dw 256 * 8 - 1
    dd idt

; Copied below 1 MiB, where a processor starts after a SIPI.
bits 16
trampoline:
    cli
    mov ax, cs
    mov ds, ax
    o32 lgdt [gdt_copy - trampoline]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 0x08:application
gdt_copy: dw 23
    dd gdt
trampoline_end:

; The state after INIT and SIPI: CS, IP is here, DX as INIT leaves it is not looked at (it differs between processors).
second_trampoline:
    mov ax, cs
    mov bx, ax
    mov ds, ax
    smsw cx
    and cx, 1 ; protection is off again
    shl cx, 8
    or bx, cx
    o32 lgdt [second_gdt - second_trampoline]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 0x08:second
second_gdt: dw 23
    dd gdt
second_end:
bits 32
second:
    call flat_segments
    movzx ebx, bx
    mov eax, [LOCAL + 0xf0] ; the local APIC is switched off by software again
    shl eax, 16
    or eax, ebx
    mov [restart_state], eax
    mov dword [restarted], 1
.end:
    cli
    hlt
    jmp .end

align 4
online: dd 0
known: dd 0
identities: dd 0
go: dd 0
lock_word: dd 0
counter: dd 0
atomic: dd 0
finished: dd 0
received: dd 0
vectors: dd 0, 0, 0, 0
nmis: dd 0
nmi_at: dd 0
restarted: dd 0
restart_state: dd 0
align 4096
idt: times 256 * 8 db 0
align 4096
stacks: times COUNT * 0x1000 db 0
bss_end:
