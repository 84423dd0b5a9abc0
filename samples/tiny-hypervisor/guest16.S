// The second guest: real mode, as a processor is after reset. It runs from a copy of this at 08000H (segment 0800H), with an
// interrupt vector 10H that offers "print the character in AL", as firmware would. The hypervisor prints: VMCALL number 1.
// Its timer interrupt is vector 8, as on a PC.

#define CALL_PRINT_CHARACTER 1
#define CALL_TIMER 4
#define TIMER_VECTOR 8
#define TICKS 2
#define DEVICE_PORT 0x500

.section .rodata
.globl guest16_image, guest16_image_end, guest16_int8, guest16_int10
.code16
guest16_image:
    movw %cs, %ax
    movw %ax, %ds
    movw %ax, %es
    movw $(text - guest16_image), %si
    call print

    movl $0x40000000, %eax // the hypervisor's name, by CPUID
    cpuid
    movl %ebx, name - guest16_image
    movl %ecx, name + 4 - guest16_image
    movl %edx, name + 8 - guest16_image
    movw $(name - guest16_image), %si
    call print

    movw $DEVICE_PORT, %dx
    inb %dx, %al
    addb $1, %al
    outb %al, %dx

    movl $CALL_TIMER, %eax
    movl $TIMER_VECTOR, %ebx
    vmcall
    sti
1:  hlt // until the timer interrupt
    cmpw $TICKS, ticks - guest16_image
    jb 1b
    movw $(ticked - guest16_image), %si
    call print
    cli
1:  hlt // with interrupts off: the end
    jmp 1b

print: // SI: zero-terminated text
    lodsb
    testb %al, %al
    jz 1f
    movb $0x0e, %ah
    int $0x10
    jmp print
1:  ret

guest16_int8:
    incw %cs:ticks - guest16_image
    iretw

guest16_int10: // hypercalls take all of RAX and RBX: 32-bit operands clear what is above 16 bits
    pushl %eax
    pushl %ebx
    movzbl %al, %ebx
    movl $CALL_PRINT_CHARACTER, %eax
    vmcall
    popl %ebx
    popl %eax
    iretw

text:
    .asciz "guest 2: real mode, CS 0800H, under "
name:
    .skip 12
    .asciz "\n"
ticked:
    .asciz "guest 2: timer interrupts by vector 8\n"
ticks:
    .word 0
guest16_image_end:
