// Linear to physical addresses in every paging mode (SDM "Paging"), page faults, and what may enter the TLB.

import {
  ABSENT,
  ABSENT_PAGE_1G,
  ACCESS_EXECUTE,
  ACCESS_READ,
  ACCESS_WRITE,
  CPL,
  CR0,
  CR3,
  CR4,
  EFER,
  EPTP,
  EVENT_CR2,
  LARGE_PAGES,
  LAST_PHYSICAL,
  NON_ROOT,
  PAGE_CLEAN,
  PAGE_DEVICE,
  PAGE_FLAGS,
  PAGE_SLOW_READ,
  PAGE_SLOW_WRITE,
  PDPTE0,
  PKRS,
  PKRU,
  RAM,
  RAM_SIZE,
  RESERVED_PHYSICAL,
  SYSTEM_FLAGS,
  TLB_EXEC,
  TLB_WRITE,
  WATCHES,
  WATCH_WRITE,
} from './layout.ts';
import {
  CR0_PG,
  CR0_WP,
  CR4_LA57,
  CR4_PAE,
  CR4_PKE,
  CR4_PKS,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  EFER_LMA,
  EFER_NXE,
  FLAG_AC,
  VECTOR_PF,
} from './bits.ts';
import { host_mmio_read, host_mmio_write } from './host.ts';
import {
  EPT_FETCH,
  EPT_READ,
  EPT_WRITE,
  FOR_LINEAR,
  FOR_PDPTE,
  FOR_STRUCTURE,
  eptDirty,
  eptRights,
  eptTranslate,
  setEptLinear,
  setEptPage,
} from './ept.ts';
import { SOFT_WRITES, tlbInsert } from './tlb.ts';
import { raise } from './events.ts';
import { apicStructure, isApicAccess } from './virtual-apic.ts';
import { aloneIfWatched, physicalAccess } from './watches.ts';

// Whose rules an access follows. The number is also the TLB set's, counted from the first of its side (root or guest).
export const AS_SUPERVISOR: u32 = 0; // supervisor-mode; with SMAP also the implicit accesses to tables
export const AS_SUPERVISOR_AC: u32 = 1; // explicit supervisor-mode access with EFLAGS.AC set under SMAP
export const AS_USER: u32 = 2;

const ADDRESS_BITS: u64 = 0x000ffffffffff000;
const NX: u64 = 0x8000000000000000;
const PRESENT: u64 = 1;
const WRITABLE: u64 = 2;
const USER: u64 = 4;
const ACCESSED: u64 = 32;
const DIRTY: u64 = 64;
const LARGE: u64 = 128;

// Page-fault error code bits.
const ERROR_PRESENT: u32 = 1;
const ERROR_WRITE: u32 = 2;
const ERROR_USER: u32 = 4;
const ERROR_RESERVED: u32 = 8;
const ERROR_FETCH: u32 = 16;
const ERROR_KEY: u32 = 32;

// Outcome of the last walk.
let pageRights: u64 = 0; // AND of WRITABLE and USER, OR of NX, of the entries used
let pageDirty: bool = false;
let pageKey: u32 = 0;
export let frame: u64 = 0; // guest-physical address of the 4 KiB page

/** The rules that an explicit access at the current privilege level follows. */
export function currentPrivilege(): u32 {
  if (load<u32>(CPL) == 3) return AS_USER;
  if (load<u64>(CR4) & CR4_SMAP && load<u32>(SYSTEM_FLAGS) & FLAG_AC) return AS_SUPERVISOR_AC;
  return AS_SUPERVISOR;
}

/**
 * Translates a linear address for an access at the current privilege level (ACCESS_*), filling the TLB where the page may
 * be in it. Returns the address in the WebAssembly memory, or 0 when there is no RAM behind it or a device overlays it:
 * `LAST_PHYSICAL` then says where. Unwinds with #PF or a VM exit. The address is canonical, or 32 bits wide without LMA.
 */
export function translate(linear: u64, access: u32): usize {
  return translateAs(linear, access, currentPrivilege());
}

