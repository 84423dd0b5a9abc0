// The way into the guest and back: int vcpu_enter(struct registers *registers, bool launched).
// Answers 0 after a VM exit, 1 for VMfailInvalid, 2 for VMfailValid. The general registers are the only state that VMX lefts to software.

#define HOST_RSP 0x6c14

// Saved registers, told to debuggers: at a VM exit RBP is the guest's, and the stack is found by these notes.
    .cfi_sections .debug_frame
.macro save register
    pushq \register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
.endm
.macro restore register
    popq \register
    .cfi_adjust_cfa_offset -8
    .cfi_restore \register
.endm

#define RAX 0
#define RCX 8
#define RDX 16
#define RBX 24
#define RBP 32
#define RSI 40
#define RDI 48

.text
.globl vcpu_enter
.type vcpu_enter, @function
vcpu_enter:
    .cfi_startproc
    save %rbx
    save %rbp
    save %r12
    save %r13
    save %r14
    save %r15
    pushq %rdi // for vcpu_exited
    .cfi_adjust_cfa_offset 8
    movl $HOST_RSP, %eax
    vmwrite %rsp, %rax
    testl %esi, %esi // MOV lefts ZF as it is: the choice at the end is by this
    movq RAX(%rdi), %rax
    movq RCX(%rdi), %rcx
    movq RDX(%rdi), %rdx
    movq RBX(%rdi), %rbx
    movq RBP(%rdi), %rbp
    movq RSI(%rdi), %rsi
    movq 56(%rdi), %r8
    movq 64(%rdi), %r9
    movq 72(%rdi), %r10
    movq 80(%rdi), %r11
    movq 88(%rdi), %r12
    movq 96(%rdi), %r13
    movq 104(%rdi), %r14
    movq 112(%rdi), %r15
    movq RDI(%rdi), %rdi
    jnz 1f
    vmlaunch
    jmp 2f
1:  vmresume
2:  // Here only when the entry failed: CF for VMfailInvalid, ZF for VMfailValid.
    movl $1, %eax
    jc left
    movl $2, %eax
    jmp left

// HOST_RIP. RSP is as HOST_RSP was written; the general registers are the guest's.
.globl vcpu_exited
vcpu_exited:
    xchgq %rdi, (%rsp)
    movq %rax, RAX(%rdi)
    movq %rcx, RCX(%rdi)
    movq %rdx, RDX(%rdi)
    movq %rbx, RBX(%rdi)
    movq %rbp, RBP(%rdi)
    movq %rsi, RSI(%rdi)
    movq (%rsp), %rax
    movq %rax, RDI(%rdi)
    movq %r8, 56(%rdi)
    movq %r9, 64(%rdi)
    movq %r10, 72(%rdi)
    movq %r11, 80(%rdi)
    movq %r12, 88(%rdi)
    movq %r13, 96(%rdi)
    movq %r14, 104(%rdi)
    movq %r15, 112(%rdi)
    xorl %eax, %eax
left:
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    restore %r15
    restore %r14
    restore %r13
    restore %r12
    restore %rbp
    restore %rbx
    ret
    .cfi_endproc
.size vcpu_enter, . - vcpu_enter
