; A 32-bit hypervisor with PAE paging and a 32-bit guest: VMREAD and VMWRITE of 32 bits at a time, host state of a host that is not 64-bit.
; Entered in flat 32-bit protected mode. With PDPTES_BAD defined it ends in a VMX abort instead.

        bits 32
        org 0x100000
%include "fields.inc"

VMXON_REGION    equ 0x200000
VMCS_REGION     equ 0x201000
PDPT            equ 0x202000
DIRECTORY       equ 0x203000
HOST_STACK      equ 0x210000
GUEST_STACK     equ 0x220000

%macro vmw 2
        mov     ecx, %1
        mov     edx, %2
        vmwrite ecx, edx
        mov     ebp, __?LINE?__
        jbe     near failed
%endmacro

; expect_field FIELD, value
%macro expect_field 2
        mov     ecx, %1
        vmread  eax, ecx
        mov     ebp, __?LINE?__
        jbe     near failed
        cmp     eax, %2
        jne     near failed
%endmacro

start:  mov     esp, HOST_STACK
        lgdt    [gdtr]
        jmp     0x08:.code
.code:  mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        xor     eax, eax
        mov     gs, eax
        mov     eax, 0x18
        ltr     ax
        mov     dword [PDPT], DIRECTORY | 1
        mov     dword [DIRECTORY], 0x83
        mov     dword [DIRECTORY + 8], 0x200083
        mov     eax, PDPT
        mov     cr3, eax
        mov     eax, 1 << 5 | 1 << 13           ; PAE, VMXE
        mov     cr4, eax
        mov     eax, cr0
        or      eax, 0x80000020                 ; PG, NE
        mov     cr0, eax
        mov     ecx, 0x480
        rdmsr
        and     eax, 0x7FFFFFFF
        mov     [VMXON_REGION], eax
        mov     [VMCS_REGION], eax
        mov     ebp, 1
        vmxon   [vmxon_pointer]
        jbe     failed
        vmclear [vmcs_pointer]
        jbe     failed
        vmptrld [vmcs_pointer]
        jbe     failed
        mov     esi, controls
.control:
        mov     ecx, [esi]
        jecxz   .fields
        rdmsr
        and     eax, edx
        mov     edx, [esi + 4]
        vmwrite edx, eax
        jbe     failed
        add     esi, 8
        jmp     .control
.fields:
        mov     esi, constants
.field: mov     ecx, [esi]
        cmp     ecx, -1
        je      .rest
        mov     edx, [esi + 4]
        vmwrite ecx, edx
        mov     ebp, ecx
        jbe     failed
        add     esi, 8
        jmp     .field
.rest:  mov     eax, cr0
        vmw     GUEST_CR0, eax
        vmw     HOST_CR0, eax
        mov     eax, cr4
        vmw     GUEST_CR4, eax
        vmw     HOST_CR4, eax

        ; A 64-bit field in two halves; a full access of 32 bits clears the upper half
        vmw     TSC_OFFSET + 1, 0x11111111
        expect_field TSC_OFFSET + 1, 0x11111111
        vmw     TSC_OFFSET, 0x22222222
        expect_field TSC_OFFSET, 0x22222222
        expect_field TSC_OFFSET + 1, 0
        vmw     TSC_OFFSET + 1, 0x33333333
        expect_field TSC_OFFSET, 0x22222222
        ; A natural-width field takes the 32 bits zero-extended
        vmw     GUEST_SYSENTER_EIP, 0x80001000
        expect_field GUEST_SYSENTER_EIP, 0x80001000

        mov     ebx, 0x1234
        vmlaunch
        mov     ebp, 2
failed: mov     ecx, VM_INSTRUCTION_ERROR
        vmread  edx, ecx
        mov     al, 1
        out     0xF4, al
        hlt

vm_exit:
        pushfd
        pop     eax
        cmp     eax, 2
        mov     ebp, 9
        jne     failed
        cmp     ebx, 0x5678
        mov     ebp, 3
        jne     failed
        cmp     esp, HOST_STACK - 64
        mov     ebp, 4
        jne     failed
        expect_field EXIT_REASON, REASON_CPUID
        expect_field EXIT_LENGTH, 2
        expect_field GUEST_RIP, guest.cpuid
        expect_field GUEST_RSP, GUEST_STACK - 4
        expect_field GUEST_CS_RIGHTS, 0xC09B
        ; The host's segments as a VM exit makes them
        mov     eax, cs
        cmp     eax, 0x08
        mov     ebp, 5
        jne     failed
        mov     eax, fs
        cmp     eax, 0x10
        mov     ebp, 6
        jne     failed
        mov     eax, [fs:0x100000 - 0x1000]     ; FS base 1000H
        cmp     eax, [start]
        mov     ebp, 7
        jne     failed
        str     eax
        cmp     ax, 0x18
        mov     ebp, 8
        jne     failed
        mov     eax, cr4
        test    eax, 1 << 5
        mov     ebp, 10
        jz      failed
        xor     eax, eax
        out     0xF4, al
        hlt

