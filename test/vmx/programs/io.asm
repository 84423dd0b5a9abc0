; I/O instructions: unconditional exiting and bitmaps (SDM "Exit Qualification for I/O Instructions": 2:0 size - 1,
; 3 IN, 4 string, 5 REP, 6 immediate operand, 31:16 port).
%include "hypervisor.inc"

IN_         equ 1 << 3
STRING      equ 1 << 4
REP_        equ 1 << 5
IMMEDIATE   equ 1 << 6

test:
        vmset   PRIMARY_CONTROLS, CPU_UNCONDITIONAL_IO
        run_until REASON_IO, 0 | IMMEDIATE | 0x80 << 16, 2
        skip
        run_until REASON_IO, 0 | IN_ | IMMEDIATE | 0x71 << 16, 2
        skip
        run_until REASON_IO, 1 | 0x1234 << 16, 2
        skip
        run_until REASON_IO, 3 | IN_ | 0xFFFC << 16, 1
        skip
        ; OUTSB, REP INSD, OUTSW with FS override: linear address, address size and segment
        run_until REASON_IO, 0 | STRING | 0x3F8 << 16, 1
        expect_field GUEST_LINEAR_ADDR, buffer
        expect_masked EXIT_INSTRUCTION_INFO, 7 << 7 | 7 << 15, 2 << 7 | 3 << 15
        skip
        run_until REASON_IO, 3 | IN_ | STRING | REP_ | 0x3F8 << 16, 2
        expect_field GUEST_LINEAR_ADDR, buffer + 16
        expect_masked EXIT_INSTRUCTION_INFO, 7 << 7, 2 << 7
        expect  [guest_rcx], 5
        skip
        vmw     GUEST_FS_BASE, 2
        run_until REASON_IO, 1 | STRING | 0x3F8 << 16, 4
        expect_field GUEST_LINEAR_ADDR, buffer + 2      ; FS base 2, address size 32
        expect_masked EXIT_INSTRUCTION_INFO, 7 << 7 | 7 << 15, 1 << 7 | 4 << 15
        skip

        ; Bitmaps decide and the unconditional control is ignored
        vmset   PRIMARY_CONTROLS, CPU_IO_BITMAPS
        vmw     GUEST_FS_BASE, 0
        bts     dword [BITMAPS + 0x80 / 8], 0           ; port 80H
        bts     dword [BITMAPS + 0x1000 + 0x1000 / 8], 1        ; port 9001H
        guest_at bitmaps
        run_until REASON_IO, 0 | IMMEDIATE | 0x80 << 16, 2
        expect_field GUEST_RIP, bitmaps.exits
        skip
        run_until REASON_IO, 3 | 0x8FFF << 16, 1        ; 8FFFH to 9002H touch 9001H
        skip
        run_until REASON_IO, 1 | 0x9000 << 16, 2
        skip
        run_until REASON_IO, 1 | 0xFFFF << 16, 2        ; an access that wraps around exits
        skip
        run_until REASON_VMCALL
        expect_field GUEST_RIP, bitmaps.end
        pass

guest:
        out     0x80, al
        in      al, 0x71
        mov     dx, 0x1234
        out     dx, ax
        mov     dx, 0xFFFC
        in      eax, dx
        mov     dx, 0x3F8
        mov     esi, buffer
        outsb
        mov     edi, buffer + 16
        mov     ecx, 5
        rep insd
        mov     esi, buffer
        mov     dx, 0x3F8
        fs a32 outsw
bitmaps:
        out     0x81, al
        in      al, 0x7F
.exits: out     0x80, al
        mov     dx, 0x8FFF
        out     dx, eax
        mov     dx, 0x9000
        out     dx, ax
        mov     dx, 0xFFFF
        out     dx, ax
        mov     dx, 0x9002
        out     dx, al
.end:   vmcall

        align   4
buffer: times 64 db 0
