; Lab 8 is right when: the guest saw both pages through its window, its own page fault came to its own handler, and INVLPG was honoured.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        cmp     dword [seen_first], 111
        jne     wrong
        cmp     dword [seen_second], 222
        jne     wrong
        cmp     dword [seen_fault], 111
        jne     wrong
        cmp     qword [fault_address], WINDOW + 0x1000
        jne     wrong
        cmp     dword [faults], 4       ; first, after INVLPG, the guest's own, and its repetition
        jne     wrong
        finish  0                       ; @assert exits == 6
wrong:  finish  1
