#pragma once
#include <stdint.h>

#define GUEST_STACK 8192

/** 64-bit guests: entry points and stacks. */
void guest64_main(void);
void worker_main(void);
extern uint8_t guest64_stack[GUEST_STACK], worker_stack[GUEST_STACK];

/** The real-mode guest's code, and the handlers in it for its interrupt vectors 8 and 10H. */
extern const uint8_t guest16_image[], guest16_image_end[], guest16_int8[], guest16_int10[];
