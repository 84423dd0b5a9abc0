// Events for the guest (SDM, "Event Injection" and "Information for VM Exits That Occur During Event Delivery").
#include "events.h"

void events_resume_delivery(void) {
  uint32_t event = (uint32_t)vmread(IDT_VECTORING_INFORMATION);
  if (!(event & EVENT_VALID))
    return;
  vmwrite(ENTRY_INTERRUPTION_INFORMATION, event & ~EVENT_UNDEFINED);
  if (event & EVENT_HAS_ERROR_CODE)
    vmwrite(ENTRY_ERROR_CODE, vmread(IDT_VECTORING_ERROR_CODE));
  if (EVENT_TYPE(event) >= EVENT_TYPE_SOFTWARE_FIRST)
    vmwrite(ENTRY_INSTRUCTION_LENGTH, vmread(EXIT_INSTRUCTION_LENGTH));
}

void events_inject_fault(uint8_t vector, uint32_t error_code) {
  vmwrite(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | EVENT_HAS_ERROR_CODE | EVENT_HARDWARE_EXCEPTION | vector);
  vmwrite(ENTRY_ERROR_CODE, error_code);
}

bool events_interruptible(void) {
  return (vmread(GUEST_RFLAGS) & RFLAGS_IF) && !(vmread(GUEST_INTERRUPTIBILITY) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

static void interrupt_window_exiting(bool on) {
  uint64_t controls = vmread(PRIMARY_CONTROLS);
  vmwrite(PRIMARY_CONTROLS, on ? controls | INTERRUPT_WINDOW_EXITING : controls & ~(uint64_t)INTERRUPT_WINDOW_EXITING);
}

void events_inject_timer(struct vm *vm) {
  bool now = vm->tick_due && !(vmread(ENTRY_INTERRUPTION_INFORMATION) & EVENT_VALID) && events_interruptible();
  if (now) {
    vmwrite(ENTRY_INTERRUPTION_INFORMATION, EVENT_VALID | EVENT_EXTERNAL_INTERRUPT | vm->timer_vector);
    vm->tick_due = false;
    vm->ticks++;
  }
  interrupt_window_exiting(vm->tick_due);
}
