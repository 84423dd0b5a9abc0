// From the boot loader (32-bit protected mode, paging off) to 64-bit C.
// Multiboot Specification, "I386 machine state"; SDM, "Initializing IA-32e Mode".

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x00000003 // page-aligned modules, memory information

#define CR0_PG 0x80000000
#define CR0_PE 0x00000001
#define CR4_PAE 0x00000020
#define EFER 0xc0000080
#define EFER_LME 0x00000100

#define PRESENT_WRITABLE 0x003
#define LARGE_PAGE 0x083 // present, writable, 2 MiB

.section .multiboot, "a"
    .align 4
    .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

.text
.code32
.globl start
start:
    cli
    cld
    movl $host_stack_top, %esp
    movl %eax, %ebp // the loader's magic number
    movl %ebx, %esi // its information structure

    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    testl $(1 << 29), %edx
    jz no_long_mode

    // Identity map of the first 4 GiB: one PML4 entry, four PDPT entries, 2048 pages of 2 MiB.
    movl $(pdpt + PRESENT_WRITABLE), pml4
    movl $pdpt, %edi
    movl $(page_directories + PRESENT_WRITABLE), %eax
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $4096, %eax
    addl $8, %edi
    loop 1b
    movl $page_directories, %edi
    movl $LARGE_PAGE, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b

    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $(CR0_PG | CR0_PE), %eax
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $start64

no_long_mode: // said on COM1, then the end: there is no 64-bit mode to go on in
    movl $no_long_mode_text, %esi
1:  lodsb
    testb %al, %al
    jz 2f
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 1b
2:  movb $1, %al
    outb %al, $0xf4
3:  hlt
    jmp 3b

.code64
start64:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $host_stack_top, %esp

    // The task register must hold a TSS: a VM exit loads it from the host-state area.
    movl $tss, %eax
    movw %ax, gdt_tss + 2
    shrl $16, %eax
    movb %al, gdt_tss + 4
    movb %ah, gdt_tss + 7
    movl $0x18, %eax
    ltr %ax

    movl %ebp, %edi
    movl %esi, %esi // clears bits 63:32
    xorl %ebp, %ebp
    call main
1:  hlt
    jmp 1b

.section .rodata
no_long_mode_text:
    .asciz "tiny-hypervisor: this processor has no 64-bit mode\n"

.data
.globl gdt
.align 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff // 08H code, 64-bit
    .quad 0x00cf93000000ffff // 10H data
gdt_tss:
    .quad 0x0000890000000067 // 18H TSS, 64-bit: 16 bytes
    .quad 0
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt

.bss
.align 4096
pml4: .skip 4096
pdpt: .skip 4096
page_directories: .skip 4 * 4096
.globl tss
tss: .skip 104
.align 16
    .skip 16384
.globl host_stack_top
host_stack_top:
