// {{name}}: a hypervisor with one guest, which shares the page tables and descriptor tables of its host.
#include "hypervisor.h"

#include "console.h"
#include "vmx.h"

#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

#define RIGHTS_UNUSABLE 0x10000
#define RIGHTS_CODE_64 0xa09b // present, execute and read, accessed, 64-bit, limit in pages
#define RIGHTS_DATA 0xc093    // present, read and write, accessed, 32-bit stack, limit in pages
#define RIGHTS_BUSY_TSS 0x008b
#define RFLAGS_RESERVED 2
#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define TSS_SELECTOR 0x18
#define EXIT_PORT 0xf4

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

/** The guest's general registers while the host runs; vcpu.S knows the order. RSP is in the VMCS. */
struct registers {
  uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

extern uint8_t gdt[], tss[];
extern const uint8_t vcpu_exited[];
int vcpu_enter(struct registers *registers, bool launched);

uint64_t exit_count;
static uint8_t vmcs[PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t guest_stack[PAGE_SIZE] __attribute__((aligned(16)));

void finish(uint8_t value) {
  for (;;) {
    out8(EXIT_PORT, value);
    __asm__ volatile("cli; hlt");
  }
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print("{{name}}: ");
  print_list(format, arguments);
  print("\n");
  va_end(arguments);
  finish(1);
}

static void write_controls(void) {
  vmwrite(PIN_BASED_CONTROLS, vmx_controls(&pin_based, 0));
  vmwrite(PRIMARY_CONTROLS, vmx_controls(&primary, HLT_EXITING));
  vmwrite(EXIT_CONTROLS, vmx_controls(&vm_exit, HOST_ADDRESS_SPACE_SIZE));
  vmwrite(ENTRY_CONTROLS, vmx_controls(&vm_entry, IA32E_MODE_GUEST));
}

static void write_host_state(void) {
  vmwrite(HOST_CR0, read_cr0());
  vmwrite(HOST_CR3, read_cr3());
  vmwrite(HOST_CR4, read_cr4());
  vmwrite(HOST_CS_SELECTOR, CODE_SELECTOR);
  vmwrite(HOST_SS_SELECTOR, DATA_SELECTOR);
  vmwrite(HOST_DS_SELECTOR, DATA_SELECTOR);
  vmwrite(HOST_ES_SELECTOR, DATA_SELECTOR);
  vmwrite(HOST_TR_SELECTOR, TSS_SELECTOR);
  vmwrite(HOST_TR_BASE, (uintptr_t)tss);
  vmwrite(HOST_GDTR_BASE, (uintptr_t)gdt);
  vmwrite(HOST_RIP, (uintptr_t)vcpu_exited);
}

/** Encodings of the segments' fields lie two apart. */
static void write_segment(unsigned index, uint16_t selector, uint64_t base, uint32_t limit, uint32_t rights) {
  vmwrite(GUEST_ES_SELECTOR + 2 * index, selector);
  vmwrite(GUEST_ES_BASE + 2 * index, base);
  vmwrite(GUEST_ES_LIMIT + 2 * index, limit);
  vmwrite(GUEST_ES_ACCESS_RIGHTS + 2 * index, rights);
}

static void write_guest_state(void (*entry)(void)) {
  vmwrite(GUEST_CR0, read_cr0());
  vmwrite(GUEST_CR3, read_cr3());
  vmwrite(GUEST_CR4, read_cr4());
  write_segment(CS, CODE_SELECTOR, 0, 0xffffffff, RIGHTS_CODE_64);
  write_segment(SS, DATA_SELECTOR, 0, 0xffffffff, RIGHTS_DATA);
  write_segment(DS, DATA_SELECTOR, 0, 0xffffffff, RIGHTS_DATA);
  write_segment(ES, DATA_SELECTOR, 0, 0xffffffff, RIGHTS_DATA);
  write_segment(FS, 0, 0, 0, RIGHTS_UNUSABLE);
  write_segment(GS, 0, 0, 0, RIGHTS_UNUSABLE);
  write_segment(LDTR, 0, 0, 0, RIGHTS_UNUSABLE);
  write_segment(TR, TSS_SELECTOR, (uintptr_t)tss, 0x67, RIGHTS_BUSY_TSS);
  vmwrite(GUEST_GDTR_BASE, (uintptr_t)gdt);
  vmwrite(GUEST_GDTR_LIMIT, 0x27);
  vmwrite(GUEST_DR7, 0x400);
  vmwrite(GUEST_RSP, (uintptr_t)guest_stack + sizeof guest_stack - 8); // as after a CALL
  vmwrite(GUEST_RIP, (uintptr_t)entry);
  vmwrite(GUEST_RFLAGS, RFLAGS_RESERVED);
  vmwrite(VMCS_LINK_POINTER, ~0ull);
}

/** Fields that hold 0 here. VMCLEAR gives no field a value: all that a VM entry reads must be written. */
static const enum vmcs_field zero_fields[] = {
    EXCEPTION_BITMAP,       PAGE_FAULT_ERROR_MASK, PAGE_FAULT_ERROR_MATCH,
    CR3_TARGET_COUNT,       EXIT_MSR_STORE_COUNT,  EXIT_MSR_LOAD_COUNT,
    ENTRY_MSR_LOAD_COUNT,   CR0_GUEST_HOST_MASK,   ENTRY_INTERRUPTION_INFORMATION,
    CR4_GUEST_HOST_MASK,    CR0_READ_SHADOW,       CR4_READ_SHADOW,
    GUEST_DEBUGCTL,         GUEST_ACTIVITY_STATE,  GUEST_INTERRUPTIBILITY,
    GUEST_SYSENTER_CS,      GUEST_SYSENTER_ESP,    GUEST_SYSENTER_EIP,
    GUEST_IDTR_BASE,        GUEST_IDTR_LIMIT,      GUEST_PENDING_DEBUG_EXCEPTIONS,
    HOST_FS_SELECTOR,       HOST_GS_SELECTOR,      HOST_FS_BASE,
    HOST_GS_BASE,           HOST_IDTR_BASE,        HOST_SYSENTER_CS,
    HOST_SYSENTER_ESP,      HOST_SYSENTER_EIP,
};

/** CPUID always exits. The guest gets what the processor says, but for VMX, and the bit that tells of us. */
static void handle_cpuid(struct registers *guest) {
  uint32_t leaf = (uint32_t)guest->rax;
  struct cpuid answer = cpuid(leaf, (uint32_t)guest->rcx);
  if (leaf == 1)
    answer.ecx = (answer.ecx & ~CPUID_1_ECX_VMX) | CPUID_1_ECX_HYPERVISOR;
  guest->rax = answer.eax;
  guest->rbx = answer.ebx;
  guest->rcx = answer.ecx;
  guest->rdx = answer.edx;
}

/** Acts on the VM exit that just happened; false when the guest has halted. */
static bool handle_exit(struct registers *guest) {
  uint32_t reason = (uint32_t)vmread(EXIT_REASON);
  exit_count++;
  switch (reason) { // bit 31 is set when the VM entry failed: no case matches
  case EXIT_CPUID:
    handle_cpuid(guest);
    break;
  case EXIT_HLT:
    return false;
  default:
    fail("VM exit for a reason that nobody handles: %x", reason);
  }
  vmwrite(GUEST_RIP, vmread(GUEST_RIP) + vmread(EXIT_INSTRUCTION_LENGTH));
  return true;
}

void run_guest(void (*entry)(void)) {
  struct registers registers = {0};
  vmcs_create(vmcs);
  for (unsigned index = 0; index < sizeof zero_fields / sizeof zero_fields[0]; index++)
    vmwrite(zero_fields[index], 0);
  write_controls();
  write_host_state();
  write_guest_state(entry);
  for (bool launched = false;; launched = true) {
    if (vcpu_enter(&registers, launched) != 0)
      fail("VM entry failed, VM-instruction error %lu", vmread(VM_INSTRUCTION_ERROR));
    if (!handle_exit(&registers))
      return;
  }
}
