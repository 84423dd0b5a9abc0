; Lab 10 is right when: the text arrived whole, the guest got its length as the answer, and there were two exits: the hypercall and HLT.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        mov     rcx, text_end - text
        cmp     [length], rcx
        jne     wrong
        cmp     [answer], rcx
        jne     wrong
        lea     rsi, [text]
        lea     rdi, [printed]
        repe cmpsb
        jne     wrong
        finish  0                       ; @assert exits == 2
wrong:  finish  1
