; Lab 3 is right when: the guest sees no VMX, sees a hypervisor and its name, sees the real vendor, and every CPUID exited once.

%define TESTED
%ifndef LAB
  %define LAB "lab.asm"
%endif
%include LAB

done:
        mov     eax, [seen_features]
        test    eax, CPUID_1_ECX_VMX
        jnz     wrong
        test    eax, CPUID_1_ECX_HYPERVISOR
        jz      wrong
        lea     rsi, [seen_name]
        lea     rdi, [name]
        mov     ecx, 12
        repe cmpsb
        jne     wrong
        xor     eax, eax
        cpuid
        cmp     ebx, [seen_vendor]
        jne     wrong
        finish  0                       ; @assert exits == 4
wrong:  finish  1
