; 4-level paging: faults and their error codes, accessed and dirty flags, WP, NX, SMEP, SMAP, protection keys, reserved bits.
%include "long.inc"

PAGE equ 0x40000000
PRESENT equ 1
WRITE equ 2
USER equ 4
AD equ 0x60
NX equ 1 << 63

; Sets the four entries for PAGE (PML4E, PDPTE, PDE rights; the PTE whole) and drops old translations.
%macro MAP 4-5 0 ; pml4 rights, pdpt rights, pd rights, pte, upper bits of the pte
  mov rax, pt_test
  mov rbx, %3
  or rax, rbx
  mov [pd_test], rax
  mov rax, pd_test
  mov rbx, %2
  or rax, rbx
  mov [pdpt + 8], rax
  mov rax, pdpt
  mov rbx, %1
  or rax, rbx
  mov [pml4], rax
  mov rax, %4
  mov rbx, %5
  or rax, rbx
  mov [pt_test], rax
  mov rax, cr3
  mov cr3, rax
%endmacro

%macro FLAGS 0 ; accessed and dirty flags of the four entries
  mov rax, [pt_test]
  and eax, AD
  SHOW " pte=", rax
  mov rax, [pd_test]
  and eax, AD
  SHOW " pde=", rax
%endmacro

%macro CASE 2+ ; name, access; MAP came before
  TRY %1
  mov rdi, PAGE
  %2
  ENDTRY
%endmacro
%macro USERCASE 2+
  RING3 %1
  mov rdi, PAGE
  %2
  ENDRING3
%endmacro

%macro ALL 1 ; every kind of access under the current mapping
  %strcat NAME %1, " read"
  CASE NAME, mov al, [rdi]
  %strcat NAME %1, " write"
  CASE NAME, mov byte [rdi], 0xc3
  %strcat NAME %1, " fetch"
  CASE NAME, call rdi
  %strcat NAME %1, " user read"
  USERCASE NAME, mov al, [rdi]
  %strcat NAME %1, " user write"
  USERCASE NAME, mov byte [rdi], 0xc3
  %strcat NAME %1, " user fetch"
  USERCASE NAME, call rdi
%endmacro

%macro CR4SET 1
  mov rax, cr4
  or rax, %1
  mov cr4, rax
%endmacro
%macro CR4CLEAR 1
  mov rax, cr4
  and rax, ~(%1)
  mov cr4, rax
%endmacro

start:
  mov byte [page_a], 0xc3
  MAP 7, 7, 7, page_a + 7
  ALL "full"
  MAP 7, 7, 7, page_a + 6
  ALL "absent"
  MAP 7, 7, 6, page_a + 7
  ALL "pde absent"
  MAP 7, 6, 7, page_a + 7
  ALL "pdpte absent"
  MAP 7, 7, 7, page_a + 5
  ALL "read-only"
  MAP 7, 7, 5, page_a + 7
  ALL "pde read-only"
  MAP 7, 7, 7, page_a + 3
  ALL "supervisor"
  MAP 7, 3, 7, page_a + 7
  ALL "pdpte supervisor"
  MAP 7, 7, 7, page_a + 7, NX
  ALL "nx"
  MAP 7, 7, 7 | NX, page_a + 7
  ALL "pde nx"
  mov rax, cr0
  or eax, 0x10000
  mov cr0, rax
  MAP 7, 7, 7, page_a + 5
  ALL "read-only wp"
  MAP 7, 5, 7, page_a + 7
  ALL "pdpte read-only wp"

  ; reserved bits
  MAP 7, 7, 7, page_a + 7, (1 << 51)
  ALL "pte reserved"
  MAP 7, 7, 7 | (1 << 51), page_a + 7
  ALL "pde reserved"
  mov qword [pml4 + 8], pdpt + 0x87
  TRY "pml4e ps"
  mov rdi, 0x8000000000
  mov al, [rdi]
  ENDTRY
  MAP 7, 7, 7, page_a + 7
  mov qword [pd_test], 0x2087 ; a 2 MiB page with a reserved address bit
  ALL "pde large reserved"
  mov qword [pdpt + 8], 0x2087
  ALL "pdpte large reserved"
  mov qword [pdpt + 8], pd_test + 7
  mov qword [pd_test], 0x87
  mov rax, cr3
  mov cr3, rax
  TRY "large page"
  mov rdi, PAGE
  mov rax, [rdi + 0x100000]
  cmp rax, [0x100000]
  jne $
  mov rax, [pd_test]
  SHOW " pde=", rax
  mov byte [rdi + 0x1ff000], 1
  mov rax, [pd_test]
  SHOW " pde=", rax
  ENDTRY
  mov qword [pdpt + 8], 0x87
  mov rax, cr3
  mov cr3, rax
  TRY "huge page"
  mov rdi, PAGE
  mov rax, [rdi + 0x100000]
  cmp rax, [0x100000]
  jne $
  mov rax, [pdpt + 8]
  SHOW " pdpte=", rax
  ENDTRY
  mov qword [pdpt + 8], pd_test + 7

  ; accessed and dirty flags
  MAP 7, 7, 7, page_a + 7
  TRY "flags, read"
  mov rdi, PAGE
  mov al, [rdi]
  FLAGS
  ENDTRY
  TRY "flags, write after read"
  mov rdi, PAGE
  mov [rdi], al
  mov byte [rdi], 0xc3
  FLAGS
  ENDTRY
  MAP 7, 7, 7, page_a + 5
  TRY "flags, denied write"
  mov rdi, PAGE
  mov [rdi], al
  ENDTRY
  TRY "flags after a denied write"
  mov rax, [pt_test]
  and eax, AD
  SHOW " pte=", rax
  ENDTRY
  MAP 7, 7, 7, page_a + 7
  TRY "flags, fetch"
  mov rdi, PAGE
  call rdi
  FLAGS
  ENDTRY
  TRY "stale until invlpg"
  mov rdi, PAGE
  mov byte [page_a + 8], 1
  mov byte [page_b + 8], 2
  mov al, [rdi + 8]
  mov qword [pt_test], page_b + 7
  invlpg [rdi]
  mov al, [rdi + 8]
  movzx eax, al
  SHOW " ", rax
  ENDTRY

  ; INVLPG drops all of a large page, and in the other level's translations, too
  mov qword [pd_test], 0x200087
  mov rax, cr3
  mov cr3, rax
  TRY "invlpg of a large page"
  mov rdi, PAGE
  mov byte [0x200000 + 0x1234], 1
  mov byte [0x400000 + 0x1234], 2
  mov al, [rdi + 0x1234]
  mov qword [pd_test], 0x400087
  invlpg [rdi + 0x1ff000]
  mov al, [rdi + 0x1234]
  movzx eax, al
  SHOW " ", rax
  ENDTRY
  mov qword [pdpt + 8], 0x87
  mov rax, cr3
  mov cr3, rax
  TRY "invlpg of a huge page"
  mov rdi, PAGE
  mov al, [rdi + 0x201234]
  mov qword [pdpt + 8], pd_test + 7
  invlpg [rdi + 0x3ffff000]
  mov al, [rdi + 0x1234]
  movzx eax, al
  SHOW " ", rax
  ENDTRY

  ; crossing into an absent page
  MAP 7, 7, 7, page_a + 7
  mov qword [pt_test + 8], 0
  TRY "read across"
  mov rdi, PAGE + 0xffc
  mov rax, [rdi]
  ENDTRY
  TRY "write across"
  mov rdi, PAGE + 0xffc
  mov qword [rdi], 0x1234
  ENDTRY
  TRY "nothing written"
  mov eax, [page_a + 0xffc]
  SHOW " ", rax
  ENDTRY
  TRY "rep movsb into absent"
  mov rsi, page_b
  mov rdi, PAGE + 0xff0
  mov ecx, 0x20
  rep movsb
  ENDTRY
  TRY "registers after it"
  SHOW " rcx=", rcx
  SHOW " rdi=", rdi
  ENDTRY
  TRY "fetch across"
  mov rdi, PAGE + 0xfff
  mov byte [rdi], 0xb8
  call rdi
  ENDTRY
  TRY "not canonical"
  mov rdi, 0x800000000000
  mov rax, [rdi]
  ENDTRY
  TRY "not canonical, stack"
  mov rbp, 0x800000000000
  mov rax, [rbp]
  ENDTRY
  TRY "not canonical, jump"
  mov rdi, 0x800000000000
  jmp rdi
  ENDTRY

  ; SMEP and SMAP: code and data of the program become supervisor pages; ring 3 is left out
  MAP 7, 7, 7, page_a + 7
  mov byte [page_a], 0xc3
  mov edi, pd_low
  mov ecx, 16
