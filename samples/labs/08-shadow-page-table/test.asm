; Lab 8 is right when: the guest saw both pages through its window, its own page fault came to its own handler, and INVLPG was honoured.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; The guest saw the first page through its window, and after INVLPG the second.
; @assert dword[seen_first] == 111
; @assert dword[seen_second] == 222
; Its own page fault came to its own handler, with the address in CR2, and the access was repeated.
; @assert qword[fault_address] == 0x181000
; @assert dword[seen_fault] == 111
; Four page faults exited: the first access, the one after INVLPG, the guest's own, and its repetition.
; @assert dword[faults] == 4
; With them INVLPG and HLT did.
; @assert exits == 6
        finish  0
