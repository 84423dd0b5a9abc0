// Numbers for paths, the same for the whole session: a tree in the editor keeps its state from stop to stop.

export interface Handles {
  numberOf(path: string): number;
  pathOf(number: number): string | undefined;
}

/** Numbers start at 1; 0 means "no children" in the protocol. */
export function createHandles(): Handles {
  const numbers = new Map<string, number>();
  const paths: string[] = [];
  return {
    numberOf(path) {
      let number = numbers.get(path);
      if (number === undefined) {
        number = paths.push(path);
        numbers.set(path, number);
      }
      return number;
    },
    pathOf: (number) => paths[number - 1],
  };
}
