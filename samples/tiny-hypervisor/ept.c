// Extended page tables (SDM, "EPT Translation Mechanism"): guest-physical addresses are host-physical addresses here.
#include "ept.h"

#include "vmx.h"

#define EPT_READ (1ull << 0)
#define EPT_WRITE (1ull << 1)
#define EPT_EXECUTE (1ull << 2)
#define EPT_ALL (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define EPT_WRITE_BACK (6ull << 3)
#define EPT_LARGE_PAGE (1ull << 7)
#define EPT_POINTER_FOUR_LEVELS (3ull << 3)
#define EPT_POINTER_WRITE_BACK 6ull

#define CAPABILITY_FOUR_LEVELS (1ull << 6)
#define CAPABILITY_WRITE_BACK (1ull << 14)
#define CAPABILITY_2_MIB_PAGES (1ull << 16)

#define ENTRIES 512
#define GIBIBYTES 4
#define LARGE_PAGE_SIZE 0x200000ull

typedef uint64_t ept_table[ENTRIES] __attribute__((aligned(4096)));
static ept_table pml4, pdpt, directories[GIBIBYTES];

uint64_t ept_identity_map(void) {
  uint64_t needed = CAPABILITY_FOUR_LEVELS | CAPABILITY_WRITE_BACK | CAPABILITY_2_MIB_PAGES;
  uint64_t offered = rdmsr(MSR_VMX_EPT_VPID_CAP);
  if ((offered & needed) != needed)
    fail("EPT with four levels, write-back and 2 MiB pages is needed (IA32_VMX_EPT_VPID_CAP is %lx)", offered);

  pml4[0] = (uintptr_t)pdpt | EPT_ALL;
  for (unsigned gibibyte = 0; gibibyte < GIBIBYTES; gibibyte++) {
    pdpt[gibibyte] = (uintptr_t)directories[gibibyte] | EPT_ALL;
    for (unsigned index = 0; index < ENTRIES; index++) {
      uint64_t address = (uint64_t)(gibibyte * ENTRIES + index) * LARGE_PAGE_SIZE;
      directories[gibibyte][index] = address | EPT_ALL | EPT_WRITE_BACK | EPT_LARGE_PAGE;
    }
  }
  return (uintptr_t)pml4 | EPT_POINTER_FOUR_LEVELS | EPT_POINTER_WRITE_BACK;
}
