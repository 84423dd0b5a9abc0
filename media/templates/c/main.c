// From start.S, in 64-bit mode: VMX operation on, the guest, a summary.
#include "console.h"
#include "hypervisor.h"
#include "vmx.h"

void main(void) {
  console_initialize();
  vmx_enable();
  run_guest(guest_main);
  print("{{name}}: the guest has halted after %lu VM exits\n", exit_count);
  finish(0);
}
