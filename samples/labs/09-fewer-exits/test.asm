; Lab 9 is right when: two exits are left (the device and HLT), and the device got its value.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; The device got its value.
; @assert byte[device] == 0x2A
; Two VM exits are left: the device and HLT.
; @assert exits == 2
        finish  0
