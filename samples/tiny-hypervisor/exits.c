// What the hypervisor does at each VM exit.
#include "console.h"
#include "vm.h"

#define CPUID_LEAF_HYPERVISOR 0x40000000u
#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

#define IO_SIZE(qualification) (((qualification) & 7) + 1)
#define IO_IS_INPUT(qualification) ((qualification) >> 3 & 1)
#define IO_IS_STRING(qualification) ((qualification) >> 4 & 1)
#define IO_PORT(qualification) ((qualification) >> 16 & 0xffff)

struct exit_handler {
  const char *name;
  /** Answers true when the guest goes on behind the instruction that exited. */
  bool (*handle)(struct vm *vm);
};

static bool handle_cpuid(struct vm *vm) {
  struct registers *guest = &vm->registers;
  uint32_t leaf = (uint32_t)guest->rax;
  struct cpuid answer = cpuid(leaf, (uint32_t)guest->rcx);
  if (leaf == 1)
    answer.ecx = (answer.ecx & ~CPUID_1_ECX_VMX) | CPUID_1_ECX_HYPERVISOR;
  if (leaf == CPUID_LEAF_HYPERVISOR)
    answer = (struct cpuid){CPUID_LEAF_HYPERVISOR, 0x796e6954, 0x65707948, 0x73697672}; // "TinyHypervis"
  guest->rax = answer.eax;
  guest->rbx = answer.ebx;
  guest->rcx = answer.ecx;
  guest->rdx = answer.edx;
  return true;
}

static bool handle_hlt(struct vm *vm) {
  vm->halted = true;
  return true;
}

static bool handle_vmcall(struct vm *vm) {
  struct registers *guest = &vm->registers;
  switch (guest->rax) {
  case CALL_PRINT_CHARACTER:
    print_character((char)guest->rbx);
    break;
  case CALL_PRINT_TEXT: // guest-linear, guest-physical and host-physical addresses are the same here
    print("%s", (const char *)guest->rbx);
    break;
  case CALL_ADD:
    guest->rax = guest->rbx + guest->rcx;
    break;
  default:
    guest->rax = ~0ull;
  }
  return true;
}

static bool handle_io(struct vm *vm) {
  uint64_t qualification = vmread(EXIT_QUALIFICATION);
  if (IO_PORT(qualification) != DEVICE_PORT || IO_IS_STRING(qualification) || IO_SIZE(qualification) != 1)
    fail("%s: I/O that the device does not know, qualification %lx", vm->name, qualification);
  if (IO_IS_INPUT(qualification))
    vm->registers.rax = (vm->registers.rax & ~0xffull) | DEVICE_ANSWER;
  else
    vm->device_value = vm->registers.rax & 0xff;
  return true;
}

static bool handle_rdmsr(struct vm *vm) {
  struct registers *guest = &vm->registers;
  uint32_t msr = (uint32_t)guest->rcx;
  if (msr != PRIVATE_MSR && msr != MSR_APIC_BASE)
    fail("%s: RDMSR %x", vm->name, msr);
  uint64_t value = msr == PRIVATE_MSR ? vm->private_msr : 0; // this guest has no local APIC
  guest->rax = (uint32_t)value;
  guest->rdx = value >> 32;
  return true;
}

static bool handle_wrmsr(struct vm *vm) {
  struct registers *guest = &vm->registers;
  if ((uint32_t)guest->rcx != PRIVATE_MSR)
    fail("%s: WRMSR %x", vm->name, (uint32_t)guest->rcx);
  vm->private_msr = guest->rdx << 32 | (uint32_t)guest->rax;
  return true;
}

static bool handle_ept_violation(struct vm *vm) {
  fail("%s: EPT violation at guest-physical address %lx, qualification %lx", vm->name, vmread(GUEST_PHYSICAL_ADDRESS),
       vmread(EXIT_QUALIFICATION));
}

static bool handle_triple_fault(struct vm *vm) { fail("%s: triple fault", vm->name); }

static const struct exit_handler handlers[EXIT_REASON_COUNT] = {
    [EXIT_TRIPLE_FAULT] = {"triple fault", handle_triple_fault},
    [EXIT_CPUID] = {"CPUID", handle_cpuid},
    [EXIT_HLT] = {"HLT", handle_hlt},
    [EXIT_VMCALL] = {"VMCALL", handle_vmcall},
    [EXIT_IO] = {"I/O instruction", handle_io},
    [EXIT_RDMSR] = {"RDMSR", handle_rdmsr},
    [EXIT_WRMSR] = {"WRMSR", handle_wrmsr},
    [EXIT_EPT_VIOLATION] = {"EPT violation", handle_ept_violation},
};

const char *exit_name(uint32_t reason) {
  const char *name = reason < EXIT_REASON_COUNT ? handlers[reason].name : 0;
  return name ? name : "?";
}

void handle_exit(struct vm *vm) {
  uint32_t reason = (uint32_t)vmread(EXIT_REASON);
  if (reason & EXIT_ENTRY_FAILURE)
    fail("%s: VM entry failed with exit reason %u, qualification %lx", vm->name, reason & 0xffff, vmread(EXIT_QUALIFICATION));
  vm->exits++;
  if (reason >= EXIT_REASON_COUNT || !handlers[reason].handle)
    fail("%s: no handler for exit reason %u", vm->name, reason);
  vm->exits_by_reason[reason]++;
  if (handlers[reason].handle(vm))
    vmwrite(GUEST_RIP, vmread(GUEST_RIP) + vmread(EXIT_INSTRUCTION_LENGTH));
}
