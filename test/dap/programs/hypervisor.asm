; A small hypervisor for the debugger's tests. Its guest executes CPUID (leaves 1 and 40000000H), VMCALL and HLT; the handler
; steps over each, and ends with status 3 through port F4H (isa-debug-exit: value 1) when the guest halts.
; With BROKEN defined, three fields of the VMCS are wrong and VMLAUNCH fails. With INJECT defined, the handler of CPUID
; injects what INJECT says (interruption information); vectors 13 and 30H of the guest lead to guest_interrupt.

        bits 64
        org 0x100000

; Memory that it uses beyond its own bytes.
VMXON_REGION            equ 0x200000
VMCS_REGION             equ 0x201000
HOST_STACK              equ 0x210000
GUEST_STACK             equ 0x220000

PORT_EXIT               equ 0xF4
COM1                    equ 0x3F8

IA32_FEATURE_CONTROL    equ 0x3A
IA32_VMX_BASIC          equ 0x480
IA32_VMX_TRUE_PINBASED  equ 0x48D
IA32_VMX_TRUE_PROCBASED equ 0x48E
IA32_VMX_TRUE_EXIT      equ 0x48F
IA32_VMX_TRUE_ENTRY     equ 0x490

CR0_NE                  equ 0x20
CR4_VMXE                equ 0x2000
FEATURE_LOCK_VMXON      equ 5

CODE_SELECTOR           equ 0x08
DATA_SELECTOR           equ 0x10
TSS_SELECTOR            equ 0x18

; VMCS fields
GUEST_ES_SELECTOR       equ 0x0800
GUEST_CS_SELECTOR       equ 0x0802
GUEST_SS_SELECTOR       equ 0x0804
GUEST_DS_SELECTOR       equ 0x0806
GUEST_FS_SELECTOR       equ 0x0808
GUEST_GS_SELECTOR       equ 0x080A
GUEST_LDTR_SELECTOR     equ 0x080C
GUEST_TR_SELECTOR       equ 0x080E
HOST_ES_SELECTOR        equ 0x0C00
HOST_CS_SELECTOR        equ 0x0C02
HOST_SS_SELECTOR        equ 0x0C04
HOST_DS_SELECTOR        equ 0x0C06
HOST_FS_SELECTOR        equ 0x0C08
HOST_GS_SELECTOR        equ 0x0C0A
HOST_TR_SELECTOR        equ 0x0C0C
VMCS_LINK_POINTER       equ 0x2800
GUEST_DEBUGCTL          equ 0x2802
PIN_CONTROLS            equ 0x4000
PRIMARY_CONTROLS        equ 0x4002
EXCEPTION_BITMAP        equ 0x4004
CR3_TARGET_COUNT        equ 0x400A
EXIT_CONTROLS           equ 0x400C
EXIT_MSR_STORE_COUNT    equ 0x400E
EXIT_MSR_LOAD_COUNT     equ 0x4010
ENTRY_CONTROLS          equ 0x4012
ENTRY_MSR_LOAD_COUNT    equ 0x4014
ENTRY_INTERRUPTION      equ 0x4016
EXIT_REASON             equ 0x4402
IDT_VECTORING           equ 0x4408
EXIT_LENGTH             equ 0x440C
GUEST_ES_LIMIT          equ 0x4800
GUEST_CS_LIMIT          equ 0x4802
GUEST_SS_LIMIT          equ 0x4804
GUEST_DS_LIMIT          equ 0x4806
GUEST_FS_LIMIT          equ 0x4808
GUEST_GS_LIMIT          equ 0x480A
GUEST_LDTR_LIMIT        equ 0x480C
GUEST_TR_LIMIT          equ 0x480E
GUEST_GDTR_LIMIT        equ 0x4810
GUEST_IDTR_LIMIT        equ 0x4812
GUEST_ES_RIGHTS         equ 0x4814
GUEST_CS_RIGHTS         equ 0x4816
GUEST_SS_RIGHTS         equ 0x4818
GUEST_DS_RIGHTS         equ 0x481A
GUEST_FS_RIGHTS         equ 0x481C
GUEST_GS_RIGHTS         equ 0x481E
GUEST_LDTR_RIGHTS       equ 0x4820
GUEST_TR_RIGHTS         equ 0x4822
GUEST_INTERRUPTIBILITY  equ 0x4824
GUEST_ACTIVITY          equ 0x4826
GUEST_SYSENTER_CS       equ 0x482A
HOST_SYSENTER_CS        equ 0x4C00
CR0_MASK                equ 0x6000
CR4_MASK                equ 0x6002
EXIT_QUALIFICATION      equ 0x6400
GUEST_CR0               equ 0x6800
GUEST_CR3               equ 0x6802
GUEST_CR4               equ 0x6804
GUEST_ES_BASE           equ 0x6806
GUEST_CS_BASE           equ 0x6808
GUEST_SS_BASE           equ 0x680A
GUEST_DS_BASE           equ 0x680C
GUEST_FS_BASE           equ 0x680E
GUEST_GS_BASE           equ 0x6810
GUEST_LDTR_BASE         equ 0x6812
GUEST_TR_BASE           equ 0x6814
GUEST_GDTR_BASE         equ 0x6816
GUEST_IDTR_BASE         equ 0x6818
GUEST_DR7               equ 0x681A
GUEST_RSP               equ 0x681C
GUEST_RIP               equ 0x681E
GUEST_RFLAGS            equ 0x6820
GUEST_PENDING_DEBUG     equ 0x6822
GUEST_SYSENTER_ESP      equ 0x6824
GUEST_SYSENTER_EIP      equ 0x6826
HOST_CR0                equ 0x6C00
HOST_CR3                equ 0x6C02
HOST_CR4                equ 0x6C04
HOST_FS_BASE            equ 0x6C06
HOST_GS_BASE            equ 0x6C08
HOST_TR_BASE            equ 0x6C0A
HOST_GDTR_BASE          equ 0x6C0C
HOST_IDTR_BASE          equ 0x6C0E
HOST_SYSENTER_ESP       equ 0x6C10
HOST_SYSENTER_EIP       equ 0x6C12
HOST_RSP                equ 0x6C14
HOST_RIP                equ 0x6C16

