#pragma once
#include <stdint.h>

/** Number of VM exits so far, and what the guest saw of CPUID leaf 1 in ECX. */
extern uint64_t exit_count;
extern volatile uint32_t seen_features;

/** The guest: runs in VMX non-root operation. */
void guest_main(void);
/** Runs code as a guest until it halts. VMX operation must be on: vmx_enable(). */
void run_guest(void (*entry)(void));
/** Ends the run; 0 means success. */
void __attribute__((noreturn)) finish(uint8_t value);
