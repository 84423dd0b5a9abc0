; profile: penryn
; What CPUID does not report is not there: #UD, the older meaning of the encoding, or a reserved bit.
%include "hypervisor.inc"
%include "faults.inc"

; absent INSTRUCTION…: #UD
%macro absent 1+
        faults  6, %%next
        %1
        jmp     failed
%%next:
%endmacro

test:
        mov     ecx, 1                          ; the operands that follow need no memory but SCRATCH
        absent  movbe ebx, [SCRATCH]
        absent  movbe [SCRATCH], ebx
        absent  popcnt ebx, ecx
        absent  popcnt bx, cx
        absent  rdrand ebx
        absent  rdseed ebx
        absent  andn ebx, ecx, ecx
        absent  blsr ebx, ecx
        absent  bextr ebx, ecx, ecx
        absent  bzhi ebx, ecx, ecx
        absent  pext ebx, ecx, ecx
        absent  mulx ebx, esi, ecx
        absent  shlx ebx, ecx, ecx
        absent  rorx ebx, ecx, 3
        absent  adcx ebx, ecx
        absent  adox ebx, ecx
        absent  invpcid rbx, [SCRATCH]
        absent  clac
        absent  stac
        absent  clwb [SCRATCH]
        absent  rdtscp
        absent  rdpid rbx
        absent  movdiri [SCRATCH], ebx

        ; F3 has no meaning for BSF and BSR: of zero they leave the destination and set ZF.
        mov     ebx, 77
        xor     esi, esi
        tzcnt   ebx, esi
        expect  rbx, 77
        mov     esi, 0x50
        tzcnt   ebx, esi
        expect  rbx, 4
        lzcnt   ebx, esi                        ; BSR: the highest bit’s number, not the zeros above it
        expect  rbx, 6
        lzcnt   bx, si
        expect  rbx, 6

        ; PS is reserved in an entry of the page-directory-pointer table.
        mov     rax, cr3
        mov     rax, [rax]
        and     rax, ~0xFFF
        mov     rdx, 0x83
        mov     [rax + 8 * 5], rdx
        mov     rsi, 5 << 30
        faults  14, .reserved
        mov     rbx, [rsi]
        jmp     failed
.reserved:
        mov     rax, cr2
        expect  rax, 5 << 30
        pass

guest:  cpuid