REASON_CPUID            equ 10
REASON_HLT              equ 12
REASON_VMCALL           equ 18
HLT_EXITING             equ 0x80
EXIT_64_BIT_HOST        equ 0x200
ENTRY_64_BIT_GUEST      equ 0x200

start:
        cli
        mov     rsp, HOST_STACK

; Own descriptor table: the host's task register must hold a task-state segment.
        lgdt    [gdt_register]
        mov     eax, DATA_SELECTOR
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        push    CODE_SELECTOR
        mov     rax, reload_cs
        push    rax
        retfq
reload_cs:
        mov     eax, TSS_SELECTOR
        ltr     ax

; VMX operation
        mov     rax, cr4
        or      rax, CR4_VMXE
        mov     cr4, rax
        mov     rax, cr0
        or      rax, CR0_NE
        mov     cr0, rax
        mov     ecx, IA32_FEATURE_CONTROL
        rdmsr
        test    eax, 1
        jnz     locked
        or      eax, FEATURE_LOCK_VMXON
        wrmsr
locked:
        mov     ecx, IA32_VMX_BASIC
        rdmsr
        and     eax, 0x7FFFFFFF
        mov     [VMXON_REGION], eax
        mov     [VMCS_REGION], eax
        vmxon   [vmxon_pointer]
        jbe     failed
        vmclear [vmcs_pointer]
        jbe     failed
        vmptrld [vmcs_pointer]
        jbe     failed

; Controls: what the capability MSRs demand, and 64-bit on both sides.
        mov     ecx, IA32_VMX_TRUE_PINBASED
        xor     ebx, ebx
        mov     edx, PIN_CONTROLS
        call    write_control
        mov     ecx, IA32_VMX_TRUE_PROCBASED
        mov     ebx, HLT_EXITING
        mov     edx, PRIMARY_CONTROLS
        call    write_control
        mov     ecx, IA32_VMX_TRUE_EXIT
        mov     ebx, EXIT_64_BIT_HOST
        mov     edx, EXIT_CONTROLS
        call    write_control
        mov     ecx, IA32_VMX_TRUE_ENTRY
        mov     ebx, ENTRY_64_BIT_GUEST
        mov     edx, ENTRY_CONTROLS
        call    write_control

; Fields with constant values, from the table.
        mov     rsi, constants
        mov     ecx, (constants_end - constants) / 16
next_constant:
        mov     rdx, [rsi]
        mov     rax, [rsi + 8]
        vmwrite rdx, rax
        jbe     failed
        add     rsi, 16
        dec     ecx
        jnz     next_constant

