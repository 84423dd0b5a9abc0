// What the hypervisor does at each VM exit.
#include "console.h"
#include "events.h"
#include "shadow.h"
#include "vm.h"

#define CPUID_LEAF_HYPERVISOR 0x40000000u
#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

#define IO_SIZE(qualification) (((qualification) & 7) + 1)
#define IO_IS_INPUT(qualification) ((qualification) >> 3 & 1)
#define IO_IS_STRING(qualification) ((qualification) >> 4 & 1)
#define IO_PORT(qualification) ((qualification) >> 16 & 0xffff)

#define CR_NUMBER(qualification) ((qualification) & 0xf)
#define CR_ACCESS(qualification) ((qualification) >> 4 & 3)
#define CR_MOV_TO 0
#define CR_REGISTER(qualification) ((qualification) >> 8 & 0xf)

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

/** A guest that halts with interrupts on waits for its timer; with interrupts off it has ended. */
static bool handle_hlt(struct vm *vm) {
  vm->waiting = true;
  vm->done = !(vmread(GUEST_RFLAGS) & RFLAGS_IF);
  return true;
}

/** Text comes out line by line, so that guests that run by turns do not mix their words. */
static void guest_prints(struct vm *vm, char character) {
  if (character != '\n')
    vm->line[vm->line_length++] = character;
  if (character != '\n' && vm->line_length < LINE_LENGTH)
    return;
  vm->line[vm->line_length] = 0;
  print("%s\n", vm->line);
  vm->line_length = 0;
}

static bool handle_vmcall(struct vm *vm) {
  struct registers *guest = &vm->registers;
  switch (guest->rax) {
  case CALL_PRINT_CHARACTER:
    guest_prints(vm, (char)guest->rbx);
    break;
  case CALL_PRINT_TEXT: // the guests map their text where it is: guest-linear and host-physical addresses are the same
    for (const char *at = (const char *)guest->rbx; *at != 0; at++)
      guest_prints(vm, *at);
    break;
  case CALL_ADD:
    guest->rax = guest->rbx + guest->rcx;
    break;
  case CALL_TIMER:
    vm->timer_vector = (uint8_t)guest->rbx;
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

static bool handle_exception(struct vm *vm) {
  uint32_t event = (uint32_t)vmread(EXIT_INTERRUPTION_INFORMATION);
  uint64_t linear = vmread(EXIT_QUALIFICATION);
  uint32_t error_code = (uint32_t)vmread(EXIT_INTERRUPTION_ERROR_CODE);
  if (!vm->shadow || EVENT_VECTOR(event) != VECTOR_PAGE_FAULT)
    fail("%s: exception %u", vm->name, EVENT_VECTOR(event));
  if (shadow_fault(vm->shadow, linear, &error_code))
    return false;
  if (vmread(IDT_VECTORING_INFORMATION) & EVENT_VALID)
    fail("%s: page fault at %lx while an event was delivered", vm->name, linear);
  vm->cr2 = linear;
  events_inject_fault(VECTOR_PAGE_FAULT, error_code);
  return false;
}

/** The next entry of the loop in vm.c injects what waits. */
static bool handle_interrupt_window(struct vm *vm) {
  (void)vm;
  return false;
}

static bool handle_preemption_timer(struct vm *vm) {
  (void)vm;
  return false;
}

static bool handle_invlpg(struct vm *vm) {
  shadow_invalidate(vm->shadow, vmread(EXIT_QUALIFICATION));
  return true;
}

/** The general register with a number as instructions encode it. */
static uint64_t *guest_register(struct vm *vm, unsigned number) {
  struct registers *guest = &vm->registers;
  uint64_t *const order[16] = {&guest->rax, &guest->rcx, &guest->rdx, &guest->rbx, 0,           &guest->rbp,
                               &guest->rsi, &guest->rdi, &guest->r8,  &guest->r9,  &guest->r10, &guest->r11,
                               &guest->r12, &guest->r13, &guest->r14, &guest->r15};
  if (!order[number])
    fail("%s: a control register from or to RSP", vm->name);
  return order[number];
}

/** MOV to and from CR3, under shadow page tables: the guest must see its own value and have it used. */
static bool handle_cr_access(struct vm *vm) {
  uint64_t qualification = vmread(EXIT_QUALIFICATION);
  uint64_t *value = guest_register(vm, CR_REGISTER(qualification));
  if (!vm->shadow || CR_NUMBER(qualification) != 3)
    fail("%s: control-register access, qualification %lx", vm->name, qualification);
  if (CR_ACCESS(qualification) == CR_MOV_TO)
    shadow_load_cr3(vm->shadow, *value);
  else
    *value = shadow_guest_cr3(vm->shadow);
  return true;
}

static bool handle_ept_violation(struct vm *vm) {
  fail("%s: EPT violation at guest-physical address %lx, qualification %lx", vm->name, vmread(GUEST_PHYSICAL_ADDRESS),
       vmread(EXIT_QUALIFICATION));
}

static bool handle_triple_fault(struct vm *vm) { fail("%s: triple fault", vm->name); }

static const struct exit_handler handlers[EXIT_REASON_COUNT] = {
    [EXIT_EXCEPTION] = {"exception or NMI", handle_exception},
    [EXIT_TRIPLE_FAULT] = {"triple fault", handle_triple_fault},
    [EXIT_INTERRUPT_WINDOW] = {"interrupt window", handle_interrupt_window},
    [EXIT_CPUID] = {"CPUID", handle_cpuid},
    [EXIT_HLT] = {"HLT", handle_hlt},
    [EXIT_INVLPG] = {"INVLPG", handle_invlpg},
    [EXIT_VMCALL] = {"VMCALL", handle_vmcall},
    [EXIT_CR_ACCESS] = {"control-register access", handle_cr_access},
    [EXIT_IO] = {"I/O instruction", handle_io},
    [EXIT_RDMSR] = {"RDMSR", handle_rdmsr},
    [EXIT_WRMSR] = {"WRMSR", handle_wrmsr},
    [EXIT_EPT_VIOLATION] = {"EPT violation", handle_ept_violation},
    [EXIT_PREEMPTION_TIMER] = {"VMX-preemption timer expired", handle_preemption_timer},
};

const char *exit_name(uint32_t reason) {
  const char *name = reason < EXIT_REASON_COUNT ? handlers[reason].name : 0;
  return name ? name : "?";
}

/** As the processor does after an instruction: the next one begins, and blocking by STI and MOV SS is over. */
static void skip_instruction(void) {
  vmwrite(GUEST_RIP, vmread(GUEST_RIP) + vmread(EXIT_INSTRUCTION_LENGTH));
  vmwrite(GUEST_INTERRUPTIBILITY, vmread(GUEST_INTERRUPTIBILITY) & ~(uint64_t)(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

bool handle_exit(struct vm *vm) {
  uint32_t reason = (uint32_t)vmread(EXIT_REASON);
  if (reason & EXIT_ENTRY_FAILURE)
    fail("%s: VM entry failed with exit reason %u, qualification %lx", vm->name, reason & 0xffff, vmread(EXIT_QUALIFICATION));
  vm->exits++;
  if (reason >= EXIT_REASON_COUNT || !handlers[reason].handle)
    fail("%s: no handler for exit reason %u", vm->name, reason);
  vm->exits_by_reason[reason]++;
  events_resume_delivery();
  if (handlers[reason].handle(vm))
    skip_instruction();
  return vm->waiting || reason == EXIT_PREEMPTION_TIMER;
}
