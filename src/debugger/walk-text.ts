// Address walks in words.

import type { Machine, VmExit, WalkStep } from '../machine/types.ts';
import { hex } from './format.ts';
import { type AddressWalk, exitWalk, type SegmentStep } from './walk.ts';

/**
 * A walk, one line an entry: name, address, raw value, named bits, and why it ends.
 *
 * @param nested show the EPT walk to each paging-structure entry; otherwise only to the one at which the walk ends
 */
export function walkText(walk: AddressWalk, nested = true): string {
  const lines: string[] = [];
  if (walk.segmentation !== undefined) lines.push(segmentText(walk.segmentation));
  const { paging } = walk;
  if (walk.linear !== undefined && paging !== undefined) {
    const root = paging.mode === 'no paging' ? '' : `, CR3 ${hex(walk.cr3 ?? 0n)}`;
    lines.push(
      `Linear ${hex(walk.linear)}: ${paging.mode === 'no paging' ? 'no paging' : `${paging.mode} paging`}${root}`,
    );
    for (const step of paging.steps) lines.push(...stepText(step, '  ', nested));
  }
  if (walk.guestPhysical !== undefined) lines.push(`Guest-physical ${hex(walk.guestPhysical)}`);
  const ept = walk.ept?.steps ?? paging?.ept ?? [];
  if (ept.length > 0) {
    lines.push(`  EPT, EPTP ${hex(walk.eptp ?? 0n)}`);
    for (const step of ept) lines.push(...stepText(step, '  ', nested));
  }
  if (walk.hostPhysical !== undefined) {
    const size = paging?.result.ok
      ? paging.result.pageSize
      : walk.ept?.result.ok
        ? walk.ept.result.pageSize
        : undefined;
    lines.push(`Host-physical ${hex(walk.hostPhysical)}${size === undefined ? '' : `, page of ${sizeText(size)}`}`);
  }
  if (walk.stop !== undefined) lines.push(`Ends: ${walk.stop}${faultText(walk)}`);
  return lines.join('\n');
}

function segmentText(step: SegmentStep): string {
  const name = step.segment.toUpperCase();
  return `${name}:${hex(step.offset)}: ${name} = ${hex(step.selector, 4)}, base ${hex(step.base)}, limit ${hex(step.limit)}, access rights ${hex(step.rights)} [${step.bits}]`;
}

function stepText(step: WalkStep, indent: string, nested: boolean): string[] {
  const bits = step.bits === '' ? '' : `  [${step.bits}]`;
  const line = `${indent}${step.level.padEnd(9)}  at ${hex(step.address)}  ${hex(step.raw, 16)}${bits}${step.stop === undefined ? '' : '   ← ends here'}`;
  const under = step.ept !== undefined && (nested || step.stop !== undefined) ? step.ept : [];
  return [...under.flatMap((inner) => stepText(inner, `${indent}    `, nested)), line];
}

function faultText({ paging, ept }: AddressWalk): string {
  const result = paging?.result ?? ept?.result;
  if (result === undefined || result.ok) return '';
  switch (result.kind) {
    case 'page-fault':
      return `. Page fault, error code ${hex(result.errorCode)}`;
    case 'not-canonical':
      return '. #GP(0), or #SS(0) for the stack';
    case 'ept-violation':
      return `. EPT violation, exit qualification ${hex(result.qualification)}`;
    case 'ept-misconfiguration':
      return '. EPT misconfiguration';
    case 'no-memory':
      return '';
  }
}

function sizeText(size: bigint): string {
  if (size >= 1n << 30n) return `${size >> 30n} GiB`;
  return size >= 1n << 20n ? `${size >> 20n} MiB` : `${size >> 10n} KiB`;
}

/** The walk that an EPT violation or EPT misconfiguration ended, in words; empty for other exits. */
export function exitWalkText(exit: VmExit, machine: Machine): string {
  const walk = exitWalk(exit, machine);
  return walk === undefined ? '' : walkText(walk, false);
}