/** The same by the rules of AS_SUPERVISOR (which are those of implicit accesses), AS_SUPERVISOR_AC or AS_USER. */
export function translateAs(linear: u64, access: u32, privilege: u32): usize {
  let writeEntry = true;
  let userPage = true; // without paging every address is a user-mode one, writable and executable
  let writable = true;
  let executeDisabled = false;
  if (load<u64>(CR0) & CR0_PG) {
    walk(linear, access, privilege);
    userPage = (pageRights & USER) != 0;
    writable = (pageRights & WRITABLE) != 0;
    executeDisabled = (pageRights & NX) != 0;
    writeEntry = pageDirty && writeAllowed(privilege);
  } else frame = linear & 0xfffff000;
  let physical = frame | (linear & 0xfff);
  if (load<u64>(EPTP)) {
    setEptLinear(linear);
    setEptPage(userPage, writable, executeDisabled);
    const wanted = access == ACCESS_READ ? EPT_READ : access == ACCESS_WRITE ? EPT_WRITE : EPT_FETCH;
    physical = eptTranslate(physical, wanted, FOR_LINEAR, userPage);
    if (!(eptRights & EPT_WRITE) || !eptDirty) writeEntry = false;
  }
  store<u64>(LAST_PHYSICAL, physical);
  if (physical >= load<u64>(RAM_SIZE) || isApicAccess(physical)) return 0;
  const host = RAM + <usize>physical;
  const flags = <u32>load<u8>(PAGE_FLAGS + <usize>(physical >> 12));
  const set = privilege + (load<u32>(NON_ROOT) ? 3 : 0);
  if (access == ACCESS_EXECUTE) {
    if (flags & PAGE_DEVICE) return 0;
    tlbInsert(set, TLB_EXEC, linear, host, frame);
    return host;
  }
  if (!(flags & PAGE_SLOW_READ)) tlbInsert(set, 0, linear, host, frame);
  if (!(flags & (PAGE_SLOW_WRITE & ~SOFT_WRITES)) && writeEntry) tlbInsert(set, TLB_WRITE, linear, host, frame);
  return flags & PAGE_DEVICE ? 0 : host;
}

function pageFault(linear: u64, access: u32, privilege: u32, bits: u32): void {
  let error = bits;
  if (access == ACCESS_WRITE) error |= ERROR_WRITE;
  if (privilege == AS_USER) error |= ERROR_USER;
  if (access == ACCESS_EXECUTE) {
    const cr4 = load<u64>(CR4);
    if (cr4 & CR4_SMEP || (cr4 & CR4_PAE && load<u64>(EFER) & EFER_NXE)) error |= ERROR_FETCH;
  }
  store<u64>(EVENT_CR2, linear);
  raise(VECTOR_PF, error);
}

/** Address in the WebAssembly memory of a paging-structure entry, or 0 where there is no RAM; `entryPhysical` is set. */
let entryPhysical: u64 = 0;
let entryWritable: bool = true;
function entryHost(guestPhysical: u64, linear: u64): usize {
  entryPhysical = guestPhysical;
  entryWritable = true;
  if (load<u64>(EPTP)) {
    setEptLinear(linear);
    entryPhysical = eptTranslate(guestPhysical, EPT_READ, FOR_STRUCTURE, false);
    entryWritable = (eptRights & EPT_WRITE) != 0 && eptDirty;
    if (isApicAccess(entryPhysical)) apicStructure();
  }
  return entryPhysical + 8 <= load<u64>(RAM_SIZE) ? RAM + <usize>entryPhysical : 0;
}

/** Sets flags in the entry that `entryHost` found last; a write of its own where EPT does not allow it yet. */
function markEntry(guestPhysical: u64, linear: u64, flags: u64, size: u32): void {
  aloneIfWatched();
  if (!entryWritable) {
    setEptLinear(linear);
    eptTranslate(guestPhysical, EPT_READ | EPT_WRITE, FOR_STRUCTURE, false);
  }
  if (entryPhysical + 8 <= load<u64>(RAM_SIZE)) {
    // A table may lie in a page that holds decoded code; flags in entries do not change it, so no slow path, but a snapshot
    // and whoever watches the entry must see the write.
    const page = PAGE_FLAGS + <usize>(entryPhysical >> 12);
    const pageFlags = load<u8>(page);
    if (pageFlags & PAGE_CLEAN) store<u8>(page, pageFlags & ~PAGE_CLEAN);
    if (load<u32>(WATCHES)) physicalAccess(entryPhysical, size, guestPhysical, WATCH_WRITE);
    const at = RAM + <usize>entryPhysical;
    store<u8>(at, load<u8>(at) | <u8>flags);
  } else host_mmio_write(entryPhysical, size, host_mmio_read(entryPhysical, size) | flags);
}

