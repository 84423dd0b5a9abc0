// SYNTAX TEST "source.gas" "GNU assembly"

#include <asm/vmx.h>
// <-------- keyword.control.import.gas
//       ^^^^^^^^^^^ string.quoted.include.gas
#define LIMIT 5
//      ^^^^^ entity.name.constant.gas
    .globl start
//  ^^^^^^ keyword.control.directive.gas
start:
// <----- entity.name.function.label.gas
    movq $0x10, %rax
//  ^^^^ keyword.mnemonic.gas
//       ^ keyword.operator.immediate.gas
//        ^^^^ constant.numeric.gas
//              ^^^^ variable.language.register.gas
    jne start
//  ^^^ keyword.control.flow.gas
    vmreadq %rdx, %rax
//  ^^^^^^^ keyword.other.vmx.gas
    .asciz "a\n"
//  ^^^^^^ keyword.control.directive.gas
//         ^^^^^ string.quoted.double.gas
//           ^^ constant.character.escape.gas
    nop /* here */
//  ^^^ keyword.mnemonic.gas
//      ^^^^^^^^^^ comment.block.gas
    hlt # there
//  ^^^ keyword.control.flow.gas
//      ^^^^^^^ comment.line.number-sign.gas
