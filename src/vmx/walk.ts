// The page walk for people: every step from a linear to a physical address in every paging mode, with the EPT walk under each
// step of a guest. Reads memory and changes nothing: no accessed bit, no TLB. It repeats what core/paging.ts does (SDM
// "Paging"); a test holds both to the same answers.

import { type BitLayout, describeBits, hex } from '../spec/bits.ts';
import {
  LARGE_PAGE_ENTRY,
  LARGE_PAGE_ENTRY_32,
  PAGE_ENTRY,
  PAGE_ENTRY_32,
  TABLE_ENTRY,
  TABLE_ENTRY_32,
} from '../spec/paging-bits.ts';
import { PDPTE_PAE } from '../spec/vmcs-bits.ts';
import {
  type EptAccess,
  type EptResult,
  type EptSettings,
  type PhysicalReader,
  walkEpt,
  type WalkStep,
} from './ept-walk.ts';
import {
  denial,
  ERROR_PRESENT,
  type LinearAccess,
  type PageRights,
  type PagingState,
  PRESENT,
  USER,
  WRITABLE,
  XD,
} from './page-rights.ts';

export type WalkResult =
  | { readonly ok: true; readonly guestPhysical: bigint; readonly hostPhysical: bigint; readonly pageSize: bigint }
  | { readonly ok: false; readonly kind: 'page-fault'; readonly errorCode: number; readonly explanation: string }
  | { readonly ok: false; readonly kind: 'not-canonical'; readonly explanation: string }
  | Exclude<EptResult, { readonly ok: true }>;

export interface PageWalk {
  readonly mode: 'no paging' | '32-bit' | 'PAE' | '4-level' | '5-level';
  readonly steps: readonly WalkStep[];
  /** The EPT walk of the final guest-physical address; empty without EPT. */
  readonly ept: readonly WalkStep[];
  readonly result: WalkResult;
}

const CR0_PG = 1n << 31n;
const CR4_PSE = 1n << 4n;
const CR4_PAE = 1n << 5n;
const CR4_LA57 = 1n << 12n;
const CR4_SMEP = 1n << 20n;
const EFER_LMA = 1n << 10n;
const EFER_NXE = 1n << 11n;
const ACCESSED = 1n << 5n;
const DIRTY = 1n << 6n;
const LARGE = 1n << 7n;
const ADDRESS = 0x000f_ffff_ffff_f000n;
const ADDRESS_32 = 0xffff_f000n;

const ERROR_WRITE = 2;
const ERROR_USER = 4;
const ERROR_RESERVED = 8;
const ERROR_FETCH = 16;

const NAMES = ['', 'PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'] as const;

/** Paging mode of a set of registers. */
export function pagingMode(state: PagingState): PageWalk['mode'] {
  if ((state.cr0 & CR0_PG) === 0n) {
    return 'no paging';
  }
  if ((state.cr4 & CR4_PAE) === 0n) {
    return '32-bit';
  }
  if ((state.efer & EFER_LMA) === 0n) {
    return 'PAE';
  }
  return (state.cr4 & CR4_LA57) === 0n ? '4-level' : '5-level';
}

const LINEAR_BITS: { readonly [M in PageWalk['mode']]?: number } = { '4-level': 48, '5-level': 57 };

interface Walker {
  readonly linear: bigint;
  readonly state: PagingState;
  readonly ept: EptSettings | undefined;
  readonly read: PhysicalReader;
  readonly access: LinearAccess | undefined;
  readonly steps: WalkStep[];
}

/** What the entries of a finished walk say together. */
interface Leaf extends PageRights {
  readonly frame: bigint;
  readonly pageSize: bigint;
}

type Failure = Extract<WalkResult, { ok: false }>;

function isFailure(value: bigint | Leaf | Failure): value is Failure {
  return typeof value === 'object' && 'ok' in value;
}

