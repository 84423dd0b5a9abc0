; Lab 10 is right when: the text arrived whole, the guest got its length as the answer, and there were two exits: the hypercall and HLT.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        lea     rsi, [text]
        lea     rdi, [printed]
        mov     ecx, text_end - text
        repe cmpsb                      ; RCX: how many characters are left at the first that differs
; As many characters arrived as the text has.
; @assert qword[length] == text_end - text
; They are the text.
; @assert rcx == 0
; The guest got their number in RAX.
; @assert qword[answer] == text_end - text
; Two VM exits: the hypercall and HLT.
; @assert exits == 2
        finish  0