; Fields that mirror this processor.
        mov     rax, cr0
        mov     edx, GUEST_CR0
        vmwrite rdx, rax
        mov     edx, HOST_CR0
        vmwrite rdx, rax
        mov     rax, cr3
        mov     edx, GUEST_CR3
        vmwrite rdx, rax
        mov     edx, HOST_CR3
        vmwrite rdx, rax
        mov     rax, cr4
        mov     edx, GUEST_CR4
        vmwrite rdx, rax
        mov     edx, HOST_CR4
        vmwrite rdx, rax

%ifdef BROKEN
        mov     edx, HOST_CR4           ; without CR4.VMXE
        mov     rax, 0x20
        vmwrite rdx, rax
        mov     edx, GUEST_RFLAGS       ; bit 1 clear
        xor     eax, eax
        vmwrite rdx, rax
        mov     edx, GUEST_CS_RIGHTS    ; not present
        mov     eax, 0xA01B
        vmwrite rdx, rax
%endif
%ifdef INJECT
        mov     rax, guest_interrupt    ; interrupt gates for vectors 13 and 30H
        mov     rbx, guest_idt + 13 * 16
        call    write_gate
        mov     rbx, guest_idt + 0x30 * 16
        call    write_gate
        mov     rax, guest_idt
        mov     edx, GUEST_IDTR_BASE
        vmwrite rdx, rax
        mov     eax, 0x31 * 16 - 1
        mov     edx, GUEST_IDTR_LIMIT
        vmwrite rdx, rax
        mov     eax, 0x202              ; interrupts enabled
        mov     edx, GUEST_RFLAGS
        vmwrite rdx, rax
%endif
launch:
        vmlaunch
failed:
        mov     al, 1
        out     PORT_EXIT, al
        hlt

; ECX capability MSR, EBX wanted bits, EDX field
write_control:
        push    rdx
        rdmsr
        or      eax, ebx        ; must be 1
        and     eax, edx        ; may be 1
        pop     rdx
        vmwrite rdx, rax
        ret

; RAX handler, RBX gate
write_gate:
        mov     [rbx], ax
        mov     word [rbx + 2], CODE_SELECTOR
        mov     word [rbx + 4], 0x8E00
        mov     rcx, rax
        shr     rcx, 16
        mov     [rbx + 6], cx
        shr     rcx, 16
        mov     [rbx + 8], ecx
        ret

; AL character to COM1
print:
        push    rdx
        mov     edx, COM1
        out     dx, al
        pop     rdx
        ret

; Every VM exit arrives here with the guest's general registers.
exit_handler:
        push    rax
        push    rdx
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, REASON_CPUID
        je      on_cpuid
        cmp     eax, REASON_VMCALL
        je      on_vmcall
        cmp     eax, REASON_HLT
        je      on_hlt
        mov     al, 2
        out     PORT_EXIT, al
        hlt
on_cpuid:
        mov     al, 'c'
        call    print
%ifdef INJECT
        mov     eax, INJECT
        mov     edx, ENTRY_INTERRUPTION
        vmwrite rdx, rax
%endif
        jmp     next_instruction
on_vmcall:
        mov     al, 'v'
        call    print
        jmp     next_instruction
on_hlt:
        mov     al, 10
        call    print
        mov     al, 1
        out     PORT_EXIT, al
        hlt
next_instruction:
        mov     edx, EXIT_LENGTH
        vmread  rax, rdx
        push    rbx
        mov     rbx, rax
        mov     edx, GUEST_RIP
        vmread  rax, rdx
        add     rax, rbx
        vmwrite rdx, rax
        pop     rbx
        pop     rdx
        pop     rax
        vmresume
        jmp     failed

guest:
        mov     eax, 1
        cpuid
        mov     ebx, 7
        mov     eax, 0x40000000
        cpuid
        call    guest_function
        hlt
guest_function:
        mov     eax, 5
        vmcall
        ret

guest_interrupt:
        nop
        iretq

        align   16
guest_idt:
        times 0x31 * 2 dq 0

        align   8
vmxon_pointer:  dq VMXON_REGION
vmcs_pointer:   dq VMCS_REGION

