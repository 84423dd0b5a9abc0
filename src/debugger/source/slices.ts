// Slices and strings of Rust: an address and a length that belong together.

import type { Machine } from '../../machine/types.ts';
import { type ArrayType, plainType } from '../../program/debug-types.ts';
import { memberPlace, type Place, pointedPlace, readPlace } from './places.ts';

/** Longer ones are not there yet, or not any more. */
const MAX_LENGTH = 0x7fffffffn;

export interface Slice {
  /** Its elements, as an array. */
  readonly place: Place;
  readonly array: ArrayType;
  /** A `str`: its bytes are text. */
  readonly text: boolean;
}

/** What a slice shows; undefined for anything else. */
export function sliceOf(machine: Machine, place: Place): Slice | undefined {
  const type = plainType(place.type);
  if (type.kind !== 'record') return undefined;
  const members = type.members();
  const [data, length] = ['data_ptr', 'length'].map((name) => members.find((member) => member.name === name));
  const pointer = data && plainType(data.type);
  if (members.length !== 2 || data === undefined || length === undefined || pointer?.kind !== 'pointer')
    return undefined;
  const [address, count] = [
    readPlace(machine, memberPlace(place, data)),
    readPlace(machine, memberPlace(place, length)),
  ];
  if ('why' in address || 'why' in count || count.value > MAX_LENGTH) return undefined;
  const array: ArrayType = { kind: 'array', element: pointer.target(), count: Number(count.value) };
  const whole = { ...pointer, target: () => array };
  return { place: pointedPlace(whole, address.value, 0n, place.space), array, text: /\bstr$/.test(type.name ?? '') };
}
