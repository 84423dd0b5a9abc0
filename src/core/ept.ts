// The EPT walk: guest-physical to host-physical addresses (SDM "The Extended Page Table Mechanism (EPT)").

import {
  CR0,
  DELIVERING_VALID,
  EPTP,
  EXIT_GUEST_LINEAR,
  EXIT_GUEST_PHYSICAL,
  PAGE_CLEAN,
  PAGE_FLAGS,
  PML_ADDRESS,
  PML_INDEX,
  RAM,
  RAM_SIZE,
  RESERVED_PHYSICAL,
  SECONDARY_CONTROLS,
  VE_INFORMATION,
  VMCS_ADDRESS,
  VMX_OFFERS,
  WATCHES,
  WATCH_WRITE,
} from './layout.ts';
import { CR0_PE, VECTOR_VE } from './bits.ts';
import { F_EPTP_INDEX } from './generated/vmcs-offsets.ts';
import { host_mmio_read, host_mmio_write } from './host.ts';
import { leaveByUnwinding } from './intercepts.ts';
import { nmiUnblockedByIret, raiseNoError } from './events.ts';
import { aloneIfWatched, physicalAccess } from './watches.ts';

export const EPT_READ: u32 = 1;
export const EPT_WRITE: u32 = 2;
export const EPT_FETCH: u32 = 4;

/** What a guest-physical access is for; decides bits 7 and 8 of the exit qualification. */
export const FOR_LINEAR: u32 = 0x180; // the translation of a linear address
export const FOR_STRUCTURE: u32 = 0x80; // a paging-structure entry, on the way
export const FOR_PDPTE: u32 = 0; // the PDPTEs at a MOV to a control register: no linear address

export const REASON_EPT_VIOLATION: u32 = 48;
export const REASON_EPT_MISCONFIGURATION: u32 = 49;
export const REASON_PML_FULL: u32 = 62;

/** Bit of VMX_OFFERS: advanced VM-exit information for EPT violations. */
const OFFERS_ADVANCED: u32 = 1 << 3;
const OFFERS_2M: u32 = 1 << 6;
const OFFERS_1G: u32 = 1 << 7;
const OFFERS_EXECUTE_ONLY: u32 = 1 << 16;
const SECONDARY_PML: u32 = 1 << 17;
const SECONDARY_VE: u32 = 1 << 18;
const SUPPRESS_VE: u64 = 0x8000000000000000;
const SECONDARY_MODE_BASED_EXECUTE: u32 = 1 << 22;
const ADDRESS_BITS: u64 = 0x000ffffffffff000;
const LARGE: u64 = 1 << 7;
const ACCESSED: u64 = 1 << 8;
const DIRTY: u64 = 1 << 9;

/** Rights of the last walk: the AND of bits 0 to 2 (and 10, as bit 3) of the entries used. */
export let eptRights: u32 = 7;
/** Whether writes through the last translation need no further walk: no dirty flag is left to set. */
export let eptDirty: bool = true;
/** Linear address on whose behalf guest-physical accesses are made. */
let eptLinear: u64 = 0;

/** What paging makes of it, as bits 11:9 of an exit qualification (advanced VM-exit information for EPT violations). */
let eptPageBits: u32 = 0;

/** Names the linear address that the next guest-physical accesses belong to. */
export function setEptLinear(linear: u64): void {
  eptLinear = linear;
}

/** Says what paging makes of it: a user-mode address, writable, execute-disabled. */
export function setEptPage(user: bool, writable: bool, executeDisabled: bool): void {
  eptPageBits = (u32(user) << 9) | (u32(writable) << 10) | (u32(executeDisabled) << 11);
}

/** Reads a table entry in physical memory; where there is no RAM the bus answers. */
function readPhysical64(physical: u64): u64 {
  if (physical + 8 <= load<u64>(RAM_SIZE)) return load<u64>(RAM + <usize>physical);
  return host_mmio_read(physical, 8);
}

/** Writes a table entry; a page that was clean since the last snapshot no longer is. */
function writePhysical64(physical: u64, value: u64): void {
  if (physical + 8 > load<u64>(RAM_SIZE)) {
    host_mmio_write(physical, 8, value);
    return;
  }
  const flags = PAGE_FLAGS + <usize>(physical >> 12);
  if (load<u8>(flags) & PAGE_CLEAN) store<u8>(flags, load<u8>(flags) & ~PAGE_CLEAN);
  if (load<u32>(WATCHES)) physicalAccess(physical, 8, u64.MAX_VALUE, WATCH_WRITE);
  store<u64>(RAM + <usize>physical, value);
}

