// The debugger's only sight of wall time: injected, so that machines stay deterministic and tests need no real clock.

export interface Scheduler {
  /** Milliseconds, monotonic; any origin. */
  now(): number;
  /** Resolves after the host had a chance to handle messages (requests, pause). */
  breathe(): Promise<void>;
}

/** A scheduler for every host that has `MessageChannel` and `performance`: Node.js, browsers and their workers. */
export function createScheduler(): Scheduler {
  const channel = new MessageChannel();
  let waiting: (() => void)[] = [];
  channel.port1.onmessage = () => {
    const ready = waiting;
    waiting = [];
    for (const resolve of ready) resolve();
  };
  // In Node.js an open port keeps the process alive; a debugger that only waits must not.
  (channel.port1 as unknown as { unref?: () => void }).unref?.();
  return {
    now: () => performance.now(),
    breathe: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        channel.port2.postMessage(null);
      }),
  };
}
