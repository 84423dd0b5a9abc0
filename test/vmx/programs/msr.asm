; RDMSR and WRMSR: no bitmaps, the four bitmaps, indices outside them; the three MSR areas.
%include "hypervisor.inc"

STORE_AREA      equ SCRATCH
LOAD_AREA       equ SCRATCH + 0x1000
ENTRY_AREA      equ SCRATCH + 0x2000

test:
        ; Without bitmaps every one exits
        run_until REASON_RDMSR, 0, 2
        expect  [guest_rcx], 0x174
        skip
        run_until REASON_WRMSR, 0, 2
        skip
        ; With bitmaps, bit by bit: read low at 0, read high at 1024, write low at 2048, write high at 3072
        vmset   PRIMARY_CONTROLS, CPU_MSR_BITMAPS
        bts     dword [BITMAPS + 0x2000 + 0x175 / 8], 0x175 & 7
        bts     dword [BITMAPS + 0x2000 + 1024 + 0x82 / 8], 0x82 & 7
        bts     dword [BITMAPS + 0x2000 + 2048 + 0x176 / 8], 0x176 & 7
        bts     dword [BITMAPS + 0x2000 + 3072 + 0x81 / 8], 0x81 & 7
        run_until REASON_RDMSR, 0, 2
        expect  [guest_rcx], 0x175
        skip
        run_until REASON_RDMSR, 0, 2
        expect  [guest_rcx], 0xC0000082
        skip
        run_until REASON_WRMSR, 0, 2
        expect  [guest_rcx], 0x176
        skip
        run_until REASON_WRMSR, 0, 2
        mov     rax, 0xC0000081
        expect  [guest_rcx], rax
        skip
        run_until REASON_RDMSR, 0, 2            ; outside both ranges
        expect  [guest_rcx], 0x40000000
        skip
        run_until REASON_WRMSR, 0, 2
        expect  [guest_rcx], 0x2000
        skip
        ; An MSR that does not exist and does not exit is #GP(0) in the guest
        run_until REASON_VMCALL
        expect  [guest_vector], 13

        ; MSR areas
        mov     dword [ENTRY_AREA], 0xC0000103  ; IA32_TSC_AUX for the guest
        mov     dword [ENTRY_AREA + 4], 0
        mov     qword [ENTRY_AREA + 8], 0x55
        mov     dword [ENTRY_AREA + 16], 0xC0000102     ; IA32_KERNEL_GS_BASE
        mov     dword [ENTRY_AREA + 20], 0
        mov     rax, 0xFFFF800000001000
        mov     [ENTRY_AREA + 24], rax
        mov     dword [STORE_AREA], 0xC0000103
        mov     dword [STORE_AREA + 4], 0
        mov     qword [STORE_AREA + 8], 0
        mov     dword [STORE_AREA + 16], 0xC0000084     ; IA32_FMASK
        mov     dword [STORE_AREA + 20], 0
        mov     dword [LOAD_AREA], 0xC0000103
        mov     dword [LOAD_AREA + 4], 0
        mov     qword [LOAD_AREA + 8], 0x77
        vmw     ENTRY_MSR_LOAD_ADDR, ENTRY_AREA
        vmw     ENTRY_MSR_LOAD_COUNT, 2
        vmw     EXIT_MSR_STORE_ADDR, STORE_AREA
        vmw     EXIT_MSR_STORE_COUNT, 2
        vmw     EXIT_MSR_LOAD_ADDR, LOAD_AREA
        vmw     EXIT_MSR_LOAD_COUNT, 1
        guest_at areas
        run_until REASON_VMCALL
        expect  [guest_rbx], 0x55
        mov     rax, 0xFFFF800000001000
        expect  [guest_rsi], rax
        expect  [STORE_AREA + 8], 0x99
        expect  [STORE_AREA + 24], 0x300
        mov     ecx, 0xC0000103
        rdmsr
        expect  rax, 0x77
        pass

guest:
        mov     ecx, 0x174
        rdmsr
        wrmsr
        mov     ecx, 0x174              ; runs
        rdmsr
        wrmsr
        mov     ecx, 0x175
        rdmsr
        wrmsr                           ; its write bit is clear
        mov     ecx, 0xC0000082
        rdmsr
        mov     ecx, 0x176
        rdmsr
        wrmsr
        mov     ecx, 0xC0000081
        rdmsr
        wrmsr
        mov     ecx, 0x40000000
        rdmsr
        mov     ecx, 0x2000
        wrmsr
        mov     ecx, 0x1FFF
        rdmsr

areas:
        mov     ecx, 0xC0000103
        rdmsr
        mov     ebx, eax
        mov     ecx, 0xC0000102
        rdmsr
        shl     rdx, 32
        lea     rsi, [rdx + rax]
        mov     ecx, 0xC0000103
        mov     eax, 0x99
        xor     edx, edx
        wrmsr
        mov     ecx, 0xC0000084
        mov     eax, 0x300
        wrmsr
        vmcall