/** `entry` is the EPT entry that was not present or that mapped the page. */
function violation(guestPhysical: u64, access: u32, purpose: u32, rights: u32, entry: u64): void {
  const nmi: u32 = nmiUnblockedByIret() ? 1 << 12 : 0;
  const advanced = purpose == FOR_LINEAR && load<u32>(VMX_OFFERS) & OFFERS_ADVANCED ? eptPageBits : 0;
  const qualification = <u64>(access | ((rights & 15) << 3) | purpose | advanced | nmi);
  const linear = purpose ? eptLinear : 0;
  if (convertible(entry)) raiseVirtualization(qualification, linear, guestPhysical);
  store<u64>(EXIT_GUEST_PHYSICAL, guestPhysical);
  store<u64>(EXIT_GUEST_LINEAR, linear);
  leaveByUnwinding(REASON_EPT_VIOLATION, qualification);
}

/** SDM "Convertible EPT Violations" and the conditions under which one becomes #VE and not a VM exit. */
function convertible(entry: u64): bool {
  if (!(load<u32>(SECONDARY_CONTROLS) & SECONDARY_VE) || entry >> 63) return false;
  if (!(load<u64>(CR0) & CR0_PE) || load<u32>(DELIVERING_VALID)) return false;
  return !(readPhysical64(load<u64>(VE_INFORMATION)) >> 32);
}

/** #VE: the virtualization-exception information area, then vector 20. */
function raiseVirtualization(qualification: u64, linear: u64, guestPhysical: u64): void {
  aloneIfWatched();
  const area = load<u64>(VE_INFORMATION);
  writePhysical64(area, 0xffffffff00000000 | <u64>REASON_EPT_VIOLATION);
  writePhysical64(area + 8, qualification);
  writePhysical64(area + 16, linear);
  writePhysical64(area + 24, guestPhysical);
  const old = readPhysical64(area + 32) & ~(<u64>0xffff);
  writePhysical64(area + 32, old | <u64>load<u16>(load<u32>(VMCS_ADDRESS) + F_EPTP_INDEX));
  raiseNoError(VECTOR_VE);
}

function misconfiguration(guestPhysical: u64): void {
  store<u64>(EXIT_GUEST_PHYSICAL, guestPhysical);
  store<u64>(EXIT_GUEST_LINEAR, eptLinear);
  leaveByUnwinding(REASON_EPT_MISCONFIGURATION, 0);
}

/** Conditions of SDM "EPT Misconfigurations" for an entry that is present. */
function misconfigured(entry: u64, level: u32, leaf: bool): bool {
  if ((<u32>entry & 3) == 2) return true; // writable, not readable
  if (entry & load<u64>(RESERVED_PHYSICAL) & ADDRESS_BITS) return true;
  const offers = load<u32>(VMX_OFFERS);
  if (!(<u32>entry & 1) && !(offers & OFFERS_EXECUTE_ONLY)) return true;
  if (leaf && level > 1 && !(offers & (level == 2 ? OFFERS_2M : OFFERS_1G))) return true;
  if (leaf) {
    const type = (<u32>entry >> 3) & 7;
    if (type == 2 || type == 3 || type == 7) return true;
    if (level == 2) return (entry & 0x1ff000) != 0;
    if (level == 3) return (entry & 0x3ffff000) != 0;
    return false;
  }
  return (entry & (level >= 4 ? 0xf8 : 0x78)) != 0;
}

/**
 * Translates a guest-physical address for an access (EPT_* bits); `purpose` is one of FOR_*, `userPage` says whether the
 * linear address is a user-mode address (for mode-based execute control). Sets accessed and dirty flags where EPTP asks
 * for them, `eptRights` and `eptDirty`. Leaves by a VM exit on a violation or misconfiguration.
 */
