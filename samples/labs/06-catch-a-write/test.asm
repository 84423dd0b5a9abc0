; Lab 6 is right when: three writes were counted, the last at 180080H, each by one EPT violation and one monitor trap; reading did not exit; the writes happened.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        cmp     qword [writes], 3
        jne     wrong
        cmp     qword [last_write], WATCHED + 0x80
        jne     wrong
        cmp     dword [WATCHED], 1
        jne     wrong
        cmp     dword [WATCHED + 0x40], 1
        jne     wrong
        cmp     dword [WATCHED + 0x80], 3
        jne     wrong
        finish  0                       ; @assert exits == 7
wrong:  finish  1
