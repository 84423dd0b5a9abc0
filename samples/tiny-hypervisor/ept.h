#pragma once
#include <stdint.h>

/** Builds an identity map of the first 4 GiB of guest-physical memory and answers the EPT pointer for the VMCS. */
uint64_t ept_identity_map(void);
