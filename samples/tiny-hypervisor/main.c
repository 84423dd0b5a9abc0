// tiny-hypervisor: VMX operation on, one guest in 64-bit mode, one in real mode, a summary of their VM exits.
#include "console.h"
#include "vm.h"

#define MULTIBOOT_LOADED 0x2badb002u
#define EXIT_PORT 0xf4 // QEMU's isa-debug-exit: the run ends with status value * 2 + 1
#define EXIT_SUCCESS 0x10
#define EXIT_FAILURE 0x01

#define GUEST16_SEGMENT 0x0800
#define VECTOR_10H 0x40 // address of its entry in the real-mode interrupt vector table

void guest64_main(void);
extern const uint8_t guest16_image[], guest16_image_end[], guest16_int10[];

static struct vm guest64, guest16;
static uint8_t guest64_stack[8192] __attribute__((aligned(16)));

static void __attribute__((noreturn)) finish(uint8_t value) {
  for (;;) {
    out8(EXIT_PORT, value);
    __asm__ volatile("cli; hlt");
  }
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print("tiny-hypervisor: ");
  print_list(format, arguments);
  print("\n");
  va_end(arguments);
  finish(EXIT_FAILURE);
}

/** Puts the real-mode guest's code at its segment, and its service routine into the interrupt vector table. */
static void load_guest16(void) {
  uint8_t *target = (uint8_t *)(uintptr_t)(GUEST16_SEGMENT << 4);
  for (const uint8_t *byte = guest16_image; byte < guest16_image_end; byte++)
    *target++ = *byte;
  volatile uint16_t *vector = (volatile uint16_t *)(uintptr_t)VECTOR_10H;
  vector[0] = (uint16_t)(guest16_int10 - guest16_image);
  vector[1] = GUEST16_SEGMENT;
}

static void summarize(const struct vm *vm) {
  print("%s: %lu VM exits, device got %lx\n", vm->name, vm->exits, vm->device_value);
  for (uint32_t reason = 0; reason < EXIT_REASON_COUNT; reason++) {
    if (vm->exits_by_reason[reason] != 0)
      print("  %lu %s\n", vm->exits_by_reason[reason], exit_name(reason));
  }
}

void main(uint32_t magic) {
  console_initialize();
  print("tiny-hypervisor: loaded by %s\n", magic == MULTIBOOT_LOADED ? "multiboot" : "something else");
  vmx_enable();

  struct guest_state state = guest_state_64((uintptr_t)guest64_main, (uintptr_t)guest64_stack + sizeof guest64_stack - 8);
  vm_create(&guest64, "guest 1 (64-bit)", 1, &state);
  vm_run(&guest64);

  load_guest16();
  state = guest_state_16(GUEST16_SEGMENT);
  vm_create(&guest16, "guest 2 (real mode)", 2, &state);
  vm_run(&guest16);

  summarize(&guest64);
  summarize(&guest16);
  print("tiny-hypervisor: done\n");
  finish(EXIT_SUCCESS);
}
