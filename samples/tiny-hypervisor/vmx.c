// VMX operation: what the processor offers, and how it is turned on.
#include "vmx.h"

#include "console.h"

#define FEATURE_CONTROL_LOCK (1u << 0)
#define FEATURE_CONTROL_VMX (1u << 2)
#define CPUID_VMX (1u << 5)
#define BASIC_TRUE_CONTROLS (1ull << 55)

const struct control_msr pin_based = {"pin-based controls", 0x481, 0x48d};
const struct control_msr primary = {"primary processor-based controls", 0x482, 0x48e};
const struct control_msr secondary = {"secondary processor-based controls", 0x48b, 0x48b};
const struct control_msr vm_exit = {"VM-exit controls", 0x483, 0x48f};
const struct control_msr vm_entry = {"VM-entry controls", 0x484, 0x490};

static uint8_t vmxon_region[PAGE_SIZE] __attribute__((aligned(4096)));

uint64_t vmread(enum vmcs_field field) {
  uint64_t value;
  bool failed;
  __asm__ volatile("vmread %2, %0" : "=r"(value), "=@ccna"(failed) : "r"((uint64_t)field) : "cc");
  // CCNA is "not above": CF or ZF, which is how VMfailInvalid and VMfailValid show.
  if (failed)
    fail("VMREAD of field %x failed", field);
  return value;
}

void vmwrite(enum vmcs_field field, uint64_t value) {
  bool failed;
  __asm__ volatile("vmwrite %1, %2" : "=@ccna"(failed) : "r"(value), "r"((uint64_t)field) : "cc");
  if (failed)
    fail("VMWRITE of field %x failed", field);
}

static uint64_t control_bits(const struct control_msr *control) {
  bool has_true = rdmsr(MSR_VMX_BASIC) & BASIC_TRUE_CONTROLS;
  return rdmsr(has_true ? control->true_msr : control->msr);
}

bool vmx_offers(const struct control_msr *control, uint32_t bits) {
  uint32_t allowed = (uint32_t)(control_bits(control) >> 32);
  return (bits & ~allowed) == 0;
}

uint32_t vmx_controls(const struct control_msr *control, uint32_t wanted) {
  if (!vmx_offers(control, wanted))
    fail("%s: %x is wanted, not all of it is offered", control->name, wanted);
  return wanted | (uint32_t)control_bits(control);
}

uint64_t vmx_fixed_cr0(uint64_t value) {
  return (value | rdmsr(MSR_VMX_CR0_FIXED0)) & rdmsr(MSR_VMX_CR0_FIXED1);
}

uint64_t vmx_fixed_cr4(uint64_t value) {
  return (value | rdmsr(MSR_VMX_CR4_FIXED0)) & rdmsr(MSR_VMX_CR4_FIXED1);
}

static uint32_t revision(void) { return (uint32_t)rdmsr(MSR_VMX_BASIC) & 0x7fffffff; }

void vmx_enable(void) {
  if (!(cpuid(1, 0).ecx & CPUID_VMX))
    fail("this processor has no VMX");
  uint64_t feature_control = rdmsr(MSR_FEATURE_CONTROL);
  if (!(feature_control & FEATURE_CONTROL_LOCK))
    wrmsr(MSR_FEATURE_CONTROL, feature_control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX);
  else if (!(feature_control & FEATURE_CONTROL_VMX))
    fail("firmware has locked VMX off (IA32_FEATURE_CONTROL is %lx)", feature_control);

  write_cr0(vmx_fixed_cr0(read_cr0()));
  write_cr4(vmx_fixed_cr4(read_cr4() | CR4_VMXE));

  *(uint32_t *)vmxon_region = revision();
  uint64_t address = (uintptr_t)vmxon_region;
  bool failed;
  __asm__ volatile("vmxon %1" : "=@ccna"(failed) : "m"(address) : "cc", "memory");
  if (failed)
    fail("VMXON failed");
  print("VMX operation: VMCS revision %x, %s control MSRs\n", revision(),
        rdmsr(MSR_VMX_BASIC) & BASIC_TRUE_CONTROLS ? "true" : "plain");
}

void vmcs_create(void *page) {
  *(uint32_t *)page = revision();
  uint64_t address = (uintptr_t)page;
  bool failed;
  __asm__ volatile("vmclear %1" : "=@ccna"(failed) : "m"(address) : "cc", "memory");
  if (failed)
    fail("VMCLEAR failed");
  vmcs_make_current(page);
}

void vmcs_make_current(void *page) {
  uint64_t address = (uintptr_t)page;
  bool failed;
  __asm__ volatile("vmptrld %1" : "=@ccna"(failed) : "m"(address) : "cc", "memory");
  if (failed)
    fail("VMPTRLD failed");
}
