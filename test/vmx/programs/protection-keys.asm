; Load IA32_PKRS on VM entry and VM exit, the save on VM exit, and what the keys do (SDM "Protection Keys").
%include "hypervisor.inc"

PKRS    equ 0x6E1
PAGES   equ SCRATCH             ; page tables of the guest: one page with key 1 at 512 GiB
LINEAR  equ 1 << 39

%macro write_pkrs 1
        mov     ecx, PKRS
        mov     eax, %1
        xor     edx, edx
        wrmsr
%endmacro
%macro pkrs_is 1
        mov     ecx, PKRS
        rdmsr
        expect  rax, %1
%endmacro

test:
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        write_pkrs 0x11
        ; Neither loaded: the guest keeps the host's value and the host the guest's; the field is saved
        mov     qword [guest_rcx], PKRS
        mov     qword [guest_rax], 0x22
        mov     qword [guest_rdx], 0
        guest_at writes
        run_until REASON_CPUID
        expect_field GUEST_PKRS, 0x22
        pkrs_is 0x22
        ; Loaded on both sides
        vmset   ENTRY_CONTROLS, 1 << 22
        vmset   EXIT_CONTROLS, 1 << 29
        vmw     GUEST_PKRS, 0x44
        vmw     HOST_PKRS, 0x88
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rax], 0x44
        expect_field GUEST_PKRS, 0x44
        pkrs_is 0x88
        ; Bits 63:32 must be 0
        mov     rax, 1 << 32
        vmw     HOST_PKRS, rax
        run_fails 8
        vmw     HOST_PKRS, 0
        vmw     GUEST_PKRS, rax
        mov     rax, 1 << 32
        vmw     GUEST_PKRS, rax
        call    run_guest
        expect  rax, 0x80000021
        vmw     GUEST_PKRS, 0

        ; A supervisor page with key 1: readable or not as PKRS says, when CR4.PKS is set
        mov     rsi, cr3
        mov     rdi, PAGES
        mov     ecx, 512
        rep movsq
        mov     qword [PAGES + 8], PAGES + 0x1000 + 3
        mov     rax, 1 << 59 | 1 << 7 | 3               ; 1-GByte page at 0, key 1
        mov     [PAGES + 0x1000], rax
        vmw     GUEST_CR3, PAGES
        mov     rax, LINEAR + SCRATCH + 0x8000
        mov     [guest_rbx], rax
        vmw     EXCEPTION_BITMAP, 1 << 14
        vmw     GUEST_PKRS, 1 << 2                      ; access disable
        guest_at touch
        run_until REASON_CPUID                          ; CR4.PKS is clear
        vmw     GUEST_CR4, 0x2020 | 1 << 24
        guest_at touch
        run_until REASON_EXCEPTION, LINEAR + SCRATCH + 0x8000, 0
        expect_field EXIT_INTERRUPTION_ERROR, 0x21
        vmw     GUEST_PKRS, 1 << 3                      ; write disable
        guest_at touch
        run_until REASON_CPUID
        guest_at store
        run_until REASON_CPUID                          ; CR0.WP is clear
        vmw     GUEST_CR0, 0x80010031
        guest_at store
        run_until REASON_EXCEPTION
        expect_field EXIT_INTERRUPTION_ERROR, 0x23
        ; The guest opens it itself
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        mov     qword [guest_rcx], PKRS
        mov     qword [guest_rax], 0
        guest_at opens
        run_until REASON_CPUID
        pass

guest:
writes: wrmsr
        cpuid
reads:  rdmsr
        cpuid
touch:  mov     rax, [rbx]
        cpuid
store:  mov     [rbx], rcx
        cpuid
opens:  wrmsr
        mov     [rbx], rcx
        cpuid
