; Lab 2 is right when: the guest ran (it left 1234H at `message`) and its HLT caused the VM exit.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; The guest ran: it left 1234H at "message".
; @assert qword[message] == 0x1234
; Its HLT caused the VM exit, and nothing else did.
; @assert exit.reason == HLT
; @assert exits == 1
        finish  0
