#pragma once
// A virtual machine with one virtual processor.
#include "vmx.h"

/** The guest's general registers while the host runs; vcpu.S knows the order. RSP is in the VMCS. */
struct registers {
  uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

/** A segment register as the VMCS describes it; rights in VMCS format, bit 16: unusable. */
struct segment {
  uint16_t selector;
  uint64_t base;
  uint32_t limit;
  uint32_t rights;
};

enum { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENT_COUNT };

/** Everything about a guest's processor that a VM entry loads. */
struct guest_state {
  uint64_t rip, rsp, cr0, cr3, cr4, efer;
  struct segment segments[SEGMENT_COUNT];
  uint64_t idt_base;
  uint32_t idt_limit;
};

/** How guest-linear addresses become host-physical ones. */
enum paging { PAGING_EPT, PAGING_SHADOW };

struct shadow;

#define LINE_LENGTH 100

struct vm {
  const char *name;
  struct registers registers;
  uint64_t cr2; // not in the VMCS: software loads and saves it
  bool launched, waiting, done;
  uint8_t timer_vector; // 0: the guest wants no timer interrupts
  bool tick_due;
  uint64_t device_value; // what the guest wrote last to the device at port 500H
  uint64_t private_msr;
  struct shadow *shadow; // 0 under EPT
  char line[LINE_LENGTH + 1]; // text that the guest prints, until its line is whole
  unsigned line_length;
  uint64_t exits, ticks;
  uint64_t exits_by_reason[EXIT_REASON_COUNT];
  uint8_t vmcs[PAGE_SIZE] __attribute__((aligned(4096)));
};

/** True when the processor runs a guest that has no paging: real mode, or protected mode before paging. */
bool vm_offers_unrestricted_guest(void);
bool vm_offers_ept(void);

/** The state of a processor in 64-bit mode, on the page tables that the host has now. */
struct guest_state guest_state_64(void (*entry)(void), void *stack_end);
/** The state of a processor in real mode at segment:0, with a stack at the end of that segment. */
struct guest_state guest_state_16(uint16_t segment);

/** Fills a VMCS for the guest. `vpid` must not be 0. */
void vm_create(struct vm *vm, const char *name, uint16_t vpid, enum paging paging, const struct guest_state *state);
/** Runs the guests by turns until each has halted with interrupts off. */
void vm_run_all(struct vm *const *vms, unsigned count);

/** exits.c: acts on the VM exit that just happened. Answers true when the guest's turn is over. */
bool handle_exit(struct vm *vm);
const char *exit_name(uint32_t reason);

/** Port of the device that the hypervisor makes up, and the MSR that it keeps for each guest. */
#define DEVICE_PORT 0x500
#define DEVICE_ANSWER 0x2a
#define PRIVATE_MSR 0x400000f0u
#define MSR_APIC_BASE 0x1b

/** Hypercalls: RAX the number, RBX and RCX arguments, answer in RAX. */
enum hypercall { CALL_PRINT_CHARACTER = 1, CALL_PRINT_TEXT = 2, CALL_ADD = 3, CALL_TIMER = 4 };
