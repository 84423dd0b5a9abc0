// Text that comes in pieces, told line by line.

export interface LineReader {
  add(text: string): void;
  /** A last line without its end is told, too. */
  end(): void;
}

export function createLineReader(onLine: (line: string) => void): LineReader {
  let rest = '';
  return {
    add(text) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    },
    end() {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
