        org     0x8000
        bits    32
section .text
        dd      section..text.start, section..data.start, section..data.vstart
        nop
section .data vstart=0x500 align=32
here:   dd      1, 2, 3, here
section .bss
        resb    20
last:   resd    1
section .text
        mov     eax, last
        mov     eax, here
        dd      section..bss.start
