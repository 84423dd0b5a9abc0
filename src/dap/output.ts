// The machine's console on its way to the editor: gathered, so that one event carries what one slice printed.

import type { Scheduler } from '../debugger/scheduler.ts';
import { toBase64 } from './base64.ts';

export interface ConsoleOutput {
  add(bytes: Uint8Array): void;
  /** Sends what is gathered; called before anything that must come after it. */
  flush(): void;
  /** The console went back in time and holds these bytes: sent as `ringside/console` with `rewound`. */
  rewind(bytes: Uint8Array): void;
}

const MAX_GATHERED = 16 * 1024;

/** Sends each piece twice: as `output` for the debug console, and as `ringside/console` (bytes) for a terminal. */
export function createConsoleOutput(scheduler: Scheduler, event: (name: string, body: object) => void): ConsoleOutput {
  let gathered: Uint8Array[] = [];
  let length = 0;
  let scheduled = false;
  const decoder = new TextDecoder();

  const flush = (): void => {
    if (length === 0) return;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const piece of gathered) {
      bytes.set(piece, at);
      at += piece.length;
    }
    gathered = [];
    length = 0;
    event('ringside/console', { data: toBase64(bytes) });
    const text = decoder.decode(bytes, { stream: true });
    if (text !== '') event('output', { category: 'stdout', output: text });
  };

  return {
    add(bytes) {
      gathered.push(bytes.slice());
      length += bytes.length;
      if (length >= MAX_GATHERED) return flush();
      if (scheduled) return;
      scheduled = true;
      void scheduler.breathe().then(() => {
        scheduled = false;
        flush();
      });
    },
    flush,
    rewind(bytes) {
      flush();
      event('ringside/console', { data: toBase64(bytes), rewound: true });
    },
  };
}
