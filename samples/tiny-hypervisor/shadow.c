// Shadow page tables: without EPT the processor knows one set of page tables, so the guest's are never used by it. It runs on
// a shadow of them that starts empty and is filled at page faults, as a TLB would be. Guest-physical addresses are
// host-physical addresses here. (SDM, "Virtualizing Virtual Memory" describes the technique.)
#include "shadow.h"

#define PRESENT (1ull << 0)
#define WRITABLE (1ull << 1)
#define USER (1ull << 2)
#define ACCESSED (1ull << 5)
#define DIRTY (1ull << 6)
#define LARGE_PAGE (1ull << 7)
#define ADDRESS 0x000ffffffffff000ull
#define RIGHTS (PRESENT | WRITABLE | USER)

// Page-fault error code
#define ERROR_PRESENT (1u << 0)
#define ERROR_WRITE (1u << 1)
#define ERROR_USER (1u << 2)

#define LEVELS 4
#define ENTRIES 512
#define INDEX(linear, level) ((linear) >> (12 + 9 * ((level) - 1)) & (ENTRIES - 1))
#define PAGE_MASK(level) ((1ull << (12 + 9 * ((level) - 1))) - 1)

#define SHADOWS 4
#define TABLES 48 // of each shadow; when they are used up, all translations are dropped

typedef uint64_t table[ENTRIES] __attribute__((aligned(4096)));

struct shadow {
  table tables[TABLES]; // tables[0] is the PML4
  unsigned used;
  uint64_t guest_cr3;
};

static struct shadow shadows[SHADOWS];
static unsigned shadow_count;

static uint64_t *table_at(uint64_t entry) { return (uint64_t *)(uintptr_t)(entry & ADDRESS); }

static uint64_t *new_table(struct shadow *shadow) {
  uint64_t *made = shadow->tables[shadow->used++];
  for (unsigned index = 0; index < ENTRIES; index++)
    made[index] = 0;
  return made;
}

static void forget_all(struct shadow *shadow) {
  shadow->used = 0;
  new_table(shadow);
}

struct shadow *shadow_create(uint64_t guest_cr3) {
  if (shadow_count == SHADOWS)
    fail("more than %u guests with shadow page tables", SHADOWS);
  struct shadow *shadow = &shadows[shadow_count++];
  shadow_load_cr3(shadow, guest_cr3);
  vmwrite(GUEST_CR3, (uintptr_t)shadow->tables[0]);
  return shadow;
}

void shadow_load_cr3(struct shadow *shadow, uint64_t guest_cr3) {
  shadow->guest_cr3 = guest_cr3;
  forget_all(shadow);
}

uint64_t shadow_guest_cr3(const struct shadow *shadow) { return shadow->guest_cr3; }

/** The entry of the shadow's page table for an address; with `make`, tables on the way to it are made. 0 when there is none. */
static uint64_t *shadow_entry(struct shadow *shadow, uint64_t linear, bool make) {
  uint64_t *entries = shadow->tables[0];
  for (unsigned level = LEVELS; level > 1; level--) {
    uint64_t *entry = &entries[INDEX(linear, level)];
    if (!(*entry & PRESENT)) {
      if (!make)
        return 0;
      *entry = (uintptr_t)new_table(shadow) | RIGHTS; // the last level alone says what is allowed
    }
    entries = table_at(*entry);
  }
  return &entries[INDEX(linear, 1)];
}

void shadow_invalidate(struct shadow *shadow, uint64_t linear) {
  uint64_t *entry = shadow_entry(shadow, linear, false);
  if (entry)
    *entry = 0;
}

/** Every right that the access needs: of PRESENT, WRITABLE and USER. */
static uint64_t needed_rights(uint32_t error_code) {
  return PRESENT | (error_code & ERROR_WRITE ? WRITABLE : 0) | (error_code & ERROR_USER ? USER : 0);
}

bool shadow_fault(struct shadow *shadow, uint64_t linear, uint32_t *error_code) {
  const bool write = *error_code & ERROR_WRITE;
  uint64_t rights = RIGHTS;
  uint64_t *path[LEVELS];
  unsigned level = LEVELS, depth = 0;
  uint64_t *entries = table_at(shadow->guest_cr3);
  for (;; level--) {
    uint64_t *entry = &entries[INDEX(linear, level)];
    if (!(*entry & PRESENT)) {
      *error_code &= ~ERROR_PRESENT;
      return false;
    }
    rights &= *entry;
    path[depth++] = entry;
    if (level == 1 || (*entry & LARGE_PAGE))
      break;
    entries = table_at(*entry);
  }
  if ((rights & needed_rights(*error_code)) != needed_rights(*error_code)) { // CR0.WP is taken to be 1
    *error_code |= ERROR_PRESENT;
    return false;
  }

  // The processor would set these flags in the guest's tables; it never sees them, so the hypervisor does.
  for (unsigned index = 0; index < depth; index++)
    *path[index] |= ACCESSED;
  uint64_t *leaf = path[depth - 1];
  if (write)
    *leaf |= DIRTY;
  // A page that is not dirty is shadowed read-only: its first write faults and is seen here.
  if (!(*leaf & DIRTY))
    rights &= ~WRITABLE;

  if (shadow->used + LEVELS > TABLES)
    forget_all(shadow);
  uint64_t page = (*leaf & ADDRESS & ~PAGE_MASK(level)) | (linear & PAGE_MASK(level) & ADDRESS);
  *shadow_entry(shadow, linear, true) = page | rights;
  return true;
}
