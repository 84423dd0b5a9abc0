#pragma once
// What the 64-bit guests share. They know nothing of the hypervisor but its hypercalls.
#include "vm.h"

#define TIMER_VECTOR 0x20
#define VECTORS 0x21

static inline uint64_t hypercall(uint64_t number, uint64_t first, uint64_t second) {
  uint64_t answer;
  __asm__ volatile("vmcall" : "=a"(answer) : "a"(number), "b"(first), "c"(second) : "memory");
  return answer;
}

static inline void say(const char *text) { hypercall(CALL_PRINT_TEXT, (uintptr_t)text, 0); }

struct gate {
  uint16_t offset_low, selector, attributes, offset_middle;
  uint32_t offset_high, reserved;
};

#define GATE_INTERRUPT 0x8e00 // present, DPL 0, 64-bit interrupt gate

static inline struct gate interrupt_gate(uintptr_t handler) {
  return (struct gate){(uint16_t)handler, 0x08, GATE_INTERRUPT, (uint16_t)(handler >> 16), (uint32_t)(handler >> 32), 0};
}

static inline void load_idt(const struct gate *gates, uint16_t count) {
  const struct __attribute__((packed)) {
    uint16_t limit;
    uint64_t base;
  } pointer = {(uint16_t)(count * sizeof *gates - 1), (uintptr_t)gates};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

static inline void enable_interrupts(void) { __asm__ volatile("sti" : : : "memory"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("hlt" : : : "memory"); }

/** HLT with interrupts off: the guest has ended. */
static inline void __attribute__((noreturn)) end(void) {
  for (;;)
    __asm__ volatile("cli; hlt" : : : "memory");
}

struct interrupt_frame;
