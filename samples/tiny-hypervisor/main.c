// tiny-hypervisor: VMX operation on; three guests that take turns, two in 64-bit mode and one in real mode; a summary of their VM exits.
#include "console.h"
#include "guests.h"
#include "vm.h"

#define MULTIBOOT_LOADED 0x2badb002u
#define EXIT_PORT 0xf4 // QEMU's isa-debug-exit: the run ends with status value * 2 + 1
#define EXIT_SUCCESS 0x10
#define EXIT_FAILURE 0x01

#define GUEST16_SEGMENT 0x0800
#define GUEST16_TABLE 0x0 // where a processor in real mode has its interrupt vector table

static struct vm guest64, guest16, worker;

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

/** The part of the multiboot information structure that is used here. */
struct multiboot {
  uint32_t flags, unused[3], command_line;
};
#define MULTIBOOT_COMMAND_LINE (1u << 2)

/** True when one of the words of the command line is `word`. */
static bool asked_for(const struct multiboot *information, const char *word) {
  if (!(information->flags & MULTIBOOT_COMMAND_LINE))
    return false;
  const char *at = (const char *)(uintptr_t)information->command_line;
  while (*at != 0) {
    const char *wanted = word;
    while (*wanted != 0 && *at == *wanted)
      at++, wanted++;
    if (*wanted == 0 && (*at == 0 || *at == ' '))
      return true;
    while (*at != 0 && *at != ' ')
      at++;
    while (*at == ' ')
      at++;
  }
  return false;
}

/** An entry of the real-mode interrupt vector table. */
static void set_vector(unsigned vector, const uint8_t *handler) {
  volatile uint16_t *entry = (volatile uint16_t *)(uintptr_t)(vector * 4 + GUEST16_TABLE);
  entry[0] = (uint16_t)(handler - guest16_image);
  entry[1] = GUEST16_SEGMENT;
}

/** Puts the real-mode guest's code at its segment, and its handlers into the interrupt vector table. */
static void load_guest16(void) {
  uint8_t *target = (uint8_t *)(uintptr_t)(GUEST16_SEGMENT << 4);
  for (const uint8_t *byte = guest16_image; byte < guest16_image_end; byte++)
    *target++ = *byte;
  set_vector(0x08, guest16_int8);
  set_vector(0x10, guest16_int10);
}

static void summarize(const struct vm *vm) {
  print("%s: %lu VM exits, %lu timer interrupts, device got %lx\n", vm->name, vm->exits, vm->ticks, vm->device_value);
  for (uint32_t reason = 0; reason < EXIT_REASON_COUNT; reason++) {
    if (vm->exits_by_reason[reason] != 0)
      print("  %lu %s\n", vm->exits_by_reason[reason], exit_name(reason));
  }
}

void main(uint32_t magic, const struct multiboot *information) {
  console_initialize();
  print("tiny-hypervisor: loaded by %s\n", magic == MULTIBOOT_LOADED ? "multiboot" : "something else");
  vmx_enable();
  bool shadow = !vm_offers_ept() || (magic == MULTIBOOT_LOADED && asked_for(information, "shadow"));
  enum paging paging = shadow ? PAGING_SHADOW : PAGING_EPT;
  print("guests' memory: %s\n", shadow ? "shadow page tables" : "EPT");

  struct vm *vms[3];
  unsigned count = 0;
  struct guest_state state = guest_state_64(guest64_main, guest64_stack + GUEST_STACK);
  vm_create(&guest64, "guest 1 (64-bit)", 1, paging, &state);
  vms[count++] = &guest64;
  if (!shadow && vm_offers_unrestricted_guest()) {
    load_guest16();
    state = guest_state_16(GUEST16_SEGMENT);
    vm_create(&guest16, "guest 2 (real mode)", 2, paging, &state);
    vms[count++] = &guest16;
  } else {
    print("guest 2 (real mode) is left out: it needs EPT and \"unrestricted guest\"\n");
  }
  state = guest_state_64(worker_main, worker_stack + GUEST_STACK);
  vm_create(&worker, "guest 3 (64-bit)", 3, paging, &state);
  vms[count++] = &worker;

  vm_run_all(vms, count);
  for (unsigned index = 0; index < count; index++)
    summarize(vms[index]);
  print("tiny-hypervisor: done\n");
  finish(EXIT_SUCCESS);
}
