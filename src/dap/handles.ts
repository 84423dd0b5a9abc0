// Numbers for paths, the same for the whole session: a tree in the editor keeps its state from stop to stop. A path means a variable of one
// logical processor: that of the time when the number was given out.

import type { Machine } from '../machine/types.ts';

export interface Handles {
  numberOf(path: string): number;
  /** The path; its processor becomes the selected one. */
  pathOf(number: number): string | undefined;
}

/** Numbers start at 1; 0 means "no children" in the protocol. */
export function createHandles(machine: () => Machine | undefined = () => undefined): Handles {
  const numbers = new Map<string, number>();
  const places: { readonly path: string; readonly processor: number }[] = [];
  return {
    numberOf(path) {
      const processor = machine()?.processor() ?? 0;
      const key = `${processor} ${path}`;
      let number = numbers.get(key);
      if (number === undefined) {
        number = places.push({ path, processor });
        numbers.set(key, number);
      }
      return number;
    },
    pathOf(number) {
      const place = places[number - 1];
      const chosen = machine();
      if (place !== undefined && chosen !== undefined && place.processor < chosen.processors)
        chosen.select(place.processor);
      return place?.path;
    },
  };
}
