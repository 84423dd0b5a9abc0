; Lab 4 is right when: the guest runs; its HLT is the only VM exit.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; The guest's HLT is the only VM exit.
; @assert exit.reason == HLT
; @assert exits == 1
        finish  0
