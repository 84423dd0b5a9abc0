; EPT: violations by access, misconfigurations, accessed and dirty flags (SDM "Exit Qualification for EPT Violations").
%include "hypervisor.inc"

PAGE            equ 0x1000000           ; 16 MiB, mapped by a page table of its own
PTE             equ EPT_TABLES + 0x3000
READ            equ 1
WRITE           equ 2
FETCH           equ 4
ALLOWED_R       equ 1 << 3
ALLOWED_W       equ 1 << 4
ALLOWED_X       equ 1 << 5
LINEAR          equ 1 << 7
FINAL           equ 1 << 8
ADVANCED        equ 7 << 9              ; bits 11:9 are for mode-based-execute.asm

%macro flush_ept 0
        mov     eax, 2
        invept  rax, [zeros]
        succeeds
%endmacro

test:
        call    enable_ept
        call    split_16m
        mov     rax, 0x1122334455667788
        mov     [PAGE], rax
        run_until REASON_CPUID
        mov     rax, 0x1122334455667788
        expect  [guest_rbx], rax

        ; Not present
        mov     qword [PTE], 0
        flush_ept
        guest_at reads
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~ADVANCED, READ | LINEAR | FINAL
        expect_field GUEST_PHYSICAL_ADDR, PAGE + 0x10
        expect_field GUEST_LINEAR_ADDR, PAGE + 0x10
        expect_field GUEST_RIP, reads.access
        expect_field IDT_VECTORING, 0
        guest_at writes
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~(READ | ADVANCED), WRITE | LINEAR | FINAL
        guest_at jumps
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~ADVANCED, FETCH | LINEAR | FINAL
        expect_field GUEST_RIP, PAGE + 0x40
        ; Mapped elsewhere by the handler, the access goes on there
        mov     qword [PTE], SCRATCH | 7 | 6 << 3
        mov     qword [SCRATCH + 0x10], 0x4242
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rbx], 0x4242

        ; Read-only, execute-only
        mov     qword [PTE], PAGE | 1 | 6 << 3
        flush_ept
        guest_at reads
        run_until REASON_CPUID
        guest_at writes
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~(READ | ADVANCED), WRITE | ALLOWED_R | LINEAR | FINAL
        guest_at jumps
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~ADVANCED, FETCH | ALLOWED_R | LINEAR | FINAL
        mov     qword [PTE], PAGE | 4 | 6 << 3
        mov     word [PAGE + 0x40], 0xA20F      ; CPUID
        flush_ept
        guest_at jumps
        run_until REASON_CPUID
        expect_field GUEST_RIP, PAGE + 0x40
        guest_at reads
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~ADVANCED, READ | ALLOWED_X | LINEAR | FINAL
        ; Rights are the AND over the walk: write taken away in the directory
        mov     qword [PTE], PAGE | 7 | 6 << 3
        mov     qword [EPT_TABLES + 0x2000 + 8 * 8], PTE | 5
        flush_ept
        guest_at writes
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, ~(READ | ADVANCED), WRITE | ALLOWED_R | ALLOWED_X | LINEAR | FINAL
        mov     qword [EPT_TABLES + 0x2000 + 8 * 8], PTE | 7

        ; Misconfigurations: write without read; memory type 2; reserved bit in a large page
        mov     qword [PTE], PAGE | 2 | 6 << 3
        flush_ept
        guest_at reads
        run_until REASON_EPT_MISCONFIG
        expect_field GUEST_PHYSICAL_ADDR, PAGE + 0x10
        mov     qword [PTE], PAGE | 7 | 2 << 3
        flush_ept
        run_until REASON_EPT_MISCONFIG
        mov     qword [PTE], PAGE | 7 | 6 << 3
        mov     rax, [EPT_TABLES + 0x2000 + 8 * 8]
        or      eax, 1 << 4                     ; reserved in an entry that points to a table
        mov     [EPT_TABLES + 0x2000 + 8 * 8], rax
        flush_ept
        run_until REASON_EPT_MISCONFIG
        mov     qword [EPT_TABLES + 0x2000 + 8 * 8], PTE | 7
        flush_ept

        ; The guest's paging structures in a page without rights: bit 7 set, bit 8 clear
        mov     rax, PAGE + 0x1000
        mov     rcx, cr3
        mov     rdx, [rcx]
        mov     [rax], rdx                      ; a copy of the PML4 entry
        vmw     GUEST_CR3, rax
        mov     qword [PTE + 8], 0
        flush_ept
        guest_at reads
        run_until REASON_EPT_VIOLATION
        expect_masked EXIT_QUALIFICATION, LINEAR | FINAL | ALLOWED_R | ALLOWED_W, LINEAR
        expect_field GUEST_PHYSICAL_ADDR, PAGE + 0x1000
        expect_field GUEST_LINEAR_ADDR, reads
        mov     rax, cr3
        vmw     GUEST_CR3, rax
        mov     qword [PTE + 8], (PAGE + 0x1000) | 7 | 6 << 3

        ; Accessed and dirty flags
        vmw     EPT_POINTER, EPT_TABLES | 6 | 3 << 3 | 1 << 6
        flush_ept
        guest_at reads
        run_until REASON_CPUID
        expect  [PTE], PAGE | 7 | 6 << 3 | 1 << 8
        guest_at writes
        run_until REASON_CPUID
        expect  [PTE], PAGE | 7 | 6 << 3 | 3 << 8
        expect  [PTE + 16], (PAGE + 0x2000) | 7 | 6 << 3        ; not touched
        pass

guest:
        mov     rbx, [PAGE]
        cpuid
reads:  mov     eax, PAGE + 0x10
.access:
        mov     rbx, [rax]
        cpuid
writes: mov     eax, PAGE + 0x20
        mov     [rax], rbx
        cpuid
jumps:  mov     eax, PAGE + 0x40
        jmp     rax

        align   16
zeros:  dq      0, 0