function fault(walker: Walker, bits: number, explanation: string): Failure {
  const { access, state } = walker;
  const fetch = access?.kind === 'execute';
  const fetchReported =
    (state.cr4 & CR4_SMEP) !== 0n || ((state.cr4 & CR4_PAE) !== 0n && (state.efer & EFER_NXE) !== 0n);
  const errorCode =
    bits |
    (access?.kind === 'write' ? ERROR_WRITE : 0) |
    (access?.user === true ? ERROR_USER : 0) |
    (fetch && fetchReported ? ERROR_FETCH : 0);
  return { ok: false, kind: 'page-fault', errorCode, explanation };
}

/** The guest’s access to a paging-structure entry, under EPT. */
function structureAccess(walker: Walker, writes: boolean): EptAccess | undefined {
  if (walker.access === undefined || walker.ept === undefined) {
    return undefined;
  }
  const flags = (walker.ept.eptp & 0x40n) !== 0n;
  return { read: true, write: flags || writes, fetch: false, linear: true, final: false };
}

/** Reads an entry and notes the step; a failure where EPT or the bus gives none. */
function readEntry(walker: Walker, level: string, address: bigint, bytes: 4 | 8): bigint | Failure {
  let host = address;
  let ept: readonly WalkStep[] | undefined;
  if (walker.ept !== undefined) {
    const walk = walkEpt(address, walker.ept, walker.read, structureAccess(walker, false));
    ept = walk.steps;
    if (!walk.result.ok) {
      walker.steps.push({ level, address, raw: 0n, bits: '', stop: walk.result.explanation, ept });
      return walk.result;
    }
    host = walk.result.hostPhysical;
  }
  const raw = walker.read(host, bytes);
  if (raw === undefined) {
    const explanation = `there is no memory at ${hex(host)}, where the ${level} should be`;
    walker.steps.push({ level, address, raw: 0n, bits: '', stop: explanation, ...(ept && { ept }) });
    return { ok: false, kind: 'no-memory', explanation };
  }
  walker.steps.push({ level, address, raw, bits: '', ...(ept && { ept }) });
  return raw;
}

/** Completes the last step with named bits, and with why the walk ends there. */
function note(walker: Walker, layout: BitLayout, stop?: string): void {
  const step = walker.steps.pop();
  if (step !== undefined) {
    const bits = describeBits(layout, step.raw).summary;
    walker.steps.push(stop === undefined ? { ...step, bits } : { ...step, bits, stop });
  }
}

/** Setting flags in an entry is a write of its own, which EPT must allow. */
function mark(walker: Walker, address: bigint, entry: bigint, flags: bigint): Failure | undefined {
  if (walker.ept === undefined || walker.access === undefined || (entry & flags) === flags) {
    return undefined;
  }
  const walk = walkEpt(address, walker.ept, walker.read, structureAccess(walker, true));
  return walk.result.ok ? undefined : walk.result;
}

function notPresent(walker: Walker, layout: BitLayout, name: string, address: bigint): Failure {
  const explanation = `the ${name} at ${hex(address)} is not present`;
  note(walker, layout, explanation);
  return fault(walker, 0, explanation);
}

function reservedSet(walker: Walker, layout: BitLayout, name: string, address: bigint): Failure {
  const explanation = `the ${name} at ${hex(address)} has reserved bits set`;
  note(walker, layout, explanation);
  return fault(walker, ERROR_PRESENT | ERROR_RESERVED, explanation);
}

/** The access against the rights, then accessed and dirty flags of the last entry. */
function finish(walker: Walker, leaf: Leaf, layout: BitLayout, address: bigint, entry: bigint): Leaf | Failure {
  const denied = walker.access && denial(leaf, walker.access, walker.state);
  if (denied !== undefined) {
    const explanation = `the page does not allow it: ${denied[1]}`;
    note(walker, layout, explanation);
    return fault(walker, denied[0], explanation);
  }
  note(walker, layout);
  return mark(walker, address, entry, walker.access?.kind === 'write' ? ACCESSED | DIRTY : ACCESSED) ?? leaf;
}

