; "Virtualize APIC accesses": what exits with which qualification, and what "use TPR shadow" virtualizes
; (SDM "Virtualizing Memory-Mapped APIC Accesses").
%include "hypervisor.inc"

PAGE            equ 0xFEE00000          ; the guest's APIC-access page, where the host has its local APIC
VAPIC           equ SCRATCH
RAM_PAGE        equ SCRATCH + 0x1000    ; the same in RAM, later

; access_exits label, offset, type, instruction length
%macro access_exits 4
        guest_at %1
        run_until REASON_APIC_ACCESS, %2 | %3 << 12, %4
        expect_field GUEST_RIP, %1
        expect_field IDT_VECTORING, 0
%endmacro

READ    equ 0
WRITE   equ 1
FETCH   equ 2
EVENT   equ 3

test:
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmset   SECONDARY_CONTROLS, CPU2_APIC_ACCESSES
        vmw     APIC_ACCESS_ADDR, PAGE
        vmw     VIRTUAL_APIC_ADDR, VAPIC
        mov     eax, PAGE
        mov     [guest_rbx], rax

        ; Without TPR shadow everything exits
        access_exits read_tpr, 0x80, READ, 6
        access_exits read_id, 0x20, READ, 3
        access_exits write_tpr, 0x80, WRITE, 6
        access_exits modify_tpr, 0x80, WRITE, 7
        access_exits byte_read, 0xFFF, READ, 6
        access_exits wide_read, 0x80, READ, 7
        mov     eax, PAGE + 0x300
        mov     [guest_rdi], rax
        access_exits string, 0x300, WRITE, 1
        mov     qword [guest_rdi], SCRATCH
        mov     eax, PAGE + 0x20
        mov     [guest_rsi], rax
        access_exits copy, 0x20, READ, 1
        guest_at PAGE + 0x10
        run_until REASON_APIC_ACCESS, 0x10 | FETCH << 12, 0
        expect_field GUEST_RIP, PAGE + 0x10

        ; An event delivered on a stack in the page
        vmw     GUEST_RSP, PAGE + 0x100
        guest_at software
        run_until REASON_APIC_ACCESS
        expect_masked EXIT_QUALIFICATION, 0xF000, EVENT << 12
        expect_field IDT_VECTORING, 1 << 31 | 4 << 8 | 0x30
        expect_field EXIT_LENGTH, 2
        expect_field GUEST_RIP, software
        vmw     GUEST_RSP, GUEST_STACK_TOP

        ; A page fault comes first; accesses of the host to the same address are its own
        mov     edx, PAGE
        mov     eax, [rdx + 0x30]
        and     eax, 0xFF
        expect  rax, 0x14

        ; With TPR shadow the task priority is virtualized, in its low 4 bytes
        vmset   PRIMARY_CONTROLS, CPU_TPR_SHADOW
        mov     dword [VAPIC + 0x80], 0x11223344
        guest_at read_tpr
        run_until REASON_CPUID
        expect  [guest_rax], 0x11223344
        access_exits wide_read, 0x80, READ, 7
        access_exits read_id, 0x20, READ, 3
        access_exits write_eoi, 0xB0, WRITE, 6
        access_exits read_in_word, 0x82, READ, 7
        access_exits misaligned, 0x84, READ, 6
        mov     dword [guest_rcx], 0xAABBCC75
        guest_at write_tpr
        run_until REASON_CPUID
        mov     eax, [VAPIC + 0x80]             ; bytes 3:1 are cleared
        expect  rax, 0x75
        guest_at modify_tpr
        run_until REASON_CPUID
        mov     eax, [VAPIC + 0x80]
        expect  rax, 0x77
        ; Below the threshold: after the instruction
        vmw     TPR_THRESHOLD, 7
        guest_at lower_tpr
        run_until REASON_TPR_BELOW, 0, 0
        expect_field GUEST_RIP, lower_tpr.after
        mov     eax, [VAPIC + 0x80]
        expect  rax, 0x60
        ; Still below: with this control the VM entry succeeds and exits at once, even before an event, not before an injected one
        run_until REASON_TPR_BELOW, 0, 0
        expect_field GUEST_RIP, lower_tpr.after
        vmw     GUEST_RFLAGS, 0x202
        vmw     ENTRY_INTERRUPTION, 1 << 31 | 0x40
        run_until REASON_TPR_BELOW, 0, 0
        lea     rax, [guest_stubs + 0x40 * 16]
        expect_field GUEST_RIP, rax
        vmw     GUEST_ACTIVITY, 1               ; it wakes a processor that halts
        run_until REASON_TPR_BELOW
        expect_field GUEST_ACTIVITY, 1
        vmw     GUEST_ACTIVITY, 0
        vmw     TPR_THRESHOLD, 0

        ; The page in RAM, behind a TLB entry from before
        vmclr   SECONDARY_CONTROLS, CPU2_APIC_ACCESSES
        vmset   SECONDARY_CONTROLS, CPU2_VPID
        vmw     VPID, 1
        mov     qword [guest_rbx], RAM_PAGE
        mov     dword [RAM_PAGE + 0x80], 0x99
        mov     dword [RAM_PAGE + 0x20], 0x77
        guest_at read_tpr
        run_until REASON_CPUID
        expect  [guest_rax], 0x99
        vmset   SECONDARY_CONTROLS, CPU2_APIC_ACCESSES
        vmw     APIC_ACCESS_ADDR, RAM_PAGE
        guest_at read_tpr
        run_until REASON_CPUID
        expect  [guest_rax], 0x60
        access_exits read_id, 0x20, READ, 3
        mov     eax, [RAM_PAGE + 0x20]
        expect  rax, 0x77

        ; With EPT the page is a host-physical one; a paging structure of the guest on it is a guest-physical access
        call    enable_ept
        access_exits read_id, 0x20, READ, 3
        mov     rdi, RAM_PAGE
        xor     eax, eax
        mov     ecx, 512
        rep stosq
        vmw     GUEST_CR3, RAM_PAGE
        guest_at read_id
        run_until REASON_APIC_ACCESS
        expect_masked EXIT_QUALIFICATION, 0xF000, 15 << 12
        pass

guest:
read_id:
        mov     eax, [rbx + 0x20]
        cpuid
write_eoi:
        mov     [rbx + 0xB0], eax
        cpuid
read_tpr:
        mov     eax, [rbx + 0x80]
        cpuid
write_tpr:
        mov     [rbx + 0x80], ecx
        cpuid
modify_tpr:
        or      dword [rbx + 0x80], byte 2
        cpuid
byte_read:
        mov     al, [rbx + 0xFFF]
        cpuid
wide_read:
        mov     rax, [rbx + 0x80]
        cpuid
read_in_word:
        movzx   eax, word [rbx + 0x82]
        cpuid
misaligned:
        mov     eax, [rbx + 0x84]
        cpuid
string: stosb
        cpuid
copy:   movsb
        cpuid
software:
        int     0x30
lower_tpr:
        mov     dword [rbx + 0x80], 0x60
.after: cpuid
