// The EPT walk for people: every step from a guest-physical to a host-physical address, reading memory and changing nothing.
// It repeats what core/ept.ts does (SDM "EPT Translation Mechanism", "EPT Misconfigurations", "EPT Violations").

import { type BitLayout, describeBits, hex } from '../spec/bits.ts';
import { EPT_PAGE_ENTRY, EPT_TABLE_ENTRY } from '../spec/paging-bits.ts';

/** Little-endian value in host-physical memory, or undefined where no memory is. */
export type PhysicalReader = (address: bigint, bytes: 4 | 8) => bigint | undefined;

export interface EptSettings {
  readonly eptp: bigint;
  readonly physicalBits: number;
  /** “Mode-based execute control for EPT”. */
  readonly modeBasedExecute: boolean;
  /** What the processor offers. */
  readonly offers: EptOffers;
}

/** What of EPT a processor has (SDM "VPID and EPT Capabilities"). */
export interface EptOffers {
  readonly executeOnly: boolean;
  readonly pages2M: boolean;
  readonly pages1G: boolean;
  /** Bits 11:9 of the exit qualification. */
  readonly advancedInformation: boolean;
}

/** What paging makes of a linear address, for bits 11:9 of the exit qualification. */
export interface EptPage {
  readonly user: boolean;
  readonly writable: boolean;
  readonly executeDisabled: boolean;
}

/** A guest-physical access; absent where only the translation is asked for. */
export interface EptAccess {
  readonly read: boolean;
  readonly write: boolean;
  readonly fetch: boolean;
  /** The page of the linear address (its user bit also for mode-based execute control); absent for paging structures. */
  readonly page?: EptPage;
  /** Bits 7 and 8 of the exit qualification: a linear address is involved, and this is its translation. */
  readonly linear: boolean;
  readonly final: boolean;
}

export interface WalkStep {
  /** Name of the entry: PML4E, PDPTE, PDE, PTE; with EPT in front for EPT entries. */
  readonly level: string;
  /** Host-physical address of the entry under EPT or without it; guest-physical for paging under EPT. */
  readonly address: bigint;
  readonly raw: bigint;
  readonly bits: string;
  /** Why the walk ends here, if it does. */
  readonly stop?: string;
  /** The EPT walk to the entry itself, for guest paging under EPT. */
  readonly ept?: readonly WalkStep[];
}

export type EptResult =
  | {
      readonly ok: true;
      readonly hostPhysical: bigint;
      /** Bytes of the page. */
      readonly pageSize: bigint;
      /** AND of R, W and X (bits 0 to 2; bit 3: user execute) of the entries. */
      readonly rights: number;
    }
  | {
      readonly ok: false;
      readonly kind: 'ept-violation';
      /** The address that EPT does not translate, as the VM exit reports it. */
      readonly guestPhysical: bigint;
      readonly qualification: bigint;
      readonly explanation: string;
    }
  | {
      readonly ok: false;
      readonly kind: 'ept-misconfiguration';
      readonly guestPhysical: bigint;
      readonly explanation: string;
    }
  | { readonly ok: false; readonly kind: 'no-memory'; readonly explanation: string };

export interface EptWalk {
  readonly steps: readonly WalkStep[];
  readonly result: EptResult;
}

const ADDRESS = 0x000f_ffff_ffff_f000n;
const LEVEL_NAMES = ['', 'EPT PTE', 'EPT PDE', 'EPT PDPTE', 'EPT PML4E', 'EPT PML5E'] as const;
const RESERVED_TYPES = new Set([2n, 3n, 7n]);
const READ_WRITE_EXECUTE = 7;
const USER_EXECUTE = 8;

/** Why a present entry is misconfigured, in words, or undefined. */
function misconfiguration(
  entry: bigint,
  level: number,
  leaf: boolean,
  { physicalBits, offers }: EptSettings,
): string | undefined {
  if ((entry & 3n) === 2n) {
    return 'it allows writes but not reads';
  }
  if ((entry & 1n) === 0n && !offers.executeOnly) {
    return 'it allows execution but not reads, and this processor has no execute-only translations';
  }
  if ((entry & ADDRESS) >> BigInt(physicalBits) !== 0n) {
    return `its address uses bits above the physical-address width (${physicalBits})`;
  }
  if (!leaf) {
    return (entry & (level >= 4 ? 0xf8n : 0x78n)) === 0n
      ? undefined
      : `reserved bits ${level >= 4 ? '7:3' : '6:3'} are set`;
  }
  if ((level === 2 && !offers.pages2M) || (level === 3 && !offers.pages1G)) {
    return `this processor has no EPT pages of ${level === 2 ? '2 MBytes' : '1 GByte'}`;
  }
  const type = (entry >> 3n) & 7n;
  if (RESERVED_TYPES.has(type)) {
    return `memory type ${type} is reserved`;
  }
  const low = level === 3 ? 0x3fff_f000n : level === 2 ? 0x1f_f000n : 0n;
  return (entry & low) === 0n ? undefined : `reserved bits ${level === 3 ? '29:12' : '20:12'} are set`;
}

