#pragma once
#include "vm.h"

/** After a VM exit: an event whose delivery the exit cut off is injected again at the next VM entry. */
void events_resume_delivery(void);
/** Injects an exception with an error code. */
void events_inject_fault(uint8_t vector, uint32_t error_code);
/** Before a VM entry: injects a timer interrupt that is due, or asks for an exit as soon as the guest can take it. */
void events_inject_timer(struct vm *vm);
/** True when the guest takes external interrupts at its present instruction. */
bool events_interruptible(void);
