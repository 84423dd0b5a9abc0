// The debugger's only sight of wall time: injected, so that machines stay deterministic and tests need no real clock.

export interface Scheduler {
  /** Milliseconds, monotonic; any origin. */
  now(): number;
  /** Resolves after the host had a chance to handle messages (requests, pause). */
  breathe(): Promise<void>;
}

/** A scheduler for Node.js, browsers and their workers. */
export function createScheduler(): Scheduler {
  const immediate = (globalThis as { setImmediate?: (callback: () => void) => unknown }).setImmediate;
  return {
    now: () => performance.now(),
    breathe: immediate === undefined ? breatheByMessage() : () => new Promise((resolve) => void immediate(resolve)),
  };
}

/** Where there is no setImmediate. (In Node.js a message port would starve timers and sockets: it handles 1000 messages in a row.) */
function breatheByMessage(): () => Promise<void> {
  const channel = new MessageChannel();
  let waiting: (() => void)[] = [];
  channel.port1.onmessage = () => {
    const ready = waiting;
    waiting = [];
    for (const resolve of ready) resolve();
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      channel.port2.postMessage(null);
    });
}
