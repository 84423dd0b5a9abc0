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

struct vm {
  const char *name;
  struct registers registers;
  uint64_t device_value; // what the guest wrote last to the device at port 500H
  uint64_t private_msr;
  bool halted;
  uint64_t exits;
  uint64_t exits_by_reason[EXIT_REASON_COUNT];
  uint8_t vmcs[PAGE_SIZE] __attribute__((aligned(4096)));
};

/** The state of a processor in 64-bit mode, sharing the host's page tables. */
struct guest_state guest_state_64(uint64_t rip, uint64_t rsp);
/** The state of a processor in real mode at segment:0, with a stack at the end of that segment. */
struct guest_state guest_state_16(uint16_t segment);

/** Fills a VMCS for the guest. `vpid` must not be 0. */
void vm_create(struct vm *vm, const char *name, uint16_t vpid, const struct guest_state *state);
/** Runs it until it halts. */
void vm_run(struct vm *vm);

/** exits.c: acts on the VM exit that just happened. */
void handle_exit(struct vm *vm);
const char *exit_name(uint32_t reason);

/** Port of the device that the hypervisor makes up, and the MSR that it keeps for each guest. */
#define DEVICE_PORT 0x500
#define DEVICE_ANSWER 0x2a
#define PRIVATE_MSR 0x400000f0u
#define MSR_APIC_BASE 0x1b

/** Hypercalls: RAX the number, RBX and RCX arguments, answer in RAX. */
enum hypercall { CALL_PRINT_CHARACTER = 1, CALL_PRINT_TEXT = 2, CALL_ADD = 3 };
