; Lab 2 is right when: the guest ran (it left 1234H at `message`) and its HLT caused the VM exit.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        cmp     qword [message], 0x1234
        jne     vmx_failed.invalid
        finish  0                       ; @assert exit.reason == HLT && exits == 1