function readEntry(guestPhysical: u64, linear: u64): u64 {
  const at = entryHost(guestPhysical, linear);
  return at ? load<u64>(at) : host_mmio_read(entryPhysical, 8);
}

function readEntry32(guestPhysical: u64, linear: u64): u64 {
  const at = entryHost(guestPhysical, linear);
  return at ? <u64>load<u32>(at) : host_mmio_read(entryPhysical, 4) & 0xffffffff;
}

/** Walks the paging structures; sets `frame`, `pageRights`, `pageDirty` and `pageKey`, or raises #PF. */
function walk(linear: u64, access: u32, privilege: u32): void {
  const cr4 = load<u64>(CR4);
  pageKey = 0;
  if (!(cr4 & CR4_PAE)) {
    walk32(linear, access, privilege);
    return;
  }
  const reserved = (load<u64>(RESERVED_PHYSICAL) & ADDRESS_BITS) | (load<u64>(EFER) & EFER_NXE ? 0 : NX);
  const long = (load<u64>(EFER) & EFER_LMA) != 0;
  let table: u64;
  let level: u32;
  let upperReserved = reserved;
  pageRights = WRITABLE | USER;
  if (long) {
    table = load<u64>(CR3) & ADDRESS_BITS;
    level = cr4 & CR4_LA57 ? 5 : 4;
  } else {
    const pointer = load<u64>(PDPTE0 + ((<usize>((linear >> 30) & 3)) << 3));
    if (!(pointer & PRESENT)) pageFault(linear, access, privilege, 0);
    table = pointer & ADDRESS_BITS;
    level = 2;
    upperReserved |= 0x7ff0000000000000; // bits 62:52 are reserved in PAE entries
  }
  let entry: u64;
  let address: u64;
  while (true) {
    const shift = <u64>(12 + 9 * (level - 1));
    address = table + (((linear >> shift) & 511) << 3);
    entry = readEntry(address, linear);
    if (!(entry & PRESENT)) pageFault(linear, access, privilege, 0);
    const leaf = level == 1 || ((level == 2 || level == 3) && (entry & LARGE) != 0);
    let mustBeZero = upperReserved;
    if (leaf) {
      if (level == 2) mustBeZero |= 0x1fe000;
      else if (level == 3) mustBeZero |= 0x3fffe000;
    } else if (level >= 4) mustBeZero |= LARGE;
    if (level == 3 && leaf && load<u32>(ABSENT) & ABSENT_PAGE_1G) mustBeZero |= LARGE;
    if (entry & mustBeZero) pageFault(linear, access, privilege, ERROR_PRESENT | ERROR_RESERVED);
    pageRights = (pageRights & entry & (WRITABLE | USER)) | ((pageRights | entry) & NX);
    if (leaf) {
      const offsetMask: u64 = ((<u64>1) << shift) - 1;
      if (long) pageKey = <u32>(entry >> 59) & 15;
      if (level > 1) noteLarge(level == 3 ? 2 : 1);
      finish(linear, access, privilege, address, entry, 8);
      frame = (entry & ADDRESS_BITS & ~offsetMask) | (linear & offsetMask & ~(<u64>0xfff));
      return;
    }
    if (!(entry & ACCESSED)) markEntry(address, linear, ACCESSED, 8);
    table = entry & ADDRESS_BITS;
    level--;
  }
}

/** Remembers that pieces of a page of 2 or 4 MiB (1) or 1 GiB (2) are in the TLB. */
function noteLarge(kind: u32): void {
  store<u32>(LARGE_PAGES, load<u32>(LARGE_PAGES) | (load<u32>(NON_ROOT) ? kind << 2 : kind));
}

/** 32-bit paging, with 4 MiB pages (PSE) of up to 40-bit addresses (PSE-36). */
function walk32(linear: u64, access: u32, privilege: u32): void {
  let address = (load<u64>(CR3) & 0xfffff000) | ((linear >> 20) & 0xffc);
  let entry = readEntry32(address, linear);
  if (!(entry & PRESENT)) pageFault(linear, access, privilege, 0);
  pageRights = entry & (WRITABLE | USER);
  if (entry & LARGE && load<u64>(CR4) & CR4_PSE) {
    const high = ((entry >> 13) & 0xff) << 32;
    if (entry & (1 << 21) || high & load<u64>(RESERVED_PHYSICAL)) {
      pageFault(linear, access, privilege, ERROR_PRESENT | ERROR_RESERVED);
    }
    noteLarge(1);
    finish(linear, access, privilege, address, entry, 4);
    frame = (entry & 0xffc00000) | high | (linear & 0x3ff000);
    return;
  }
  if (!(entry & ACCESSED)) markEntry(address, linear, ACCESSED, 4);
  address = (entry & 0xfffff000) | ((linear >> 10) & 0xffc);
  entry = readEntry32(address, linear);
  if (!(entry & PRESENT)) pageFault(linear, access, privilege, 0);
  pageRights &= entry;
  finish(linear, access, privilege, address, entry, 4);
  frame = entry & 0xfffff000;
}

