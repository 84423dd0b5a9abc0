; Lab 5 is right when: the guest saw the page at SECRET through its window, and nothing exited but HLT. The window cannot be written, and nothing above 2 MiB is mapped.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        cmp     dword [seen], 0x5EC4E7
        jne     wrong
        mov     rax, [ept_pt + WINDOW / 4096 * 8]
        and     eax, EPT_ALL
        cmp     eax, EPT_READ
        jne     wrong
        cmp     qword [ept_pd + 8], 0
        jne     wrong
        cmp     qword [ept_pt + 511 * 8], 511 * 4096 | EPT_ALL | EPT_WRITE_BACK
        jne     wrong
        finish  0                       ; @assert exit.reason == HLT && exits == 1
wrong:  finish  1
