; Lab 7 is right when: the first interrupt waited until STI had taken effect, the second came at once, and there was exactly one exit for an interrupt window.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; Interrupts were off at the first VMCALL: it was not delivered there.
; @assert dword[early] == 0
; It came when STI had taken effect.
; @assert dword[after_sti] == 1
; The second came, too.
; @assert dword[interrupts] == 2
; Nothing is left to be delivered.
; @assert byte[pending] == 0
; Twice VMCALL, one interrupt window, and HLT.
; @assert exits == 4
        finish  0