.supervisor:
  and byte [rdi], ~4
  add rdi, 8
  loop .supervisor
  mov rax, cr3
  mov cr3, rax
  CR4SET 1 << 20
  CASE "smep read", mov al, [rdi]
  CASE "smep write", mov byte [rdi], 0xc3
  CASE "smep fetch", call rdi
  MAP 7, 7, 7, page_a + 3
  CASE "smep fetch of a supervisor page", call rdi
  CR4CLEAR 1 << 20
  MAP 7, 7, 7, page_a + 7
  CR4SET 1 << 21
  CASE "smap read", mov al, [rdi]
  CASE "smap write", mov byte [rdi], 0xc3
  CASE "smap fetch", call rdi
  stac
  CASE "smap ac read", mov al, [rdi]
  CASE "smap ac write", mov byte [rdi], 0xc3
  clac
  TRY "smap implicit access with ac" ; an LDT in a user page: AC does not help
  mov ax, EXTRA
  lldt ax
  stac
  mov ax, 4
  mov ds, ax
  ENDTRY
  CR4CLEAR 1 << 21
  ; protection keys
  CR4SET 1 << 22
  xor ecx, ecx
  xor edx, edx
  mov eax, 0xc ; key 1: no access; key 2 below: no writes
  or eax, 2 << 4
  wrpkru
  MAP 7, 7, 7, page_a + 7, (1 << 59)
  CASE "key without access, read", mov al, [rdi]
  CASE "key without access, write", mov byte [rdi], 0xc3
  CASE "key without access, fetch", call rdi
  MAP 7, 7, 7, page_a + 7, (2 << 59)
  CASE "key without writes, read", mov al, [rdi]
  CASE "key without writes, write", mov byte [rdi], 0xc3
  mov rax, cr0
  and eax, ~0x10000
  mov cr0, rax
  CASE "key without writes, write, no wp", mov byte [rdi], 0xc3
  MAP 7, 7, 7, page_a + 3, (1 << 59)
  CASE "key of a supervisor page", mov al, [rdi]
  TRY "rdpkru"
  xor ecx, ecx
  rdpkru
  SHOW " ", rax
  ENDTRY
  TRY "wrpkru with ecx"
  mov ecx, 1
  wrpkru
  ENDTRY
  FINISH

GDT_COMMON
  DESCRIPTOR PAGE, 0xfff, 0x82
  dq 0
gdt_end:
BSS_COMMON
