; Lab 9 is right when: two exits are left (the device and HLT), and the device got its value.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        cmp     byte [device], 0x2A
        jne     wrong
        finish  0                       ; @assert exits == 2
wrong:  finish  1