gdt:
        dq      0
        dq      0x00AF9B000000FFFF      ; 64-bit code
        dq      0x00CF93000000FFFF      ; data
        dq      0x0000890000000067      ; available 64-bit TSS at 0 (never used to switch stacks)
        dq      0
gdt_end:
gdt_register:
        dw      gdt_end - gdt - 1
        dq      gdt

        align   8
constants:
        dq GUEST_ES_SELECTOR, DATA_SELECTOR
        dq GUEST_CS_SELECTOR, CODE_SELECTOR
        dq GUEST_SS_SELECTOR, DATA_SELECTOR
        dq GUEST_DS_SELECTOR, DATA_SELECTOR
        dq GUEST_FS_SELECTOR, 0
        dq GUEST_GS_SELECTOR, 0
        dq GUEST_LDTR_SELECTOR, 0
        dq GUEST_TR_SELECTOR, TSS_SELECTOR
        dq HOST_ES_SELECTOR, DATA_SELECTOR
        dq HOST_CS_SELECTOR, CODE_SELECTOR
        dq HOST_SS_SELECTOR, DATA_SELECTOR
        dq HOST_DS_SELECTOR, DATA_SELECTOR
        dq HOST_FS_SELECTOR, 0
        dq HOST_GS_SELECTOR, 0
        dq HOST_TR_SELECTOR, TSS_SELECTOR
        dq VMCS_LINK_POINTER, -1
        dq GUEST_DEBUGCTL, 0
        dq EXCEPTION_BITMAP, 0
        dq CR3_TARGET_COUNT, 0
        dq EXIT_MSR_STORE_COUNT, 0
        dq EXIT_MSR_LOAD_COUNT, 0
        dq ENTRY_MSR_LOAD_COUNT, 0
        dq ENTRY_INTERRUPTION, 0
        dq GUEST_ES_LIMIT, 0xFFFFFFFF
        dq GUEST_CS_LIMIT, 0xFFFFFFFF
        dq GUEST_SS_LIMIT, 0xFFFFFFFF
        dq GUEST_DS_LIMIT, 0xFFFFFFFF
        dq GUEST_FS_LIMIT, 0
        dq GUEST_GS_LIMIT, 0
        dq GUEST_LDTR_LIMIT, 0
        dq GUEST_TR_LIMIT, 0x67
        dq GUEST_GDTR_LIMIT, gdt_end - gdt - 1
        dq GUEST_IDTR_LIMIT, 0
        dq GUEST_ES_RIGHTS, 0xC093
        dq GUEST_CS_RIGHTS, 0xA09B
        dq GUEST_SS_RIGHTS, 0xC093
        dq GUEST_DS_RIGHTS, 0xC093
        dq GUEST_FS_RIGHTS, 0x10000
        dq GUEST_GS_RIGHTS, 0x10000
        dq GUEST_LDTR_RIGHTS, 0x10000
        dq GUEST_TR_RIGHTS, 0x8B
        dq GUEST_INTERRUPTIBILITY, 0
        dq GUEST_ACTIVITY, 0
        dq GUEST_SYSENTER_CS, 0
        dq HOST_SYSENTER_CS, 0
        dq CR0_MASK, 0
        dq CR4_MASK, 0
        dq GUEST_ES_BASE, 0
        dq GUEST_CS_BASE, 0
        dq GUEST_SS_BASE, 0
        dq GUEST_DS_BASE, 0
        dq GUEST_FS_BASE, 0
        dq GUEST_GS_BASE, 0
        dq GUEST_LDTR_BASE, 0
        dq GUEST_TR_BASE, 0
        dq GUEST_GDTR_BASE, gdt
        dq GUEST_IDTR_BASE, 0
        dq GUEST_DR7, 0x400
        dq GUEST_RSP, GUEST_STACK
        dq GUEST_RIP, guest
        dq GUEST_RFLAGS, 2
        dq GUEST_PENDING_DEBUG, 0
        dq GUEST_SYSENTER_ESP, 0
        dq GUEST_SYSENTER_EIP, 0
        dq HOST_FS_BASE, 0
        dq HOST_GS_BASE, 0
        dq HOST_TR_BASE, 0
        dq HOST_GDTR_BASE, gdt
        dq HOST_IDTR_BASE, 0
        dq HOST_SYSENTER_ESP, 0
        dq HOST_SYSENTER_EIP, 0
        dq HOST_RSP, HOST_STACK
        dq HOST_RIP, exit_handler
constants_end:
