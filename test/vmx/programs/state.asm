; What VM entry loads and VM exit saves and loads: segments, tables, control registers, SYSENTER, PAT, EFER.
%include "hypervisor.inc"

test:
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        vmset   ENTRY_CONTROLS, ENTRY_LOAD_PAT | ENTRY_LOAD_EFER
        vmset   EXIT_CONTROLS, EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER | EXIT_LOAD_EFER
        mov     rax, 0x0606060606060606
        vmw     GUEST_PAT, rax
        mov     rax, 0x0007040600070406
        vmw     HOST_PAT, rax
        vmw     GUEST_EFER, 0xD01               ; SCE LME LMA NXE
        vmw     HOST_EFER, 0x500
        vmw     GUEST_SYSENTER_CS, 0x77
        mov     rax, 0xFFFF800011112222
        vmw     GUEST_SYSENTER_ESP, rax
        vmw     GUEST_SYSENTER_EIP, 0x3333
        vmw     HOST_SYSENTER_CS, 0x88
        vmw     HOST_SYSENTER_ESP, 0x4444
        vmw     HOST_FS_BASE, 0x123456
        vmw     HOST_FS_SEL, 0
        mov     rax, 0xFFFF900000000000
        vmw     HOST_GS_BASE, rax
        vmw     GUEST_FS_BASE, 0x998877
        vmw     GUEST_LDTR_SEL, 0x50
        vmw     GUEST_LDTR_RIGHTS, 0x82
        vmw     GUEST_LDTR_LIMIT, 0xF
        vmw     GUEST_LDTR_BASE, 0x5000
        run_until REASON_CPUID
        mov     rax, 0x0606060606060606
        expect  [guest_rbx], rax
        expect  [guest_rcx], 0xC0000080
        expect  [guest_rsi], 0xD01
        expect  [guest_rdi], 0x998877
        expect_field GUEST_LDTR_SEL, 0x50
        expect_field GUEST_LDTR_BASE, 0x5000
        expect_field GUEST_EFER, 0xD01
        mov     ecx, 0x277
        rdmsr
        expect  rax, 0x00070406
        mov     ecx, 0xC0000080
        rdmsr
        expect  rax, 0x500
        mov     ecx, 0x174
        rdmsr
        expect  rax, 0x88
        mov     ecx, 0xC0000100
        rdmsr
        expect  rax, 0x123456
        sldt    eax
        expect  rax, 0
        sgdt    [table]
        expect_word [table], 0xFFFF            ; a VM exit sets the limits
        sidt    [table]
        expect_word [table], 0xFFFF
        ; What the guest changes is saved
        skip
        run_until REASON_CPUID
        expect_field GUEST_SYSENTER_CS, 0x99
        expect_field GUEST_PAT, 0x0606060606060601
        expect_field GUEST_EFER, 0x501
        expect_field GUEST_GDTR_LIMIT, 0x3F
        expect_field GUEST_IDTR_LIMIT, 0x1F
        expect_field GUEST_DS_SEL, 0x38
        expect_field GUEST_DS_RIGHTS, 0xC0F3
        expect_field GUEST_FS_SEL, 0
        expect_masked GUEST_FS_RIGHTS, 0x10000, 0x10000
        expect_field GUEST_TR_SEL, TSS_SEL
        expect_field GUEST_TR_RIGHTS, 0x8B
        expect_field GUEST_RFLAGS, 0xCD7        ; all status flags and DF
        pass

guest:
        mov     ecx, 0x277
        rdmsr
        shl     rdx, 32
        lea     rbx, [rdx + rax]
        mov     ecx, 0xC0000100
        rdmsr
        mov     edi, eax
        mov     ecx, 0xC0000080
        rdmsr
        mov     esi, eax
        cpuid
        mov     ecx, 0x174
        mov     eax, 0x99
        xor     edx, edx
        wrmsr
        mov     ecx, 0x277
        mov     eax, 0x06060601
        mov     edx, 0x06060606
        wrmsr
        mov     ecx, 0xC0000080
        mov     eax, 0x501
        xor     edx, edx
        wrmsr
        lgdt    [.gdtr]
        lidt    [.idtr]
        mov     eax, 0x38
        mov     ds, eax
        xor     eax, eax
        mov     fs, eax
        push    0xCD7
        popfq
        cpuid
.gdtr:  dw      0x3F
        dq      gdt
.idtr:  dw      0x1F
        dq      GUEST_IDT

        align   8
table:  dq      0, 0
