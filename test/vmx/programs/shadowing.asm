; VMCS shadowing: VMREAD and VMWRITE of a guest reach the shadow VMCS that the link pointer names, as the bitmaps allow.
%include "hypervisor.inc"

SHADOW          equ SCRATCH
READ_BITMAP     equ SCRATCH + 0x1000
WRITE_BITMAP    equ SCRATCH + 0x2000

; The guest's flags after the access: CF in bit 0, ZF in bit 6
%macro expect_flags 1
        mov     rax, [guest_rdx]
        and     eax, 0x41
        expect  rax, %1
%endmacro

test:
        ; A shadow VMCS: bit 31 of the revision
        mov     eax, [revision]
        or      eax, 1 << 31
        mov     [SHADOW], eax
        mov     qword [pointer], SHADOW
        vmclear [pointer]
        succeeds
        vmptrld [pointer]
        succeeds
        vmw     GUEST_RIP, 0x1234
        vmw     EXIT_REASON, 0x55               ; IA32_VMX_MISC[29]: VMWRITE can write any field
        vmlaunch                                ; a shadow VMCS is never entered
        fails_invalid
        vmptrld [vmcs_pointer]
        succeeds
        ; The VMXON region must not be one
        vmset   PRIMARY_CONTROLS, CPU_SECONDARY
        vmw     VMCS_LINK_POINTER, SHADOW
        call    run_guest                       ; without the control its bit 31 must be 0
        expect  rax, 0x80000021
        expect_field EXIT_QUALIFICATION, 4
        vmset   SECONDARY_CONTROLS, CPU2_SHADOWING
        vmw     VMREAD_BITMAP, READ_BITMAP
        vmw     VMWRITE_BITMAP, WRITE_BITMAP
        mov     dword [SHADOW], 0x12345
        call    run_guest
        expect  rax, 0x80000021
        expect_field EXIT_QUALIFICATION, 4
        mov     eax, [revision]
        or      eax, 1 << 31
        mov     [SHADOW], eax
        vmw     VMCS_LINK_POINTER, VMCS_REGION  ; the current VMCS itself
        call    run_guest
        expect  rax, 0x80000021
        expect_field EXIT_QUALIFICATION, 4
        vmw     VMCS_LINK_POINTER, SHADOW

        ; Bits clear: no exit
        mov     qword [guest_rcx], GUEST_RIP
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rbx], 0x1234
        expect_flags 0
        mov     qword [guest_rbx], 0x7777
        guest_at writes
        run_until REASON_CPUID
        expect_flags 0
        expect_field GUEST_RIP, writes.after    ; the guest's own VMCS has another RIP
        ; Memory operands
        mov     qword [guest_rsi], SCRATCH + 0x3000
        guest_at reads_memory
        run_until REASON_CPUID
        expect  [SCRATCH + 0x3000], 0x7777
        ; Errors go to the guest and the shadow VMCS
        mov     qword [guest_rcx], 0x6C20
        guest_at reads
        run_until REASON_CPUID
        expect_flags 0x40
        mov     qword [guest_rcx], VM_INSTRUCTION_ERROR
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rbx], 12
        ; A bit of the bitmap: it exits; the other bitmap does not matter
        bts     dword [READ_BITMAP + GUEST_RIP / 8 / 4 * 4], GUEST_RIP % 32
        mov     qword [guest_rcx], GUEST_RIP
        guest_at reads
        run_until REASON_VMREAD, 0, 3
        expect_field EXIT_INSTRUCTION_INFO, 1 << 10 | 3 << 3 | 1 << 28
        mov     qword [guest_rbx], 0x8888
        guest_at writes
        run_until REASON_CPUID
        bts     dword [WRITE_BITMAP + GUEST_RIP / 8 / 4 * 4], GUEST_RIP % 32
        guest_at writes
        run_until REASON_VMWRITE, 0, 3
        ; Encodings beyond 15 bits always exit
        mov     qword [guest_rcx], 0x8000
        guest_at reads
        run_until REASON_VMREAD
        mov     rax, 1 << 32
        mov     [guest_rcx], rax
        guest_at reads
        run_until REASON_VMREAD
        ; Without a link pointer the access fails in the guest
        vmw     VMCS_LINK_POINTER, -1
        mov     qword [guest_rcx], GUEST_RSP
        guest_at reads
        run_until REASON_CPUID
        expect_flags 1
        ; The other instructions exit as ever
        guest_at others
        run_until REASON_VMPTRLD
        ; What the guest wrote is in the shadow VMCS
        vmptrld [pointer]
        succeeds
        expect_field GUEST_RIP, 0x8888
        expect_field EXIT_REASON, 0x55
        ; VMCLEAR, then an ordinary VMCS again
        vmclear [pointer]
        succeeds
        mov     eax, [revision]
        mov     [SHADOW], eax
        vmptrld [pointer]
        succeeds
        pass

guest:
reads:  vmread  rbx, rcx
        pushfq
        pop     rdx
        cpuid
writes: vmwrite rcx, rbx
        pushfq
        pop     rdx
.after: cpuid
reads_memory:
        vmread  [rsi], rcx
        cpuid
others: vmptrld [rsi]

        align   8
pointer: dq     0
