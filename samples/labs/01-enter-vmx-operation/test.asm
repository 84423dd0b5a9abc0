; Lab 1 is right when: the processor is in VMX operation: VMPTRST, which is #UD outside, works.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
; CR4.VMXE must be 1 before VMXON.
; @assert cr4.vmxe == 1
        vmptrst [stored]                ; #UD where VMX operation is off
; No VMCS is current yet.
; @assert qword[stored] == 0xFFFFFFFFFFFFFFFF
        finish  0

section .bss
stored:                 resq 1
