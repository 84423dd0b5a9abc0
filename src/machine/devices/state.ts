// Saving and loading of a device whose whole state is one record of plain data.
import type { SavedState } from './types.ts';

type StateRecord = { [key: string]: unknown };

/** A deep copy; values other than plain data are a bug in the device and throw. */
export function copyState(value: unknown): SavedState {
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copyState);
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyState(inner)]));
  }
  throw new TypeError(`device state holds a ${typeof value}`);
}

/** `save` and `load` over a state record that the device mutates in place. */
export function stateAccess(state: object): { save(): SavedState; load(saved: SavedState): void } {
  return {
    save: () => copyState(state),
    load(saved) {
      const copy = copyState(saved) as StateRecord;
      const target = state as StateRecord;
      for (const key of Object.keys(target)) {
        if (!(key in copy)) throw new TypeError(`saved device state lacks "${key}"`);
        target[key] = copy[key];
      }
    },
  };
}

/** All ones of an access's width: what an empty bus answers. */
export const allOnes = (size: 1 | 2 | 4): number => (size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff);
