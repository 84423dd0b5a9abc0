// The first guest: 64-bit code in VMX non-root operation that checks what it sees, with interrupts and page tables of its own.
#include "guest-library.h"
#include "guests.h"

#define PAGE_PRESENT (1ull << 0)
#define PAGE_WRITABLE (1ull << 1)
#define PAGE_ACCESSED (1ull << 5)
#define PAGE_DIRTY (1ull << 6)
#define PRESENT_WRITABLE (PAGE_PRESENT | PAGE_WRITABLE)
#define FAULT_WRITE 2

/** Linear addresses that only this guest's own tables translate: the first of PML4 entry 1. */
#define WINDOW 0x8000000000ull
#define TICKS 3

typedef uint64_t table[512] __attribute__((aligned(4096)));

uint8_t guest64_stack[GUEST_STACK] __attribute__((aligned(16)));
static struct gate gates[VECTORS];
static volatile uint32_t ticks;
static table pml4, pdpt, directory, pages;
static uint64_t first[512] __attribute__((aligned(4096))), second[512] __attribute__((aligned(4096)));
static volatile uint64_t fault_address, fault_error;

static void expect(bool holds, const char *what) {
  say(holds ? "guest 1: as expected: " : "guest 1: WRONG: ");
  say(what);
  say("\n");
}

static __attribute__((interrupt)) void on_timer(struct interrupt_frame *frame) {
  (void)frame;
  ticks++;
}

/** Maps the page that was missing, as an operating system does for memory that is used for the first time. */
static __attribute__((interrupt)) void on_page_fault(struct interrupt_frame *frame, uint64_t error_code) {
  (void)frame;
  fault_address = read_cr2();
  fault_error = error_code;
  pages[1] = (uintptr_t)second | PRESENT_WRITABLE;
}

static void check_paging(void) {
  const uint64_t *old = (const uint64_t *)(uintptr_t)read_cr3();
  pml4[0] = old[0];
  pml4[1] = (uintptr_t)pdpt | PRESENT_WRITABLE;
  pdpt[0] = (uintptr_t)directory | PRESENT_WRITABLE;
  directory[0] = (uintptr_t)pages | PRESENT_WRITABLE;
  pages[0] = (uintptr_t)first | PRESENT_WRITABLE;
  write_cr3((uintptr_t)pml4);
  expect(read_cr3() == (uintptr_t)pml4, "CR3 reads as it was loaded");

  volatile uint64_t *window = (volatile uint64_t *)WINDOW;
  first[5] = 111;
  second[5] = 222;
  expect(window[5] == 111 && !(pages[0] & PAGE_DIRTY), "its page tables map a page");
  window[5] = 112;
  expect(first[5] == 112 && (pages[0] & PAGE_ACCESSED) && (pages[0] & PAGE_DIRTY), "a write makes the page dirty");
  pages[0] = (uintptr_t)second | PRESENT_WRITABLE;
  __asm__ volatile("invlpg %0" : : "m"(*(const char *)WINDOW) : "memory");
  expect(window[5] == 222, "after INVLPG the page is another");
  window[512 + 6] = 333;
  expect(second[6] == 333 && fault_address == WINDOW + PAGE_SIZE + 6 * 8 && fault_error == FAULT_WRITE,
         "a page fault is its own, and the write is made again");
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

  gates[VECTOR_PAGE_FAULT] = interrupt_gate((uintptr_t)on_page_fault);
  gates[TIMER_VECTOR] = interrupt_gate((uintptr_t)on_timer);
  load_idt(gates, VECTORS);
  check_paging();

  hypercall(CALL_TIMER, TIMER_VECTOR, 0);
  enable_interrupts();
  while (ticks < TICKS)
    wait_for_interrupt();
  expect(ticks == TICKS, "timer interrupts come in through its IDT");
  end();
}
