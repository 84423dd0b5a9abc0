// The guest: code as any other, in VMX non-root operation.
#include "hypervisor.h"
#include "vmx.h"

volatile uint32_t seen_features;

void guest_main(void) {
  seen_features = cpuid(1, 0).ecx;
  for (;;)
    __asm__ volatile("hlt");
}
