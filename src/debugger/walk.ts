// From an address as a person writes it to host-physical memory, with every step: segmentation, paging, EPT. Data here, words
// in walk-text.ts. Everything peeks.

import type { EptAccess, EptWalk, LinearAccess, Machine, PageWalk, Side, VmExit } from '../machine/types.ts';
import { describe } from '../spec/bit-layouts.ts';
import { hex } from '../spec/bits.ts';
import { readSideRegister } from './expressions/registers.ts';

export const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
export type Segment = (typeof SEGMENTS)[number];

export type WalkKind = LinearAccess['kind'];

/** What to walk: an offset in a segment, or an address of one of the kinds. */
export type WalkStart =
  | { readonly kind: 'logical'; readonly segment: Segment; readonly side: Side; readonly offset: bigint }
  | { readonly kind: 'linear'; readonly side: Side; readonly address: bigint }
  | { readonly kind: 'guest-physical'; readonly address: bigint }
  | { readonly kind: 'host-physical'; readonly address: bigint };

export interface SegmentStep {
  readonly segment: Segment;
  readonly selector: bigint;
  readonly base: bigint;
  readonly limit: bigint;
  readonly rights: bigint;
  /** Access rights with bits named. */
  readonly bits: string;
  readonly offset: bigint;
  readonly linear: bigint;
  /** Why the address ends here, if it does. */
  readonly stop?: string;
}

export interface AddressWalk {
  readonly start: WalkStart;
  readonly access: LinearAccess | undefined;
  readonly segmentation: SegmentStep | undefined;
  readonly linear: bigint | undefined;
  readonly paging: PageWalk | undefined;
  readonly cr3: bigint | undefined;
  /** EPT walk of a guest-physical address; that of a linear address is in `paging`. */
  readonly ept: EptWalk | undefined;
  readonly eptp: bigint | undefined;
  readonly guestPhysical: bigint | undefined;
  readonly hostPhysical: bigint | undefined;
  /** Why there is no host-physical address. */
  readonly stop: string | undefined;
}

const EPTP_FIELD = 0x201a;

/** Walks; reads only. */
export function walkAddress(machine: Machine, start: WalkStart, access?: LinearAccess): AddressWalk {
  const none: AddressWalk = {
    start,
    access,
    segmentation: undefined,
    linear: undefined,
    paging: undefined,
    cr3: undefined,
    ept: undefined,
    eptp: undefined,
    guestPhysical: undefined,
    hostPhysical: undefined,
    stop: undefined,
  };
  switch (start.kind) {
    case 'logical': {
      const segmentation = segmentStep(machine, start.side, start.segment, start.offset, access?.kind);
      if (segmentation.stop !== undefined) return { ...none, segmentation, stop: segmentation.stop };
      return { ...none, segmentation, ...linearPart(machine, start.side, segmentation.linear, access) };
    }
    case 'linear':
      return { ...none, ...linearPart(machine, start.side, start.address, access) };
    case 'guest-physical':
      return { ...none, ...guestPhysicalPart(machine, start.address, access) };
    case 'host-physical':
      return { ...none, ...memoryPart(machine, start.address) };
  }
}

function linearPart(
  machine: Machine,
  side: Side,
  linear: bigint,
  access: LinearAccess | undefined,
): Partial<AddressWalk> {
  const paging = machine.walkLinear(side, linear, access);
  if (paging === undefined)
    return { linear, stop: `there is no current VMCS that would tell the ${side} side’s paging` };
  const cr3 = readSideRegister(machine, side, 'cr3');
  const eptp = side === 'non-root' && usesEpt(paging) ? machine.readVmcs(EPTP_FIELD) : undefined;
  const { result } = paging;
  if (!result.ok) {
    // Of the linear address itself, not of a paging structure on the way.
    const translated = paging.ept.length > 0 && 'guestPhysical' in result ? result.guestPhysical : undefined;
    return { linear, paging, cr3, eptp, guestPhysical: translated, stop: result.explanation };
  }
  const { hostPhysical, guestPhysical } = result;
  return { linear, paging, cr3, eptp, guestPhysical, ...memoryPart(machine, hostPhysical) };
}

function usesEpt(paging: PageWalk): boolean {
  return paging.ept.length > 0 || paging.steps.some((step) => step.ept !== undefined);
}

function guestPhysicalPart(machine: Machine, address: bigint, access: LinearAccess | undefined): Partial<AddressWalk> {
  const ept = machine.walkGuestPhysical(address, access === undefined ? undefined : physicalAccess(access));
  if (ept === undefined) return { guestPhysical: address, ...memoryPart(machine, address) };
  const eptp = machine.readVmcs(EPTP_FIELD);
  const { result } = ept;
  if (!result.ok) return { ept, eptp, guestPhysical: address, stop: result.explanation };
  return { ept, eptp, guestPhysical: address, ...memoryPart(machine, result.hostPhysical) };
}

