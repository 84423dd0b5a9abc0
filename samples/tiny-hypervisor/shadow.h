#pragma once
#include "vm.h"

/** Shadow page tables for one guest, empty, over the guest's page tables at `guest_cr3`; the VMCS that is current gets them as CR3. */
struct shadow *shadow_create(uint64_t guest_cr3);
/** The guest loads CR3: its tables are others now, and every translation is forgotten. */
void shadow_load_cr3(struct shadow *shadow, uint64_t guest_cr3);
uint64_t shadow_guest_cr3(const struct shadow *shadow);
/** The guest invalidates the translation of one page. */
void shadow_invalidate(struct shadow *shadow, uint64_t linear);

/**
 * A page fault in the guest. Where the guest's own tables allow the access, the shadow tables get the translation and the
 * answer is true; otherwise the fault is the guest's, and `*error_code` is the one that it must see.
 */
bool shadow_fault(struct shadow *shadow, uint64_t linear, uint32_t *error_code);