export function eptTranslate(guestPhysical: u64, access: u32, purpose: u32, userPage: bool): u64 {
  const eptp = load<u64>(EPTP);
  const flags = (eptp & 0x40) != 0;
  const modeBased = (load<u32>(SECONDARY_CONTROLS) & SECONDARY_MODE_BASED_EXECUTE) != 0;
  const presentBits: u64 = modeBased ? 0x407 : 7;
  // With accessed and dirty flags, accesses to guest paging structures count as reads and writes.
  if (flags && purpose == FOR_STRUCTURE) access |= EPT_WRITE | EPT_READ;
  let level: u32 = (<u32>(eptp >> 3) & 7) + 1;
  let table = eptp & ADDRESS_BITS;
  let rights: u32 = modeBased ? 15 : 7;
  if (level == 4 && guestPhysical >> 48 != 0) violation(guestPhysical, access, purpose, 0, SUPPRESS_VE);
  let entryAddress: u64 = 0;
  let entry: u64 = 0;
  // Entries whose accessed flag is to be set once the access is known to be allowed.
  let upper0: u64 = 0;
  let upper1: u64 = 0;
  let upper2: u64 = 0;
  let upper3: u64 = 0;
  while (true) {
    const shift = <u64>(12 + 9 * (level - 1));
    entryAddress = table + (((guestPhysical >> shift) & 511) << 3);
    entry = readPhysical64(entryAddress);
    if (!(entry & presentBits)) violation(guestPhysical, access, purpose, 0, entry);
    const leaf = level == 1 || ((level == 2 || level == 3) && (entry & LARGE) != 0);
    if (misconfigured(entry, level, leaf)) misconfiguration(guestPhysical);
    rights &= (<u32>entry & 7) | (<u32>(entry >> 7) & 8);
    if (leaf) break;
    if (!(entry & ACCESSED)) {
      if (level == 5) upper3 = entryAddress;
      else if (level == 4) upper2 = entryAddress;
      else if (level == 3) upper1 = entryAddress;
      else upper0 = entryAddress;
    }
    table = entry & ADDRESS_BITS;
    level--;
  }
  let allowed = true;
  if (access & EPT_READ && !(rights & 1)) allowed = false;
  if (access & EPT_WRITE && !(rights & 2)) allowed = false;
  if (access & EPT_FETCH) {
    if (modeBased && userPage) {
      if (!(rights & 8)) allowed = false;
    } else if (!(rights & 4)) allowed = false;
  }
  if (!allowed) violation(guestPhysical, access, purpose, rights, entry);
  if (flags) {
    const due: u64 = access & EPT_WRITE ? ACCESSED | DIRTY : ACCESSED;
    if (upper0 | upper1 | upper2 | upper3 || (entry & due) != due) aloneIfWatched();
    if (access & EPT_WRITE && !(entry & DIRTY) && load<u32>(SECONDARY_CONTROLS) & SECONDARY_PML)
      logDirtyPage(guestPhysical);
    if (upper3) writePhysical64(upper3, readPhysical64(upper3) | ACCESSED);
    if (upper2) writePhysical64(upper2, readPhysical64(upper2) | ACCESSED);
    if (upper1) writePhysical64(upper1, readPhysical64(upper1) | ACCESSED);
    if (upper0) writePhysical64(upper0, readPhysical64(upper0) | ACCESSED);
    if ((entry & due) != due) {
      entry |= due;
      writePhysical64(entryAddress, entry);
    }
    eptDirty = (entry & DIRTY) != 0;
  } else eptDirty = true;
  eptRights = rights;
  const offsetMask: u64 = ((<u64>1) << (<u64>(12 + 9 * (level - 1)))) - 1;
  return (entry & ADDRESS_BITS & ~offsetMask) | (guestPhysical & offsetMask);
}

/** SDM "Page-Modification Logging": before a dirty flag is set, its page is logged; a full log is a VM exit. */
function logDirtyPage(guestPhysical: u64): void {
  const index = load<u32>(PML_INDEX) & 0xffff;
  if (index > 511) {
    store<u64>(EXIT_GUEST_PHYSICAL, guestPhysical);
    store<u64>(EXIT_GUEST_LINEAR, eptLinear);
    leaveByUnwinding(REASON_PML_FULL, nmiUnblockedByIret() ? 1 << 12 : 0);
  }
  writePhysical64(load<u64>(PML_ADDRESS) + ((<u64>index) << 3), guestPhysical & ~(<u64>0xfff));
  store<u32>(PML_INDEX, (index - 1) & 0xffff);
}
