; Lab 3 is right when: the guest sees no VMX, sees a hypervisor and its name, sees the real vendor, and every CPUID exited once.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        xor     eax, eax
        cpuid                           ; the vendor, as the hypervisor sees it
; Leaf 1, ECX bit 5: the guest must not see VMX.
; @assert (dword[seen_features] & 0x20) == 0
; Leaf 1, ECX bit 31: it must see that there is a hypervisor.
; @assert (dword[seen_features] & 0x80000000) != 0
; Leaf 40000000H: EBX, ECX and EDX are the twelve characters at "name".
; @assert dword[seen_name] == dword[name]
; @assert dword[seen_name + 4] == dword[name + 4]
; @assert dword[seen_name + 8] == dword[name + 8]
; All other leaves are the processor's own: leaf 0 has the real vendor.
; @assert dword[seen_vendor] == ebx
; Three times CPUID, and HLT.
; @assert exits == 4
        finish  0
