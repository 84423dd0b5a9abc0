// Tests of {{name}}: each function test_... is called on a machine of its own, and passes when it returns.
#include "console.h"
#include "hypervisor.h"
#include "vmx.h"

/** The program runs up to here once; then tests are called. */
__attribute__((noinline)) void ready_for_tests(void) { __asm__ volatile(""); }

/** Is called before each test. */
void before_tests(void) { vmx_enable(); }

void main(void) {
  console_initialize();
  ready_for_tests();
}

static void expect(bool holds, const char *what) {
  if (!holds)
    fail("expected: %s", what);
}

void test_guest_sees_a_hypervisor(void) {
  run_guest(guest_main);
  expect(seen_features >> 31 == 1, "CPUID leaf 1 tells of a hypervisor");
}

void test_guest_does_not_see_vmx(void) {
  run_guest(guest_main);
  expect((seen_features >> 5 & 1) == 0, "CPUID leaf 1 does not tell of VMX");
}

void test_guest_exits_twice(void) {
  run_guest(guest_main);
  expect(exit_count == 2, "two VM exits: CPUID and HLT"); // @assert exits == 2
}
