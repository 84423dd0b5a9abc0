; Lab 4 is right when: the guest runs; its HLT is the only VM exit.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        finish  0                       ; @assert exit.reason == HLT && exits == 1
