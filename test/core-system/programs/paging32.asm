; 32-bit paging (with 4 MiB pages) and PAE paging: faults, flags, PDPTE registers.
%include "protected.inc"

PAGE equ 0x40000000

%macro CASE 2+
  TRY %1
  mov edi, PAGE
  %2
  ENDTRY
%endmacro
%macro USERCASE 2+
  TRY %1
  push dword UDATA
  push dword user_top
  push dword 0x3002
  push dword UCODE
  push dword %%user
  iretd
%%user:
  mov ax, UDATA
  mov ds, ax
  mov edi, PAGE
  %2
  int 0x30
  ENDTRY
%endmacro
%macro ALL 1
  %strcat NAME %1, " read"
  CASE NAME, mov al, [edi]
  %strcat NAME %1, " write"
  CASE NAME, mov byte [edi], 0xc3
  %strcat NAME %1, " fetch"
  CASE NAME, call edi
  %strcat NAME %1, " user read"
  USERCASE NAME, mov al, [edi]
  %strcat NAME %1, " user write"
  USERCASE NAME, mov byte [edi], 0xc3
  %strcat NAME %1, " user fetch"
  USERCASE NAME, call edi
%endmacro

%macro MAP32 2 ; rights of the PDE, PTE
  mov dword [pd + (PAGE >> 20)], pt + %1
  mov dword [pt], %2
  mov eax, cr3
  mov cr3, eax
%endmacro
%macro MAPPAE 3-4 0 ; rights of the PDE, PTE, upper half of the PTE
  mov dword [pae_pd1], pt + %1
  mov dword [pt], %2
  mov dword [pt + 4], %4
  mov eax, cr3
  mov cr3, eax
%endmacro

start:
  call setup
  mov byte [idt + 0x30 * 8 + 5], 0xee
  mov byte [page_a], 0xc3
  ; 32-bit paging: the first 32 MiB by 4 MiB pages
  mov edi, pd
  mov eax, 0x87
  mov ecx, 8
.low:
  stosd
  add eax, 0x400000
  loop .low
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, pd
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax

  MAP32 7, page_a + 7
  ALL "full"
  MAP32 7, page_a + 6
  ALL "absent"
  MAP32 6, page_a + 7
  ALL "pde absent"
  MAP32 7, page_a + 5
  ALL "read-only"
  MAP32 3, page_a + 7
  ALL "pde supervisor"
  mov eax, cr0
  or eax, 0x10000
  mov cr0, eax
  MAP32 7, page_a + 5
  ALL "read-only wp"
  MAP32 5, page_a + 7
  ALL "pde read-only wp"
  MAP32 7, page_a + 7
  TRY "flags"
  mov edi, PAGE
  mov al, [edi]
  mov eax, [pt]
  and eax, 0x60
  SHOW " ", eax
  mov [edi + 4], eax
  mov eax, [pt]
  and eax, 0x60
  SHOW " ", eax
  mov eax, [pd + (PAGE >> 20)]
  and eax, 0x60
  SHOW " ", eax
  ENDTRY
  mov dword [pd + (PAGE >> 20)], 0x00200087
  mov eax, cr3
  mov cr3, eax
  ALL "large reserved"
  mov dword [pd + (PAGE >> 20)], 0x00000087
  mov eax, cr3
  mov cr3, eax
  TRY "large page"
  mov edi, PAGE + 0x100000
  mov eax, [edi]
  cmp eax, [0x100000]
  jne $
  mov eax, [pd + (PAGE >> 20)]
  SHOW " ", eax
  mov byte [edi + 0x2fffff], 1
  mov eax, [pd + (PAGE >> 20)]
  SHOW " ", eax
  ENDTRY

  ; PAE paging: the first 32 MiB by 2 MiB pages
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov edi, pae_pd0
  mov eax, 0x87
  mov ecx, 16
.low_pae:
  stosd
  mov dword [edi], 0
  add edi, 4
  add eax, 0x200000
  loop .low_pae
  mov dword [pae_pdpt], pae_pd0 + 1
  mov dword [pae_pdpt + 8], pae_pd1 + 1
  mov eax, pae_pdpt
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x800
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  MAPPAE 7, page_a + 7, 0
  ALL "pae full"
  MAPPAE 7, page_a + 6, 0
  ALL "pae absent"
  MAPPAE 6, page_a + 7, 0
  ALL "pae pde absent"
  MAPPAE 7, page_a + 5, 0
  ALL "pae read-only wp"
  MAPPAE 3, page_a + 7, 0
  ALL "pae pde supervisor"
  MAPPAE 7, page_a + 7, 0, 0x80000000
  ALL "pae nx"
  MAPPAE 7, page_a + 7, 0, 0x00080000
  ALL "pae reserved 51"
  MAPPAE 7, page_a + 7, 0, 0x00100000
  ALL "pae reserved 52"
  mov dword [pae_pd1], 0x2087
  mov eax, cr3
  mov cr3, eax
  ALL "pae large reserved"
  mov dword [pae_pdpt + 8], pae_pd1 ; not present, but the registers keep the old entry until CR3 is loaded
  MAPPAE 7, page_a + 7, 0
  ALL "pdpte absent"
  TRY "pdpte reserved"
  mov dword [pae_pdpt + 16], 0x3
  mov eax, cr3
  mov cr3, eax
  ENDTRY
  TRY "pdpte reserved bits are ignored when it is absent"
  mov dword [pae_pdpt + 16], 0xfe
  mov eax, cr3
  mov cr3, eax
  ENDTRY
  TRY "cr0 write loads pdptes"
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov dword [pae_pdpt + 24], 0x21
  or eax, 0x80000000
  mov cr0, eax
  ENDTRY
  mov dword [pae_pdpt + 24], 0
  FINISH

align 8
gdt:
  dq 0
  DESCRIPTOR 0, 0xfffff, 0xc09b
  DESCRIPTOR 0, 0xfffff, 0xc093
  DESCRIPTOR 0, 0xfffff, 0xc0fb
  DESCRIPTOR 0, 0xfffff, 0xc0f3
  DESCRIPTOR LINEAR(tss_main), 103, 0x89
gdt_end:

image_end:
absolute image_end
alignb 4096
pd: resb 4096
pt: resb 4096
page_a: resb 4096
pae_pdpt: resb 4096
pae_pd0: resb 4096
pae_pd1: resb 4096
idt: resb 49 * 8
resb 4096
stack_top:
resb 4096
ring0_top:
resb 4096
user_top:
resb 4096
bss_end:
