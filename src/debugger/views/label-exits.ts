// VM exits at labels and functions: of a guest, those of the instructions below a label; of a host, those that arrive at it.

import type { ExitStatisticsRow, Machine } from '../../machine/types.ts';
import { type Image, lineAt, symbolAt } from '../../program/image.ts';
import { vmcsEncoding } from '../../spec/vmcs-fields.ts';
import { vmcsFieldOffset } from '../../spec/vmcs-layout.ts';
import { exitReasonTitle } from '../facts.ts';
import { littleEndian } from '../format.ts';

export interface LabelExits {
  /** Of a label, without what stands behind its first point: local labels belong to the one above. */
  readonly name: string;
  readonly path: string;
  /** Line of its first instruction, from 1. */
  readonly line: number;
  /** `exits`: the instructions below it exit. `handler`: HOST_RIP leads to it. */
  readonly kind: 'exits' | 'handler';
  readonly count: number;
  /** Exits that were followed by a VM entry, and the instructions of the host until then, over all of them. */
  readonly handled: number;
  readonly instructions: number;
  /** Most frequent first. */
  readonly reasons: readonly { readonly title: string; readonly count: number }[];
}

/** @param host what the host's addresses are named by */
export function labelExits(machine: Machine, guest: Image, host: Image): LabelExits[] {
  const { places } = machine.exitStatistics();
  return [
    ...grouped(places, 'exits', guest, ({ linear }) => linear),
    ...grouped(places, 'handler', host, ({ vmcs }) => hostRip(machine, vmcs)),
  ];
}

function grouped(
  places: readonly ExitStatisticsRow[],
  kind: LabelExits['kind'],
  image: Image,
  addressOf: (place: ExitStatisticsRow) => bigint | undefined,
): LabelExits[] {
  const groups = new Map<string, { label: Label; places: ExitStatisticsRow[] }>();
  for (const place of places) {
    const address = addressOf(place);
    const label = address === undefined ? undefined : labelAt(image, address);
    if (label === undefined) continue;
    const group = groups.get(label.name) ?? { label, places: [] };
    group.places.push(place);
    groups.set(label.name, group);
  }
  return [...groups.values()].map(({ label, places: own }) => ({ ...label, kind, ...summed(own) }));
}

interface Label {
  readonly name: string;
  readonly path: string;
  readonly line: number;
}

function labelAt(image: Image, address: bigint): Label | undefined {
  const symbol = symbolAt(image, address)?.symbol;
  if (symbol === undefined) return undefined;
  const outer = image.byName.get(symbol.name.replace(/(?<=.)\..*$/, '')) ?? symbol;
  const at = lineAt(image, outer.address);
  return at === undefined ? undefined : { name: outer.name, path: at.path, line: at.line };
}

function summed(
  places: readonly ExitStatisticsRow[],
): Pick<LabelExits, 'count' | 'handled' | 'instructions' | 'reasons'> {
  const reasons = new Map<string, number>();
  for (const { reason, count } of places) {
    const title = exitReasonTitle(reason);
    reasons.set(title, (reasons.get(title) ?? 0) + count);
  }
  const sum = (part: (place: ExitStatisticsRow) => number): number => places.reduce((all, each) => all + part(each), 0);
  return {
    count: sum(({ count }) => count),
    handled: sum(({ handled }) => handled),
    instructions: sum(({ total }) => total),
    reasons: [...reasons].map(([title, count]) => ({ title, count })).sort((a, b) => b.count - a.count),
  };
}

/** The handler of a VMCS, current or not: its region holds the field. */
function hostRip(machine: Machine, vmcs: bigint): bigint | undefined {
  const encoding = vmcsEncoding('Host RIP');
  if (machine.currentVmcs() === vmcs) return machine.readVmcs(encoding);
  const bytes = machine.peekPhysical(vmcs + BigInt(vmcsFieldOffset(encoding) ?? 0), 8);
  return bytes.length === 8 ? littleEndian(bytes) : undefined;
}
