// The map of an address space as a view shows it: a row a range.

import type { AddressSpace, Machine, Side } from '../../machine/types.ts';
import { hex } from '../format.ts';

/** Whose: paging of the side that runs, of the guest, of the host; or the extended page tables. */
export const SPACES = ['running', 'guest', 'host', 'ept'] as const;
export type Space = (typeof SPACES)[number];

export interface RangeRow {
  readonly from: string;
  /** Last byte. */
  readonly to: string;
  readonly target: string;
  /** `4 KiB`, `2 MiB`, … */
  readonly pageSize: string;
  readonly pages: number;
  /** `rwx`, with `-` for what is not allowed. */
  readonly rights: string;
  readonly user: boolean;
  readonly accessed: number;
  readonly dirty: number;
  readonly stop: string | null;
  /** To translate the first address. */
  readonly expression: string;
}

export interface AddressSpaceView {
  readonly title: string;
  readonly rows: readonly RangeRow[];
  /** Ask again from here; null: that was all. */
  readonly next: string | null;
}

/** undefined: there is no such address space now, and `spaceMissing` says why. */
export function addressSpaceView(machine: Machine, space: Space, from: bigint): AddressSpaceView | undefined {
  const side: Side = space === 'running' ? machine.side() : space === 'host' ? 'root' : 'non-root';
  const map = space === 'ept' ? machine.mapGuestPhysical(from) : machine.mapLinear(side, from);
  if (map === undefined) return undefined;
  return {
    title: titleOf(map, side),
    rows: map.ranges.map((range) => ({
      from: hex(range.from),
      to: hex(range.to),
      target: hex(range.target),
      pageSize: sizeText(range.pageSize),
      pages: range.pages,
      rights: `${range.read ? 'r' : '-'}${range.write ? 'w' : '-'}${range.execute ? 'x' : '-'}`,
      user: range.user,
      accessed: range.accessed,
      dirty: range.dirty,
      stop: range.stop ?? null,
      expression: `${map.mode === 'EPT' ? 'gpa' : side === 'root' ? 'hva' : 'gva'}:${hex(range.from)}`,
    })),
    next: map.next === undefined ? null : hex(map.next),
  };
}

function titleOf({ mode }: AddressSpace, side: Side): string {
  if (mode === 'EPT') return 'Guest-physical addresses, by EPT';
  const whose = side === 'root' ? 'the host' : 'the guest';
  return mode === 'no paging'
    ? `Paging of ${whose} is off: linear addresses are physical`
    : `Linear addresses of ${whose}, by ${mode} paging`;
}

export const spaceMissing = (space: Space): string =>
  space === 'ept'
    ? 'There is no EPT: no VMCS is current, or its control "enable EPT" is 0.'
    : 'There is no current VMCS that would tell that side’s paging.';

function sizeText(size: bigint): string {
  const kibibytes = size >> 10n;
  if (kibibytes < 1024n) return `${kibibytes} KiB`;
  const mebibytes = kibibytes >> 10n;
  return mebibytes < 1024n ? `${mebibytes} MiB` : `${mebibytes >> 10n} GiB`;
}
