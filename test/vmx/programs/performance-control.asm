; IA32_PERF_GLOBAL_CTRL on a processor without performance counters: its bits are reserved, loads and the save are carried out.
%include "hypervisor.inc"

PERF            equ 0x38F
GUEST_PERF      equ 0x2808
HOST_PERF       equ 0x2C04

test:
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        ; Saved: what stood in the field goes
        vmset   EXIT_CONTROLS, 1 << 30
        vmw     GUEST_PERF, 0x55
        guest_at guest
        run_until REASON_CPUID
        expect_field GUEST_PERF, 0
        ; Loaded on both sides
        vmset   ENTRY_CONTROLS, 1 << 13
        vmset   EXIT_CONTROLS, 1 << 12
        vmw     HOST_PERF, 0
        mov     qword [guest_rcx], PERF
        guest_at reads
        run_until REASON_CPUID
        expect  [guest_rax], 0
        ; Reserved bits fail the entry
        vmw     HOST_PERF, 1
        run_fails 8
        vmw     HOST_PERF, 0
        vmw     GUEST_PERF, 1
        call    run_guest
        expect  rax, ENTRY_FAILURE | REASON_BAD_GUEST
        ; Without the load the field is not looked at
        vmclr   ENTRY_CONTROLS, 1 << 13
        guest_at guest
        run_until REASON_CPUID
        pass

guest:  cpuid
reads:  rdmsr
        cpuid