guest:  push    eax
        mov     ebx, 0x5678
.cpuid: cpuid
        hlt

        align   8
gdt:    dq      0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF, 0x0000890000000067
gdtr:   dw      31
        dd      gdt
        align   8
vmxon_pointer:  dq VMXON_REGION
vmcs_pointer:   dq VMCS_REGION
controls:
        dd      0x48D, PIN_CONTROLS, 0x48E, PRIMARY_CONTROLS, 0x48F, EXIT_CONTROLS, 0x490, ENTRY_CONTROLS, 0
constants:
        dd VMCS_LINK_POINTER, -1, VMCS_LINK_POINTER + 1, -1
        dd EXCEPTION_BITMAP, 0, CR3_TARGET_COUNT, 0, EXIT_MSR_STORE_COUNT, 0, EXIT_MSR_LOAD_COUNT, 0
        dd ENTRY_MSR_LOAD_COUNT, 0, ENTRY_INTERRUPTION, 0, CR0_MASK, 0, CR4_MASK, 0
        dd GUEST_ES_SEL, 0x10, GUEST_CS_SEL, 0x08, GUEST_SS_SEL, 0x10, GUEST_DS_SEL, 0x10, GUEST_FS_SEL, 0, GUEST_GS_SEL, 0
        dd GUEST_LDTR_SEL, 0, GUEST_TR_SEL, 0x18
        dd HOST_ES_SEL, 0x10, HOST_CS_SEL, 0x08, HOST_SS_SEL, 0x10, HOST_DS_SEL, 0x10, HOST_FS_SEL, 0x10, HOST_GS_SEL, 0, HOST_TR_SEL, 0x18
        dd GUEST_ES_LIMIT, -1, GUEST_CS_LIMIT, -1, GUEST_SS_LIMIT, -1, GUEST_DS_LIMIT, -1, GUEST_FS_LIMIT, 0, GUEST_GS_LIMIT, 0
        dd GUEST_LDTR_LIMIT, 0, GUEST_TR_LIMIT, 0x67, GUEST_GDTR_LIMIT, 31, GUEST_IDTR_LIMIT, 0
        dd GUEST_ES_RIGHTS, 0xC093, GUEST_CS_RIGHTS, 0xC09B, GUEST_SS_RIGHTS, 0xC093, GUEST_DS_RIGHTS, 0xC093
        dd GUEST_FS_RIGHTS, 0x10000, GUEST_GS_RIGHTS, 0x10000, GUEST_LDTR_RIGHTS, 0x10000, GUEST_TR_RIGHTS, 0x8B
        dd GUEST_INTERRUPTIBILITY, 0, GUEST_ACTIVITY, 0, GUEST_SYSENTER_CS, 0, HOST_SYSENTER_CS, 0, GUEST_DEBUGCTL, 0
        dd GUEST_ES_BASE, 0, GUEST_CS_BASE, 0, GUEST_SS_BASE, 0, GUEST_DS_BASE, 0, GUEST_FS_BASE, 0, GUEST_GS_BASE, 0
        dd GUEST_LDTR_BASE, 0, GUEST_TR_BASE, 0, GUEST_GDTR_BASE, gdt, GUEST_IDTR_BASE, 0, GUEST_DR7, 0x400
        dd GUEST_CR3, PDPT, GUEST_RSP, GUEST_STACK, GUEST_RIP, guest, GUEST_RFLAGS, 2, GUEST_PENDING_DEBUG, 0
        dd GUEST_SYSENTER_ESP, 0, GUEST_SYSENTER_EIP, 0
%ifdef PDPTES_BAD
        dd HOST_CR3, bad_table
%else
        dd HOST_CR3, PDPT
%endif
        dd HOST_FS_BASE, 0x1000, HOST_GS_BASE, 0, HOST_TR_BASE, 0, HOST_GDTR_BASE, gdt, HOST_IDTR_BASE, 0
        dd HOST_SYSENTER_ESP, 0, HOST_SYSENTER_EIP, 0, HOST_RSP, HOST_STACK - 64, HOST_RIP, vm_exit
        dd -1
        align   32
bad_table:
        dq      DIRECTORY | 3, 0, 0, 0          ; bit 1 is reserved