function walk32(walker: Walker): Leaf | Failure {
  const { linear, state } = walker;
  const directory = (state.cr3 & ADDRESS_32) | ((linear >> 20n) & 0xffcn);
  const pde = readEntry(walker, 'PDE', directory, 4);
  if (isFailure(pde)) {
    return pde;
  }
  const large = (pde & LARGE) !== 0n && (state.cr4 & CR4_PSE) !== 0n;
  const layout = large ? LARGE_PAGE_ENTRY_32 : TABLE_ENTRY_32;
  if ((pde & PRESENT) === 0n) {
    return notPresent(walker, layout, 'PDE', directory);
  }
  if (large) {
    const high = ((pde >> 13n) & 0xffn) << 32n;
    if ((pde & (1n << 21n)) !== 0n || high >> BigInt(state.physicalBits) !== 0n) {
      return reservedSet(walker, layout, 'PDE', directory);
    }
    const leaf = {
      frame: (pde & 0xffc0_0000n) | high | (linear & 0x3f_f000n),
      pageSize: 1n << 22n,
      rights: pde & (WRITABLE | USER),
      key: 0,
    };
    return finish(walker, leaf, layout, directory, pde);
  }
  note(walker, layout);
  const blocked = mark(walker, directory, pde, ACCESSED);
  if (blocked !== undefined) {
    return blocked;
  }
  const address = (pde & ADDRESS_32) | ((linear >> 10n) & 0xffcn);
  const pte = readEntry(walker, 'PTE', address, 4);
  if (isFailure(pte)) {
    return pte;
  }
  if ((pte & PRESENT) === 0n) {
    return notPresent(walker, PAGE_ENTRY_32, 'PTE', address);
  }
  const leaf = { frame: pte & ADDRESS_32, pageSize: 4096n, rights: pde & pte & (WRITABLE | USER), key: 0 };
  return finish(walker, leaf, PAGE_ENTRY_32, address, pte);
}

/** The PDPTE of PAE paging: from the registers, or from the table at CR3. */
function readPdpte(walker: Walker): bigint | Failure {
  const { linear, state } = walker;
  const index = Number((linear >> 30n) & 3n);
  const address = (state.cr3 & 0xffff_ffe0n) + 8n * BigInt(index);
  const register = state.pdptes?.[index];
  if (register === undefined) {
    const raw = readEntry(walker, 'PDPTE', address, 8);
    if (isFailure(raw)) {
      return raw;
    }
  } else {
    walker.steps.push({ level: `PDPTE register ${index}`, address, raw: register, bits: '' });
  }
  const raw = register ?? walker.steps.at(-1)?.raw ?? 0n;
  if ((raw & PRESENT) === 0n) {
    return notPresent(walker, PDPTE_PAE, `PDPTE ${index}`, address);
  }
  note(walker, PDPTE_PAE);
  return raw;
}

