// The way of an address as boxes for a diagram: segmentation, paging entries, EPT entries, memory; the failing one says why.

import type { WalkStep } from '../../machine/types.ts';
import { hex } from '../format.ts';
import type { AddressWalk } from '../walk.ts';

export interface EntryBox {
  /** PML4E, EPT PDE, DS, … */
  readonly name: string;
  /** Where the entry is; empty for a segment. */
  readonly address: string;
  readonly raw: string;
  readonly bits: string;
  /** Why the walk ends at this entry; null: it goes on. */
  readonly stop: string | null;
  /** The EPT walk to the entry itself. */
  readonly ept: readonly EntryBox[];
}

export interface TranslationStage {
  readonly title: string;
  /** Root of the tables: CR3 or EPTP; empty without. */
  readonly root: string;
  readonly boxes: readonly EntryBox[];
  /** Kind and value of the address that comes out; null when none does. */
  readonly result: { readonly kind: string; readonly address: string } | null;
}

export interface TranslationView {
  readonly stages: readonly TranslationStage[];
  /** Why there is no host-physical address; null: there is one. */
  readonly stop: string | null;
  /** To open the memory; null: there is none. */
  readonly memory: string | null;
}

export function translationView(walk: AddressWalk): TranslationView {
  const { segmentation, paging, linear, guestPhysical, hostPhysical, ept, start } = walk;
  const stages: TranslationStage[] = [];
  if (segmentation !== undefined) {
    const { segment, selector, base, limit, bits, stop } = segmentation;
    const box: EntryBox = {
      name: segment.toUpperCase(),
      address: `selector ${hex(selector)}`,
      raw: `base ${hex(base)}, limit ${hex(limit)}`,
      bits,
      stop: stop ?? null,
      ept: [],
    };
    stages.push({
      title: 'Segmentation',
      root: `offset ${hex(segmentation.offset)}`,
      boxes: [box],
      result: stop === undefined ? { kind: 'Linear address', address: hex(segmentation.linear) } : null,
    });
  }
  if (paging !== undefined && linear !== undefined) {
    const underEpt = walk.eptp !== undefined;
    const physical = paging.result.ok ? paging.result.guestPhysical : guestPhysical;
    stages.push({
      title: `Paging: ${paging.mode}`,
      root: `linear ${hex(linear)}${paging.mode === 'no paging' ? '' : `, CR3 ${hex(walk.cr3 ?? 0n)}`}`,
      boxes: paging.steps.map(entryBox),
      result:
        physical === undefined
          ? null
          : { kind: underEpt ? 'Guest-physical address' : 'Physical address', address: hex(physical) },
    });
  }
  const eptSteps = ept?.steps ?? paging?.ept ?? [];
  if (eptSteps.length > 0) {
    stages.push({
      title: 'Extended page tables (EPT)',
      root: `${guestPhysical === undefined ? '' : `guest-physical ${hex(guestPhysical)}, `}EPTP ${hex(walk.eptp ?? 0n)}`,
      boxes: eptSteps.map(entryBox),
      result: hostPhysical === undefined ? null : { kind: 'Host-physical address', address: hex(hostPhysical) },
    });
  }
  if (stages.length === 0 && hostPhysical !== undefined) {
    const kind = start.kind === 'guest-physical' ? 'Guest-physical address, no EPT' : 'Host-physical address';
    stages.push({
      title: kind,
      root: '',
      boxes: [],
      result: { kind: 'Host-physical address', address: hex(hostPhysical) },
    });
  }
  return {
    stages,
    stop: walk.stop ?? null,
    memory: walk.stop === undefined && hostPhysical !== undefined ? `hpa:${hex(hostPhysical)}` : null,
  };
}

function entryBox(step: WalkStep): EntryBox {
  return {
    name: step.level,
    address: hex(step.address),
    raw: hex(step.raw),
    bits: step.bits,
    stop: step.stop ?? null,
    ept: (step.ept ?? []).map(entryBox),
  };
}