/** The access against the rights of the whole walk, then accessed and dirty flags of the last entry. */
function finish(linear: u64, access: u32, privilege: u32, address: u64, entry: u64, size: u32): void {
  const denied = denial(access, privilege);
  if (denied) pageFault(linear, access, privilege, denied);
  const wanted: u64 = access == ACCESS_WRITE ? ACCESSED | DIRTY : ACCESSED;
  if ((entry & wanted) != wanted) markEntry(address, linear, wanted, size);
  pageDirty = ((entry | wanted) & DIRTY) != 0;
}

/** 0, or the error-code bits with which SDM "Determination of Access Rights" and "Protection Keys" deny the access. */
function denial(access: u32, privilege: u32): u32 {
  const cr4 = load<u64>(CR4);
  const user = (pageRights & USER) != 0;
  let denied = false;
  if (access == ACCESS_EXECUTE) {
    if (privilege == AS_USER) denied = !user;
    else denied = user && (cr4 & CR4_SMEP) != 0;
    return denied || pageRights & NX ? ERROR_PRESENT : 0;
  }
  if (privilege == AS_USER) denied = !user;
  else if (user && privilege == AS_SUPERVISOR && cr4 & CR4_SMAP) denied = true;
  if (access == ACCESS_WRITE && !(pageRights & WRITABLE) && (privilege == AS_USER || load<u64>(CR0) & CR0_WP))
    denied = true;
  if (keyDenies(access == ACCESS_WRITE, privilege)) return ERROR_PRESENT | ERROR_KEY;
  return denied ? ERROR_PRESENT : 0;
}

function keyDenies(write: bool, privilege: u32): bool {
  if (!(load<u64>(EFER) & EFER_LMA)) return false;
  const cr4 = load<u64>(CR4);
  const user = (pageRights & USER) != 0;
  if (!(cr4 & (user ? CR4_PKE : CR4_PKS))) return false;
  const rights = <u32>(load<u64>(user ? PKRU : PKRS) >> <u64>(pageKey * 2));
  if (rights & 1) return true;
  return write && (rights & 2) != 0 && (privilege == AS_USER || (load<u64>(CR0) & CR0_WP) != 0);
}

/** Whether a later write to the page of the last walk would be allowed, for a write entry made by a read. */
function writeAllowed(privilege: u32): bool {
  return !denial(ACCESS_WRITE, privilege);
}

/** Reserved bits of a PAE page-directory-pointer-table entry (SDM "PDPTE Registers"). */
function pdpteReserved(): u64 {
  return 0xfff00000000001e6 | load<u64>(RESERVED_PHYSICAL);
}

/**
 * Loads the PDPTE registers from a table, as a MOV to CR0, CR3 or CR4 does with PAE paging outside IA-32e mode.
 * Answers false, with nothing changed, when a present entry has a reserved bit set: the instruction then raises #GP(0).
 */
export function loadPdptes(cr3: u64): bool {
  const table = cr3 & 0xffffffe0;
  let physical = table;
  if (load<u64>(EPTP)) {
    setEptLinear(0);
    physical = eptTranslate(table, EPT_READ, FOR_PDPTE, false);
  }
  for (let i: u64 = 0; i < 4; i++) {
    const entry = readPhysicalEntry(physical + i * 8);
    if (entry & PRESENT && entry & pdpteReserved()) return false;
  }
  for (let i: u64 = 0; i < 4; i++) store<u64>(PDPTE0 + ((<usize>i) << 3), readPhysicalEntry(physical + i * 8));
  return true;
}

function readPhysicalEntry(physical: u64): u64 {
  return physical + 8 <= load<u64>(RAM_SIZE) ? load<u64>(RAM + <usize>physical) : host_mmio_read(physical, 8);
}
