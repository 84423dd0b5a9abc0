; Lab 9: count the exits of a guest, and lower them. README.md says what to do; complete what is marked TODO.

        bits    64
        default rel
        org     0x100000

        jmp     start

%include "../../include/vmx.inc"
%include "../../include/console.inc"
%include "../../include/hypervisor.inc"

DEVICE                  equ 0x500       ; the one port that the hypervisor emulates
DELAY                   equ 0x80        ; a port that does nothing
ROUNDS                  equ 100

start:
        call    vmx_on
        call    fill_vmcs
        mov     ebx, PRIMARY_HLT_EXITING | PRIMARY_UNCONDITIONAL_I_O_EXITING
        call    primary_controls
; TODO 1. Of all ports only DEVICE needs an exit: set its bit in io_bitmap (ports
;      0 to 7FFFH in the first 4 KiB), write both bitmap addresses, and use
;      PRIMARY_USE_I_O_BITMAPS in place of PRIMARY_UNCONDITIONAL_I_O_EXITING.

; TODO 2. No MSR needs an exit: write MSR_BITMAPS_ADDRESS (msr_bitmaps is all
;      zero) and add PRIMARY_USE_MSR_BITMAPS. primary_controls takes the wish in
;      EBX.

        vmlaunch
        jmp     vmx_failed

primary_controls:
        mov     ecx, IA32_VMX_PROCBASED_CTLS
        mov     r8d, IA32_VMX_TRUE_PROCBASED_CTLS
        call    allowed_controls
        vmcs    PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS, rax
        ret

; Everything the guest does is emulated here: that is right, and slow.
host_entry:
        save_guest
        inc     qword [exits]
        mov     edx, EXIT_REASON
        vmread  rax, rdx
        cmp     eax, EXIT_REASON_IO_INSTRUCTION
        je      handle_io
        cmp     eax, EXIT_REASON_RDMSR
        je      handle_rdmsr
        cmp     eax, EXIT_REASON_HLT
        je      report
        finish  1

handle_io:
        mov     edx, EXIT_QUALIFICATION
        vmread  rax, rdx
        shr     eax, 16
        cmp     eax, DEVICE
        jne     .skip
        mov     al, [rsp + GUEST_RAX]
        mov     [device], al
.skip:  call    skip_instruction
        jmp     resume

handle_rdmsr:
        mov     ecx, [rsp + GUEST_RCX]
        rdmsr
        mov     [rsp + GUEST_RAX], rax
        mov     [rsp + GUEST_RDX], rdx
        call    skip_instruction

resume:
        restore_guest
        vmresume
        jmp     vmx_failed

report:
        mov     rax, [exits]
        call    print_decimal
        say     " VM exits", 13, 10
        jmp     done

guest_entry:
        mov     ebp, ROUNDS
.round: mov     ecx, IA32_FS_BASE
        rdmsr
        out     DELAY, al
        dec     ebp
        jnz     .round
        mov     al, 0x2A
        mov     dx, DEVICE
        out     dx, al
        hlt

IA32_FS_BASE            equ 0xC0000100

%ifndef TESTED
done:   finish  0
%endif

section .bss align=4096

                        alignb 4096
io_bitmap:              resb 2 * 4096
msr_bitmaps:            resb 4096
exits:                  resq 1
device:                 resb 1
                        alignb 16
                        resb 4096
host_stack:
                        resb 4096
guest_stack:

section .text
