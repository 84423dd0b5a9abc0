; ept: memory of a guest that appears when it is touched. The guest runs behind extended page tables (EPT), which give it
; the first 2 MiB of memory and nothing more. It writes to 4 MiB: a VM exit for an EPT violation. The hypervisor reads
; from the VMCS what happened and where, puts a page of its own there, and resumes; the same instruction runs again, and
; now it succeeds.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../include/vmx.inc"
%include "../include/console.inc"
%include "../include/hypervisor.inc"

MiB                     equ 1 << 20

TOUCHED                 equ 4 * MiB + 0x128     ; guest-physical, and guest-linear: the guest's paging is the identity
BACKING                 equ 6 * MiB             ; the host-physical page that the guest gets there
PATTERN                 equ 0x0123456789ABCDEF

; Bits of an EPT entry
EPT_READ                equ 1 << 0
EPT_WRITE               equ 1 << 1
EPT_EXECUTE             equ 1 << 2
EPT_ALL                 equ EPT_READ | EPT_WRITE | EPT_EXECUTE
EPT_WRITE_BACK          equ 6 << 3              ; memory type, only in entries that map a page
EPT_LARGE               equ 1 << 7              ; the entry maps a page, not a table

; Bits of the EPT pointer
EPTP_WRITE_BACK         equ 6                   ; memory type of the tables themselves
EPTP_FOUR_LEVELS        equ 3 << 3              ; levels less one

; Bits of the exit qualification of an EPT violation
VIOLATION_READ          equ 1 << 0
VIOLATION_WRITE         equ 1 << 1
VIOLATION_FETCH         equ 1 << 2

start:
        call    vmx_on
        call    fill_vmcs
        call    fill_ept

; EPT is a secondary control, and secondary controls count only when a primary control turns them on.
        mov     ebx, PRIMARY_HLT_EXITING | PRIMARY_ACTIVATE_SECONDARY_CONTROLS
        mov     ecx, IA32_VMX_PROCBASED_CTLS
        mov     r8d, IA32_VMX_TRUE_PROCBASED_CTLS
        call    allowed_controls
        vmcs    PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, rax
        mov     ebx, SECONDARY_ENABLE_EPT
        mov     ecx, IA32_VMX_PROCBASED_CTLS2
        mov     r8d, ecx                        ; this one has no "true" variant
        call    allowed_controls
        test    eax, SECONDARY_ENABLE_EPT
        jz      no_vmx
        vmcs    SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, rax
        lea     rax, [ept_pml4]
        or      rax, EPTP_WRITE_BACK | EPTP_FOUR_LEVELS
        vmcs    EPT_POINTER, rax

        say     "ept: the guest has 2 MiB of memory", 13, 10
        vmlaunch
        jmp     vmx_failed

; Tables of four levels. One page of 2 MiB is mapped, where this program, its page tables and the guest are.
fill_ept:
        lea     rax, [ept_pdpt]
        or      rax, EPT_ALL
        mov     [ept_pml4], rax
        lea     rax, [ept_pd]
        or      rax, EPT_ALL
        mov     [ept_pdpt], rax
        mov     qword [ept_pd], 0 | EPT_ALL | EPT_WRITE_BACK | EPT_LARGE
        ret

; ---------------------------------------------------------------------------------------------------------------------
host_entry:
        save_guest
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_EPT_VIOLATION
        je      handle_ept_violation
        cmp     eax, EXIT_REASON_VMCALL
        je      handle_vmcall
        cmp     eax, EXIT_REASON_HLT
        je      handle_hlt
        say     "VM exit for a reason that nobody handles: "
        call    print_hex
        say     13, 10
        finish  1

handle_ept_violation:
        say     "VM exit: EPT violation, the guest "
        mov     edx, EXIT_QUALIFICATION
        vmread  rbx, rdx
        test    ebx, VIOLATION_WRITE
        jnz     .write
        test    ebx, VIOLATION_FETCH
        jnz     .fetch
        say     "reads"
        jmp     .where
.write:
        say     "writes"
        jmp     .where
.fetch:
        say     "fetches"
.where:
        say     " at guest-physical "
        mov     edx, GUEST_PHYSICAL_ADDRESS
        vmread  rax, rdx
        call    print_hex
        say     13, 10

; The entry of the page directory is absent: it gets a table, and the table gets the page.
        mov     rcx, rax
        shr     rax, 21
        and     eax, 511
        lea     rbx, [ept_pd]
        lea     rdx, [ept_pt]
        or      rdx, EPT_ALL
        mov     [rbx + rax * 8], rdx
        shr     rcx, 12
        and     ecx, 511
        lea     rbx, [ept_pt]
        mov     qword [rbx + rcx * 8], BACKING | EPT_ALL | EPT_WRITE_BACK
        say     "ept: host-physical "
        mov     eax, BACKING
        call    print_hex
        say     " is there now", 13, 10

; No INVEPT: the processor caches no translation that is absent, and the violation itself drops what it had for this
; address. RIP stays where it is, so the guest's instruction runs again.
        jmp     resume

handle_vmcall:
        say     "VM exit: VMCALL, the guest read back "
        mov     rax, [rsp + GUEST_RAX]
        call    print_hex
        say     13, 10
        call    skip_instruction
        jmp     resume

handle_hlt:
        mov     ebx, BACKING + (TOUCHED & 0xFFF)
        say     "ept: host-physical "
        mov     rax, rbx
        call    print_hex
        say     " holds "
        mov     rax, [rbx]
        call    print_hex
        say     13, 10
        mov     rcx, PATTERN
        cmp     rax, rcx
        jne     .wrong
        finish  0
.wrong:
        finish  1

resume:
        restore_guest
        vmresume
        jmp     vmx_failed

; ---------------------------------------------------------------------------------------------------------------------
guest_entry:
        mov     rbx, TOUCHED
        mov     rax, PATTERN
        mov     [rbx], rax                      ; EPT violation
        xor     eax, eax
        mov     rax, [rbx]
        vmcall
        hlt
        jmp     $

section .bss

                        alignb 4096
ept_pml4:               resb 4096
ept_pdpt:               resb 4096
ept_pd:                 resb 4096
ept_pt:                 resb 4096
                        resb 4096
host_stack:
                        resb 4096
guest_stack:
