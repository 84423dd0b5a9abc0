; Lab 1 is right when: the processor is in VMX operation: VMPTRST, which is #UD outside, works.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        vmptrst [stored]                ; @assert cr4.vmxe == 1
        cmp     qword [stored], -1      ; no VMCS is current yet
        jne     failed
        finish  0

section .bss
stored:                 resq 1
