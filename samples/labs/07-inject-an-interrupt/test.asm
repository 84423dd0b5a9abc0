; Lab 7 is right when: the first interrupt waited until STI had taken effect, the second came at once, and there was exactly one exit for an interrupt window.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        cmp     dword [early], 0
        jne     wrong
        cmp     dword [after_sti], 1
        jne     wrong
        cmp     dword [interrupts], 2
        jne     wrong
        finish  0                       ; @assert exits == 4
wrong:  finish  1
