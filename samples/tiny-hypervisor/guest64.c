// The first guest: 64-bit code in VMX non-root operation. It knows nothing of the hypervisor but its hypercalls.
#include "vm.h"

static uint64_t hypercall(uint64_t number, uint64_t first, uint64_t second) {
  uint64_t answer;
  __asm__ volatile("vmcall" : "=a"(answer) : "a"(number), "b"(first), "c"(second) : "memory");
  return answer;
}

static void say(const char *text) { hypercall(CALL_PRINT_TEXT, (uintptr_t)text, 0); }

static void expect(bool holds, const char *what) {
  say(holds ? "guest 1: as expected: " : "guest 1: WRONG: ");
  say(what);
  say("\n");
}

void guest64_main(void) {
  say("guest 1: hello from 64-bit mode in VMX non-root operation\n");

  struct cpuid features = cpuid(1, 0);
  expect((features.ecx >> 31 & 1) && !(features.ecx >> 5 & 1), "CPUID shows a hypervisor and no VMX");
  expect(!(read_cr4() & CR4_VMXE), "CR4.VMXE reads as the shadow has it");
  expect(hypercall(CALL_ADD, 40, 2) == 42, "a hypercall adds");

  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "d"((uint16_t)DEVICE_PORT));
  expect(value == DEVICE_ANSWER, "the made-up device answers");
  __asm__ volatile("outb %0, %1" : : "a"((uint8_t)(value + 1)), "d"((uint16_t)DEVICE_PORT));

  wrmsr(PRIVATE_MSR, 0x123456789abcdef0);
  expect(rdmsr(PRIVATE_MSR) == 0x123456789abcdef0, "a private MSR keeps its value");
  expect(rdmsr(MSR_APIC_BASE) == 0, "IA32_APIC_BASE is hidden");

  __asm__ volatile("hlt");
}
