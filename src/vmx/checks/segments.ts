// A guest segment register as its checks see it.

import type { VmcsFieldName } from '../../spec/vmcs-fields.ts';
import { bits } from './rules.ts';
import type { EntryState } from './types.ts';

export const CODE_AND_DATA = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS'] as const;
export const DATA = ['DS', 'ES', 'FS', 'GS'] as const;
export type SegmentName = (typeof CODE_AND_DATA)[number] | 'TR' | 'LDTR';

export function selectorField(name: SegmentName): VmcsFieldName {
  return `Guest ${name} selector`;
}

export function baseField(name: SegmentName): VmcsFieldName {
  return `Guest ${name} base`;
}

export function limitField(name: SegmentName): VmcsFieldName {
  return `Guest ${name} limit`;
}

export function rightsField(name: SegmentName): VmcsFieldName {
  return `Guest ${name} access rights`;
}

function rightsBits(v: EntryState, name: SegmentName, high: number, low: number): number {
  return Number(bits(v.field(rightsField(name)), high, low));
}

export const type = (v: EntryState, name: SegmentName): number => rightsBits(v, name, 3, 0);
export const isCodeOrData = (v: EntryState, name: SegmentName): boolean => rightsBits(v, name, 4, 4) === 1;
export const dpl = (v: EntryState, name: SegmentName): number => rightsBits(v, name, 6, 5);
export const isPresent = (v: EntryState, name: SegmentName): boolean => rightsBits(v, name, 7, 7) === 1;
export const isLong = (v: EntryState, name: SegmentName): boolean => rightsBits(v, name, 13, 13) === 1;
export const isBig = (v: EntryState, name: SegmentName): boolean => rightsBits(v, name, 14, 14) === 1;
export const isGranular = (v: EntryState, name: SegmentName): boolean => rightsBits(v, name, 15, 15) === 1;
export const isUsable = (v: EntryState, name: SegmentName): boolean => rightsBits(v, name, 16, 16) === 0;
export const rpl = (v: EntryState, name: SegmentName): number => Number(bits(v.field(selectorField(name)), 1, 0));

/** CS must always be sound; the others only when they are usable. */
export function isChecked(v: EntryState, name: SegmentName): boolean {
  return name === 'CS' || isUsable(v, name);
}
