; Lab 5 is right when: the guest saw the page at SECRET through its window, and nothing exited but HLT. The window cannot be written, and nothing above 2 MiB is mapped.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; The guest read the page at SECRET through its window.
; @assert dword[seen] == 0x5EC4E7
; The entry for WINDOW: the page at SECRET with the right to read, and no other.
; @assert (qword[ept_pt + 0x180 * 8] & 7) == 1
; @assert (qword[ept_pt + 0x180 * 8] & 0x000FFFFFFFFFF000) == 0x300000
; The last entry: its page is the host's of the same number (1FFH), with all rights and the memory type write-back (6).
; @assert qword[ept_pt + 511 * 8] == 0x1FF037
; Nothing above 2 MiB is mapped.
; @assert qword[ept_pd + 8] == 0
; Nothing exited but HLT.
; @assert exit.reason == HLT
; @assert exits == 1
        finish  0
