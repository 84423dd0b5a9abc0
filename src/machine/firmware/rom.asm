; What a PC's firmware leaves for real-mode code, as far as it exists here: one service, and an honest end for all others.
; Assembled into rom.ts by scripts/generate-firmware.mjs (NASM). It lies at F000:E000.

REPORT_PORT equ 0x8901 ; the board stops the machine and says which service was asked for
COM1 equ 0x3f8
PRINT_CHARACTER equ 0x0e

bits 16
org 0xe000

; Entry of interrupt vector N at E000H + 4 * N. The return address on the stack tells N.
entries:
%rep 256
    call near report
    nop
%endrep

; Entry of vector 10H: AH = 0EH prints AL on the console.
video:
    cmp ah, PRINT_CHARACTER
    jne entries + 4 * 0x10
    push dx
    mov dx, COM1
    out dx, al
    pop dx
    iret

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
