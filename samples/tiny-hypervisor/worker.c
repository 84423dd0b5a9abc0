// The third guest: 64-bit code that only computes. It makes no VM exits of its own but one hypercall for its result, and would keep the processor
// for itself if the VMX-preemption timer did not take it away.
#include "guest-library.h"
#include "guests.h"

#define LIMIT 3000

uint8_t worker_stack[GUEST_STACK] __attribute__((aligned(16)));
static struct gate gates[VECTORS];
static volatile uint32_t ticks;

static __attribute__((interrupt)) void on_timer(struct interrupt_frame *frame) {
  (void)frame;
  ticks++;
}

static bool is_prime(uint32_t number) {
  for (uint32_t divisor = 2; divisor < number; divisor++) {
    if (number % divisor == 0)
      return false;
  }
  return number > 1;
}

static void say_number(uint32_t number) {
  char digits[11];
  unsigned at = sizeof digits - 1;
  digits[at] = 0;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  say(digits + at);
}

void worker_main(void) {
  gates[TIMER_VECTOR] = interrupt_gate((uintptr_t)on_timer);
  load_idt(gates, VECTORS);
  hypercall(CALL_TIMER, TIMER_VECTOR, 0);
  enable_interrupts();
  uint32_t count = 0;
  for (uint32_t number = 0; number < LIMIT; number++)
    count += is_prime(number);
  say("guest 3: ");
  say_number(count);
  say(ticks > 0 ? " primes below 3000, and timer interrupts meanwhile\n" : " primes below 3000, and no timer interrupt\n");
  end();
}