function accessWords(access: EptAccess): string {
  return [access.read && 'read', access.write && 'write', access.fetch && 'fetch'].filter(Boolean).join(' and ');
}

function qualification(access: EptAccess | undefined, rights: number, { offers }: EptSettings): bigint {
  const of = (on: boolean | undefined, position: number): number => (on === true ? 1 << position : 0);
  const page = access?.linear === true && access.final && offers.advancedInformation ? access.page : undefined;
  return BigInt(
    of(access?.read, 0) |
      of(access?.write, 1) |
      of(access?.fetch, 2) |
      (rights << 3) |
      of(access?.linear, 7) |
      of(access?.linear === true && access.final, 8) |
      of(page?.user, 9) |
      of(page?.writable, 10) |
      of(page?.executeDisabled, 11),
  );
}

function allows(access: EptAccess, rights: number, modeBased: boolean): boolean {
  const execute = modeBased && access.page?.user === true ? USER_EXECUTE : 4;
  return (
    (!access.read || (rights & 1) !== 0) &&
    (!access.write || (rights & 2) !== 0) &&
    (!access.fetch || (rights & execute) !== 0)
  );
}

/**
 * Walks the extended page tables for a guest-physical address.
 *
 * @param access checked against the rights of the walk; absent: any translation will do
 */
export function walkEpt(
  guestPhysical: bigint,
  settings: EptSettings,
  read: PhysicalReader,
  access?: EptAccess,
): EptWalk {
  const steps: WalkStep[] = [];
  let level = Number((settings.eptp >> 3n) & 7n) + 1;
  let table = settings.eptp & ADDRESS;
  let rights = settings.modeBasedExecute ? READ_WRITE_EXECUTE | USER_EXECUTE : READ_WRITE_EXECUTE;
  const presentMask = settings.modeBasedExecute ? 0x407n : 7n;
  const violation = (held: number, explanation: string): EptWalk => ({
    steps,
    result: {
      ok: false,
      kind: 'ept-violation',
      guestPhysical,
      qualification: qualification(access, held, settings),
      explanation,
    },
  });
  if (level === 4 && guestPhysical >> 48n !== 0n) {
    return violation(
      0,
      `guest-physical address ${hex(guestPhysical)} has bits above 47, which 4-level EPT does not translate`,
    );
  }
  for (;;) {
    const shift = BigInt(12 + 9 * (level - 1));
    const address = table + (((guestPhysical >> shift) & 511n) << 3n);
    const name = LEVEL_NAMES[level] ?? `EPT level ${level}`;
    const raw = read(address, 8);
    if (raw === undefined) {
      const explanation = `there is no memory at ${hex(address)}, where the ${name} should be`;
      steps.push({ level: name, address, raw: 0n, bits: '', stop: explanation });
      return { steps, result: { ok: false, kind: 'no-memory', explanation } };
    }
    const leaf = level === 1 || ((level === 2 || level === 3) && (raw & 0x80n) !== 0n);
    const layout: BitLayout = leaf ? EPT_PAGE_ENTRY : EPT_TABLE_ENTRY;
    const step = { level: name, address, raw, bits: describeBits(layout, raw).summary };
    if ((raw & presentMask) === 0n) {
      const explanation = `the ${name} at ${hex(address)} is not present`;
      steps.push({ ...step, stop: explanation });
      return violation(0, explanation);
    }
    const wrong = misconfiguration(raw, level, leaf, settings);
    if (wrong !== undefined) {
      const explanation = `the ${name} at ${hex(address)} (${hex(raw)}) is misconfigured: ${wrong}`;
      steps.push({ ...step, stop: explanation });
      return { steps, result: { ok: false, kind: 'ept-misconfiguration', guestPhysical, explanation } };
    }
    rights &= Number(raw & 7n) | Number((raw >> 7n) & 8n);
    if (!leaf) {
      steps.push(step);
      table = raw & ADDRESS;
      level -= 1;
      continue;
    }
    if (access !== undefined && !allows(access, rights, settings.modeBasedExecute)) {
      const explanation = `the EPT does not allow a ${accessWords(access)} of guest-physical address ${hex(guestPhysical)}`;
      steps.push({ ...step, stop: explanation });
      return violation(rights, explanation);
    }
    steps.push(step);
    const pageSize = 1n << shift;
    return {
      steps,
      result: {
        ok: true,
        hostPhysical: (raw & ADDRESS & ~(pageSize - 1n)) | (guestPhysical & (pageSize - 1n)),
        pageSize,
        rights,
      },
    };
  }
}
