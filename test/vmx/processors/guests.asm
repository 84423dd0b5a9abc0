; Four processors, each with a VMXON region, a VMCS and a guest of its own; what INIT, SIPI, NMI and interprocessor interrupts do to
; a processor in VMX operation (SDM "Other Causes of VM Exits", "INIT", "VMXOFF").
; processors: 4
%include "hypervisor.inc"
%include "processors.inc"

COUNT           equ 4
ROUNDS          equ 200
AREAS           equ 0x300000            ; 64 KiB for each processor: VMXON region, VMCS, stack
VALID           equ 1 << 31
CPU_ID          equ 0xFEE00020

test:
        call    copy_trampoline

        ; Every processor runs a guest, the first one too
        apic    0xF0, 0x1FF
        send    0xC4500, 0
        send    0xC4600 | (STARTUP >> 12), 0
        mov     dword [go], 1
        call    run_counting_guest
        await   finished, COUNT
        expect  [counter], COUNT * ROUNDS
        expect  [exits], COUNT * ROUNDS

        ; 1: its guest runs without exits until INIT, then waits for a SIPI in VMX non-root operation
        mov     dword [stage1], 1
        await   in_guest1, 1
        send    0x4500, 1
        await   init_reason, 3
        send    0x4655, 1
        await   sipi_reason, 4
        expect  [sipi_qualification], 0x55

        ; 2: in VMX root operation INIT waits, and a SIPI is lost; VMXOFF lets the INIT take effect
        mov     dword [stage2], 1
        await   in_root2, 1
        send    0x4500, 2
        send    0x4600 | (STARTUP >> 12), 2
        mov     eax, [heartbeat]
.beats: pause
        mov     ecx, [heartbeat]
        sub     ecx, eax
        cmp     ecx, 1000
        jb      .beats
        expect  [restarts], 0
        mov     dword [leave2], 1
        await   left2, 1
        mov     dword [again], 1
        mov     ecx, 20000
.time:  loop    .time
        expect  [restarts], 0                   ; it waits: the SIPI before was lost
        send    0x4600 | (STARTUP >> 12), 2
        await   restarts, 1

        ; 3: NMI exiting and external-interrupt exiting with acknowledgement
        mov     dword [stage3], 1
        await   in_guest3, 1
        send    0x4400, 3
        await   nmi_exits, 1
        expect  [nmi_information], VALID | 0x202
        send    0x4071, 3
        await   interrupt_exits, 1
        expect  [interrupt_information], VALID | 0x71
        pass

; Runs a guest on this processor: each round counts and exits by CPUID; VMCALL ends it.
run_counting_guest:
        vmw     HOST_RIP, counting_exit
        vmw     HOST_RSP, rsp
        vmw     GUEST_RIP, counting_guest
        vmlaunch
        jmp     failed
counting_guest:
        mov     ebp, ROUNDS
.round: lock inc dword [counter]
        cpuid
        dec     ebp
        jnz     .round
        vmcall
counting_exit:
        vmr     rax, EXIT_REASON
        cmp     eax, REASON_VMCALL
        je      .end
        expect  rax, REASON_CPUID
        lock inc dword [exits]
        skip
        vmresume
        jmp     failed
.end:   lock inc dword [finished]
        ret

; ---- Application processors ---------------------------------------------------------------------------------------------

application:
        mov     eax, DATA_SEL
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     edx, CPU_ID
        mov     ebx, [rdx]
        shr     ebx, 24
        mov     edi, ebx
        shl     edi, 16
        add     edi, AREAS
        lea     rsp, [rdi + 0x10000]
        lidt    [host_idt_register]
        mov     edx, 0xFEE000F0
        mov     dword [rdx], 0x1FF
        cmp     dword [again], 0
        jne     restarted
        mov     eax, [revision]
        mov     [rdi], eax
        mov     [rdi + 0x1000], eax
        push    rdi
        vmxon   [rsp]
        succeeds
        lea     rax, [rdi + 0x1000]
        push    rax
        vmclear [rsp]
        succeeds
        vmptrld [rsp]
        succeeds
        push    rbx
        call    default_fields
        pop     rbx
        await   go, 1
        push    rbx
        call    run_counting_guest
        pop     rbx
        cmp     ebx, 1
        je      first
        cmp     ebx, 2
        je      second
        jmp     third

restarted:
        expect  rbx, 2
        mov     rax, cr4
        and     eax, 1 << 13
        expect  rax, 1 << 13                    ; set by the trampoline: VMX operation was left before the INIT
        lock inc dword [restarts]
        hlt

first:  await   stage1, 1
        vmw     HOST_RIP, .init
        vmw     GUEST_RIP, spinning_guest1
        vmresume
        jmp     failed
.init:  vmr     rax, EXIT_REASON
        expect_field EXIT_QUALIFICATION, 0
        mov     [init_reason], eax
        vmw     HOST_RIP, .sipi
        vmw     GUEST_ACTIVITY, 3
        vmresume
        jmp     failed
.sipi:  vmr     rbx, EXIT_QUALIFICATION
        mov     [sipi_qualification], rbx
        expect_field GUEST_ACTIVITY, 3
        vmr     rax, EXIT_REASON
        mov     [sipi_reason], eax
        cli
        hlt

second: await   stage2, 1
        mov     dword [in_root2], 1
.beat:  inc     dword [heartbeat]
        cmp     dword [leave2], 0
        je      .beat
        mov     dword [left2], 1
        vmxoff
        jmp     failed                          ; the INIT comes before the next instruction

third:  await   stage3, 1
        vmset   PIN_CONTROLS, PIN_NMI | PIN_EXTERNAL
        vmset   EXIT_CONTROLS, EXIT_ACK_INTERRUPT
        vmw     HOST_RIP, .nmi
        vmw     GUEST_RIP, spinning_guest3
        vmresume
        jmp     failed
.nmi:   expect_field EXIT_REASON, REASON_EXCEPTION
        vmr     rax, EXIT_INTERRUPTION
        mov     [nmi_information], eax
        push    rax                             ; IRET ends blocking by NMI
        mov     rax, rsp
        push    DATA_SEL
        push    rax
        pushfq
        push    CODE_SEL
        lea     rax, [.unblocked]
        push    rax
        iretq
.unblocked:
        vmw     HOST_RIP, .interrupt
        mov     dword [nmi_exits], 1
        vmresume
        jmp     failed
.interrupt:
        expect_field EXIT_REASON, REASON_EXTERNAL
        vmr     rax, EXIT_INTERRUPTION
        mov     [interrupt_information], eax
        mov     dword [interrupt_exits], 1
        cli
        hlt

spinning_guest1:
        mov     dword [in_guest1], 1
        jmp     $
spinning_guest3:
        mov     dword [in_guest3], 1
        jmp     $


        align   8
counter: dq 0
exits:  dq 0
finished: dq 0
sipi_qualification: dq 0
restarts: dq 0
nmi_information: dq 0
interrupt_information: dq 0
go:     dd 0
stage1: dd 0
stage2: dd 0
stage3: dd 0
in_guest1: dd 0
in_guest3: dd 0
in_root2: dd 0
init_reason: dd 0
sipi_reason: dd 0
heartbeat: dd 0
leave2: dd 0
left2:  dd 0
again:  dd 0
nmi_exits: dd 0
interrupt_exits: dd 0
guest:
