; Lab 6 is right when: three writes were counted, the last at 180080H, each by one EPT violation and one monitor trap; reading did not exit; the writes happened.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; Three writes, the last at 180080H.
; @assert qword[writes] == 3
; @assert qword[last_write] == 0x180080
; They happened.
; @assert dword[0x180000] == 1
; @assert dword[0x180040] == 1
; @assert dword[0x180080] == 3
; An EPT violation and a monitor trap for each, and HLT. Reading did not exit.
; @assert exits == 7
        finish  0