function walk64(walker: Walker, levels: 2 | 4 | 5): Leaf | Failure {
  const { linear, state } = walker;
  const pae = levels === 2;
  let table = state.cr3 & ADDRESS;
  if (pae) {
    const pdpte = readPdpte(walker);
    if (isFailure(pdpte)) {
      return pdpte;
    }
    table = pdpte & ADDRESS;
  }
  const reserved =
    (ADDRESS & ~((1n << BigInt(state.physicalBits)) - 1n)) |
    ((state.efer & EFER_NXE) === 0n ? XD : 0n) |
    (pae ? 0x7ff0_0000_0000_0000n : 0n);
  let rights = WRITABLE | USER;
  for (let level: number = levels; ; level -= 1) {
    const name = NAMES[level] ?? '';
    const shift = BigInt(12 + 9 * (level - 1));
    const address = table + (((linear >> shift) & 511n) << 3n);
    const entry = readEntry(walker, name, address, 8);
    if (isFailure(entry)) {
      return entry;
    }
    const leaf = level === 1 || ((level === 2 || level === 3) && (entry & LARGE) !== 0n);
    const layout = !leaf ? TABLE_ENTRY : level === 1 ? PAGE_ENTRY : LARGE_PAGE_ENTRY;
    if ((entry & PRESENT) === 0n) {
      return notPresent(walker, layout, name, address);
    }
    const low = !leaf ? (level >= 4 ? LARGE : 0n) : level === 3 ? 0x3fff_e000n : level === 2 ? 0x1f_e000n : 0n;
    const large = level === 3 && state.pages1GAbsent === true ? LARGE : 0n;
    if ((entry & (reserved | low | large)) !== 0n) {
      return reservedSet(walker, layout, name, address);
    }
    rights = (rights & entry & (WRITABLE | USER)) | ((rights | entry) & XD);
    if (leaf) {
      const pageSize = 1n << shift;
      const frame = (entry & ADDRESS & ~(pageSize - 1n)) | (linear & (pageSize - 1n) & ~0xfffn);
      const key = pae ? 0 : Number((entry >> 59n) & 15n);
      return finish(walker, { frame, pageSize, rights, key }, layout, address, entry);
    }
    note(walker, layout);
    const blocked = mark(walker, address, entry, ACCESSED);
    if (blocked !== undefined) {
      return blocked;
    }
    table = entry & ADDRESS;
  }
}

function leafOf(walker: Walker, mode: PageWalk['mode']): Leaf | Failure {
  switch (mode) {
    case 'no paging':
      return { frame: walker.linear & ADDRESS_32, pageSize: 4096n, rights: WRITABLE | USER, key: 0 };
    case '32-bit':
      return walk32(walker);
    case 'PAE':
      return walk64(walker, 2);
    case '4-level':
      return walk64(walker, 4);
    case '5-level':
      return walk64(walker, 5);
  }
}

/**
 * Walks the paging structures, and the extended page tables where there are any, for a linear address.
 *
 * @param ept absent without EPT (and in VMX root operation)
 * @param access checked against the rights of the walk; absent: any translation will do
 */
export function walkPaging(
  linear: bigint,
  state: PagingState,
  read: PhysicalReader,
  ept?: EptSettings,
  access?: LinearAccess,
): PageWalk {
  const mode = pagingMode(state);
  const width = LINEAR_BITS[mode];
  if (width !== undefined && BigInt.asUintN(64, BigInt.asIntN(width, linear)) !== linear) {
    const explanation = `${hex(linear)} is not canonical: with ${mode} paging bits 63:${width} must equal bit ${width - 1}`;
    return { mode, steps: [], ept: [], result: { ok: false, kind: 'not-canonical', explanation } };
  }
  const walker: Walker = { linear, state, ept, read, access, steps: [] };
  const leaf = leafOf(walker, mode);
  if (isFailure(leaf)) {
    return { mode, steps: walker.steps, ept: [], result: leaf };
  }
  const guestPhysical = leaf.frame | (linear & 0xfffn);
  if (ept === undefined) {
    const result = { ok: true as const, guestPhysical, hostPhysical: guestPhysical, pageSize: leaf.pageSize };
    return { mode, steps: walker.steps, ept: [], result };
  }
  const walk = walkEpt(guestPhysical, ept, read, access && finalAccess(access, leaf));
  const result = walk.result.ok
    ? {
        ok: true as const,
        guestPhysical,
        hostPhysical: walk.result.hostPhysical,
        pageSize: smaller(leaf.pageSize, walk.result.pageSize),
      }
    : walk.result;
  return { mode, steps: walker.steps, ept: walk.steps, result };
}

function finalAccess(access: LinearAccess, leaf: Leaf): EptAccess {
  return {
    read: access.kind === 'read',
    write: access.kind === 'write',
    fetch: access.kind === 'execute',
    page: {
      user: (leaf.rights & USER) !== 0n,
      writable: (leaf.rights & WRITABLE) !== 0n,
      executeDisabled: (leaf.rights & XD) !== 0n,
    },
    linear: true,
    final: true,
  };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