function physicalAccess({ kind, user }: LinearAccess): EptAccess {
  return {
    read: kind === 'read',
    write: kind === 'write',
    fetch: kind === 'execute',
    page: { user, writable: true, executeDisabled: false },
    linear: false,
    final: false,
  };
}

function memoryPart(machine: Machine, hostPhysical: bigint): Partial<AddressWalk> {
  const known = machine.peekPhysical(hostPhysical, 1).length === 1;
  return known
    ? { hostPhysical }
    : { hostPhysical, stop: `there is no RAM at host-physical address ${hex(hostPhysical)}: a device, or nothing` };
}

const UNUSABLE = 1n << 16n;
const CODE = 8n;
const EXPAND_DOWN = 4n;
const READ_WRITE = 2n;
const BIG = 1n << 14n;

/** An offset in a segment to a linear address, with the checks of the segment (SDM "Segment Limit Checking", "Type Checking"). */
export function segmentStep(
  machine: Machine,
  side: Side,
  segment: Segment,
  offset: bigint,
  access: WalkKind | undefined,
): SegmentStep {
  const read = (name: string): bigint => readSideRegister(machine, side, name) ?? 0n;
  const rights = read(`${segment}.rights`);
  const long = machine.codeBits(side) === 64;
  const flat = long && segment !== 'fs' && segment !== 'gs';
  const base = flat ? 0n : read(`${segment}.base`);
  const limit = read(`${segment}.limit`);
  const linear = BigInt.asUintN(long ? 64 : 32, base + offset);
  const stop = long ? undefined : segmentFault(segment, rights, limit, offset, access, (read('cr0') & 1n) !== 0n);
  return {
    segment,
    selector: read(segment),
    base,
    limit,
    rights,
    bits: describe('access-rights', rights).summary,
    offset,
    linear,
    ...(stop === undefined ? {} : { stop }),
  };
}

function segmentFault(
  segment: Segment,
  rights: bigint,
  limit: bigint,
  offset: bigint,
  access: WalkKind | undefined,
  protectedMode: boolean,
): string | undefined {
  const vector = segment === 'ss' ? '#SS(0)' : '#GP(0)';
  const name = segment.toUpperCase();
  const type = rights & 15n;
  if (protectedMode) {
    if ((rights & UNUSABLE) !== 0n) return `${name} is unusable: ${vector}`;
    if (access === 'write' && ((type & CODE) !== 0n || (type & READ_WRITE) === 0n)) {
      return `${name} is not writable: ${vector}`;
    }
    if (access === 'read' && (type & CODE) !== 0n && (type & READ_WRITE) === 0n) {
      return `${name} is execute-only code: ${vector}`;
    }
  }
  const expandDown = protectedMode && (type & CODE) === 0n && (type & EXPAND_DOWN) !== 0n;
  if (!expandDown)
    return offset <= limit
      ? undefined
      : `offset ${hex(offset)} is beyond the limit ${hex(limit)} of ${name}: ${vector}`;
  const top = (rights & BIG) !== 0n ? 0xffff_ffffn : 0xffffn;
  if (offset > limit && offset <= top) return undefined;
  return `offset ${hex(offset)} is not between the limit ${hex(limit)} and ${hex(top)} of ${name}, which expands down: ${vector}`;
}

const EPT_VIOLATION = 48;
const EPT_MISCONFIGURATION = 49;
const LINEAR_VALID = 1n << 7n;

/** The walk that an EPT violation or EPT misconfiguration ended; undefined for other exits, and when the VMCS is not current. */
export function exitWalk(exit: VmExit, machine: Machine): AddressWalk | undefined {
  const reason = exit.reason & 0xffff;
  if ((reason !== EPT_VIOLATION && reason !== EPT_MISCONFIGURATION) || machine.currentVmcs() !== exit.vmcs) {
    return undefined;
  }
  const q = exit.qualification;
  const kind: WalkKind = (q & 2n) !== 0n ? 'write' : (q & 4n) !== 0n ? 'execute' : 'read';
  const privilege = ((readSideRegister(machine, 'non-root', 'ss.rights') ?? 0n) >> 5n) & 3n;
  const access = { kind, user: privilege === 3n };
  if (reason === EPT_VIOLATION && (q & LINEAR_VALID) !== 0n) {
    const walk = walkAddress(machine, { kind: 'linear', side: 'non-root', address: exit.guestLinear }, access);
    // Bits 2:0 describe the access that failed, which for a paging structure may not be the instruction's own.
    return walk.stop === undefined
      ? walkAddress(machine, { kind: 'guest-physical', address: exit.guestPhysical }, access)
      : walk;
  }
  const checked = reason === EPT_VIOLATION ? access : undefined;
  return walkAddress(machine, { kind: 'guest-physical', address: exit.guestPhysical }, checked);
}
