; "Mode-based execute control for EPT": bit 2 of an entry is for supervisor-mode addresses, bit 10 for user-mode ones; and
; the advanced information of EPT violations (exit qualification bits 9 to 11).
%include "hypervisor.inc"

PAGE    equ 0x1000000           ; guest-physical page with code
GPML4   equ SCRATCH             ; the guest's own paging: a supervisor and a user view of PAGE
GPDPT   equ SCRATCH + 0x1000
GPD     equ SCRATCH + 0x2000
GPT     equ SCRATCH + 0x3000
KERNEL  equ 0x4000000000 + 0    ; 256 GiB: page 0 supervisor, page 1 user, page 2 user and execute-disable
ENTRY   equ EPT_TABLES + 0x3000

; page_is bits: EPT permissions of PAGE
%macro page_is 1
        mov     qword [ENTRY], PAGE | 6 << 3 | %1
%endmacro
; at linear page: the guest fetches from there
%macro fetch 1
        mov     rax, KERNEL + %1 * 0x1000
        guest_at rax
        call    run_guest
%endmacro
%macro violates 1
        expect  rax, REASON_EPT_VIOLATION
        expect_field EXIT_QUALIFICATION, %1
        expect_field GUEST_PHYSICAL_ADDR, PAGE
%endmacro
LINEAR  equ 1 << 7 | 1 << 8
USER    equ 1 << 9
WRITE   equ 1 << 10
XD      equ 1 << 11

test:
        call    enable_ept
        call    split_16m
        mov     word [PAGE], 0xA20F             ; CPUID
        ; The guest's tables: those of the host, and three pages more
        mov     rsi, cr3
        mov     rdi, GPML4
        mov     ecx, 512
        rep movsq
        mov     qword [GPML4], GPDPT | 7
        mov     rax, [abs qword 0x70000]
        and     rax, ~0xFFF
        mov     rsi, rax
        mov     rdi, GPDPT
        mov     ecx, 512
        rep movsq
        mov     qword [GPDPT + 256 * 8], GPD | 7
        mov     qword [GPD], GPT | 7
        mov     qword [GPT], PAGE | 3           ; supervisor, writable
        mov     qword [GPT + 8], PAGE | 5       ; user, read-only
        mov     rax, PAGE | 7 | 1 << 63         ; user, execute-disable
        mov     [GPT + 16], rax
        vmw     GUEST_CR3, GPML4
        mov     ecx, 0xC0000080
        rdmsr
        or      eax, 1 << 11                    ; NXE
        wrmsr
        mov     rax, cr4                        ; the supervisor may fetch from user pages
        vmw     GUEST_CR4, rax

        ; Without the control bit 2 is for all
        page_is 5
        fetch   0
        expect  rax, REASON_CPUID
        page_is 1
        fetch   0
        violates 4 | 1 << 3 | LINEAR | WRITE
        fetch   1
        violates 4 | 1 << 3 | LINEAR | USER

        vmset   SECONDARY_CONTROLS, CPU2_MODE_BASED
        bts     qword [EPT_TABLES], 10          ; the permission must be in every entry
        bts     qword [EPT_TABLES + 0x1000], 10
        bts     qword [EPT_TABLES + 0x2000 + 8 * 8], 10
        page_is 5                               ; supervisor execution only
        fetch   0
        expect  rax, REASON_CPUID
        fetch   1
        violates 4 | 5 << 3 | LINEAR | USER
        page_is 1 | 1 << 10                     ; user execution only
        fetch   1
        expect  rax, REASON_CPUID
        fetch   0
        violates 4 | 1 << 3 | 1 << 6 | LINEAR | WRITE
        ; Bit 10 alone makes the entry present: reads are not allowed by it
        page_is 1 << 10
        fetch   1
        expect  rax, REASON_CPUID
        ; A data access to an execute-disable user page
        page_is 1
        mov     rax, KERNEL + 0x2000
        mov     [guest_rbx], rax
        page_is 4 | 1 << 10
        guest_at touch
        call    run_guest
        violates 1 | 4 << 3 | 1 << 6 | LINEAR | USER | WRITE | XD
        pass

guest:
touch:  mov     rax, [rbx]
        cpuid
