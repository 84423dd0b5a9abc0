/* Multiboot 1 entry (32-bit): identity page tables of 4 KiB pages for the first 64 MiB, then 64-bit mode and bench_main. */
  .set TABLES, 32
  .set PRESENT_WRITABLE, 3
  .set CR4_PAE, 0x20
  .set CR0_PG_WP_PE, 0x80010001
  .set IA32_EFER, 0xC0000080
  .set EFER_LME, 0x100
  .set MULTIBOOT_MAGIC, 0x1BADB002
  .set MULTIBOOT_FLAGS, 3

  .section .multiboot, "a"
  .align 4
  .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

  .section .text32, "ax"
  .code32
  .globl _start
_start:
  cli
  cld
  movl $stack_top, %esp
  movl %eax, %edi /* bench_main's arguments: magic and information structure */
  movl %ebx, %esi

  movl $page_directory_pointers + PRESENT_WRITABLE, pml4
  movl $page_directory + PRESENT_WRITABLE, page_directory_pointers
  xorl %ecx, %ecx
  movl $page_tables + PRESENT_WRITABLE, %eax
fill_directory:
  movl %eax, page_directory(, %ecx, 8)
  addl $4096, %eax
  incl %ecx
  cmpl $TABLES, %ecx
  jb fill_directory
  xorl %ecx, %ecx
  movl $PRESENT_WRITABLE, %eax
fill_tables:
  movl %eax, page_tables(, %ecx, 8)
  addl $4096, %eax
  incl %ecx
  cmpl $TABLES * 512, %ecx
  jb fill_tables

  movl %cr4, %eax
  orl $CR4_PAE, %eax
  movl %eax, %cr4
  movl $pml4, %eax
  movl %eax, %cr3
  movl $IA32_EFER, %ecx
  rdmsr
  orl $EFER_LME, %eax
  wrmsr
  movl %cr0, %eax
  orl $CR0_PG_WP_PE, %eax
  movl %eax, %cr0
  lgdt gdt_register
  ljmp $8, $start64

  .align 8
gdt:
  .quad 0, 0x00AF9A000000FFFF, 0x00CF92000000FFFF
gdt_register:
  .word 23
  .long gdt

  .code64
start64:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movq $stack_top, %rsp
  call bench_main
halt:
  hlt
  jmp halt

  .bss
  .align 4096
pml4: .skip 4096
page_directory_pointers: .skip 4096
page_directory: .skip 4096
page_tables: .skip TABLES * 4096
  .skip 65536
stack_top:
