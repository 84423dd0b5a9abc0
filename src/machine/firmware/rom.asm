; What a PC's firmware leaves for real-mode code, as far as it exists here: a few services, and an honest end for all others.
; Assembled into rom.ts by scripts/generate-firmware.mjs (NASM). It lies at F000:E000.
; Answers are those that SeaBIOS gives (test/machine/firmware/services.test.ts compares them).

REPORT_PORT equ 0x8901 ; the board stops the machine and says which service was asked for
COM1 equ 0x3f8
CMOS_INDEX equ 0x70
CMOS_DATA equ 0x71
DATA_SEGMENT equ 0x40
EQUIPMENT equ 0x10
LOWER_KILOBYTES equ 0x13
SMAP equ 0x534d4150
MAP_ENTRY equ 20
CARRY equ 0x01
ZERO equ 0x40
UNSUPPORTED equ 0x86
INVALID_PARAMETER equ 0x01
TIMER_HERTZ equ 1193182

bits 16
org 0xe000

; Entry of interrupt vector N at E000H + 4 * N. The return address on the stack tells N.
entries:
%rep 256
    call near report
    nop
%endrep

%define unknown(vector) entries + 4 * vector

; Vectors with services, for the interrupt-vector table: vector, offset; ends with 0.
services:
    dw 0x10, video, 0x11, equipment, 0x12, lower_memory, 0x13, disk, 0x15, system, 0x16, keyboard, 0x1a, clock, 0

; Flags of the caller, once BP is pushed and holds SP.
%define caller_flags byte [bp + 6]

%macro answer 1 ; with carry clear or set: 0 or CARRY
    push bp
    mov bp, sp
    and caller_flags, ~CARRY & 0xff
    or caller_flags, %1
    pop bp
    iret
%endmacro

; The console is a serial line: there is text mode 3 in name only, and no display adapter newer than a CGA.
video:
    cmp ah, 0x0e
    je .print
    cmp ah, 0x03
    jb .done ; 00H to 02H: mode, shape and place of the cursor
    je .cursor
    cmp ah, 0x05 ; page
    je .done
    cmp ah, 0x0f
    je .mode
    cmp ah, 0x12 ; EGA and later: others leave the registers as they are
    je .done
    cmp ah, 0x1a ; VGA and later
    je .done
    cmp ah, 0x4f ; VESA
    je .done
    jmp unknown(0x10)
.cursor:
    mov cx, 0x0607
    xor dx, dx
    iret
.mode:
    mov ax, 80 << 8 | 3
    mov bh, 0
    iret
.print:
    push dx
    mov dx, COM1
    out dx, al
    pop dx
.done:
    iret

equipment:
    push ds
    mov ax, DATA_SEGMENT
    mov ds, ax
    mov ax, [EQUIPMENT]
    pop ds
    iret

lower_memory:
    push ds
    mov ax, DATA_SEGMENT
    mov ds, ax
    mov ax, [LOWER_KILOBYTES]
    pop ds
    iret

; No drive, whatever its number.
disk:
    mov ah, INVALID_PARAMETER
    answer CARRY

system:
    cmp ax, 0xe820
    je memory_map
    cmp ax, 0xe801
    je memory_sizes
    cmp ah, 0x88
    je extended_memory
    cmp ah, 0xec ; intended mode of the processor
    je .unsupported
    cmp ah, 0xe9 ; SpeedStep
    je .unsupported
    cmp ah, 0xc0 ; configuration table
    je .unsupported
    cmp ah, 0x53 ; power management
    je .unsupported
    cmp ax, 0x2401
    je .line_on
    cmp ax, 0x2402
    je .line_status
    cmp ax, 0x2403
    je .line_ways
    jmp unknown(0x15)
.unsupported:
    mov ah, UNSUPPORTED
    answer CARRY
.line_status:
    mov al, 1
.line_on:
    mov ah, 0
    answer 0
.line_ways:
    mov bx, 3 ; keyboard controller and port 92H
    mov ah, 0
    answer 0

memory_map:
    cmp edx, SMAP
    jne system.unsupported
    cmp ecx, MAP_ENTRY
    jb system.unsupported
    cmp bx, [cs:map_count]
    jae system.unsupported
    push ds
    push si
    push di
    push cs
    pop ds
    imul si, bx, MAP_ENTRY
    add si, map
    mov ecx, MAP_ENTRY
    cld
    rep movsb
    mov cx, MAP_ENTRY
    pop di
    pop si
    pop ds
    mov eax, SMAP
    inc ebx
    cmp bx, [cs:map_count]
    jb .more
    xor ebx, ebx
.more:
    answer 0

memory_sizes:
    mov ax, [cs:below_16m]
    mov bx, [cs:above_16m]
    mov cx, ax
    mov dx, bx
    answer 0

extended_memory:
    mov ax, [cs:extended]
    answer 0

; Nothing is plugged in, so no key is ever there; waiting for one (00H) would never end.
keyboard:
    cmp ah, 0x01
    je .none
    cmp ah, 0x11
    je .none
    cmp ah, 0x02
    je .shifts
    cmp ax, 0x0305 ; repeat rate
    je .done
    jmp unknown(0x16)
.none:
    push bp
    mov bp, sp
    or caller_flags, ZERO
    pop bp
    iret
.shifts:
    mov al, 0
.done:
    iret

; 00H: ticks of 65536 / 1193182 s since midnight, by the real-time clock, so in steps of a second.
clock:
    cmp ah, 0
    jne unknown(0x1a)
    push eax
    push ebx
.read:
    mov al, 4
    call cmos
    imul ebx, eax, 60
    mov al, 2
    call cmos
    add ebx, eax
    imul ebx, ebx, 60
    mov al, 0
    call cmos
    mov ecx, eax
    mov al, 4
    call cmos
    imul edx, eax, 60
    mov al, 2
    call cmos
    add edx, eax
    imul edx, edx, 60
    cmp edx, ebx ; the minute began in between
    jne .read
    add ebx, ecx
    mov eax, TIMER_HERTZ
    mul ebx
    shr eax, 16
    mov cx, dx
    mov dx, ax
    pop ebx
    pop eax
    mov al, 0 ; midnight has not passed since the last call
    answer 0

; AL index: EAX the binary value of a BCD register.
cmos:
    out CMOS_INDEX, al
    in al, CMOS_DATA
    movzx eax, al
    mov ah, al
    shr ah, 4
    and al, 0x0f
    aad
    movzx eax, al
    ret

report:
    push bp
    mov bp, sp
    push ax
    push dx
    mov dx, REPORT_PORT
    out dx, ax
    mov ax, [bp + 2]
    sub ax, entries + 3
    shr ax, 2
    out dx, al
    pop dx
    pop ax
    pop bp
    add sp, 2
    iret

; Filled by firmware.ts: kilobytes from 1 to 16 MiB, 64-KiB blocks above, kilobytes above 1 MiB (at most 63 MiB), the map.
below_16m: dw 0
above_16m: dw 0
extended: dw 0
map_count: dw 0
map:
