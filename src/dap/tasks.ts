// Long work: progress for the client, and cancelling. A request waits for the one before it, but `cancel` is heard at once.

import type { Scheduler } from '../debugger/scheduler.ts';
import type { Task } from '../debugger/console/types.ts';

/** Nothing is shown of work that takes less, in milliseconds. */
const QUIET = 500;
/** How often progress is told and the host may handle messages, in milliseconds. */
const BETWEEN = 100;

/** Requests that were taken back before they came, at most. */
const MAX_REMEMBERED = 1000;

export interface Tasks {
  /** Begins work for the request that is being answered. */
  begin(title: string): Task;
  /** Cancels a request, waiting or being answered, by its number. */
  cancelRequest(seq: number): void;
  /** Cancels the work that a progress event named. */
  cancelProgress(id: string): void;
  /** Cancels whatever is being done. */
  cancelAll(): void;
  /** A request begins to be answered; false when it was cancelled before. */
  enter(seq: number): boolean;
}

interface Running {
  readonly id: string;
  readonly request: number;
  cancelled: boolean;
}

export function createTasks(
  scheduler: Scheduler,
  reports: () => boolean,
  event: (name: string, body: object) => void,
): Tasks {
  const cancelled = new Set<number>();
  const running = new Set<Running>();
  let current = 0;
  let next = 1;
  return {
    enter(seq) {
      current = seq;
      return !cancelled.delete(seq);
    },
    cancelRequest(seq) {
      if (seq > current && cancelled.size < MAX_REMEMBERED) cancelled.add(seq);
      for (const task of running) if (task.request === seq) task.cancelled = true;
    },
    cancelProgress(id) {
      for (const task of running) if (task.id === id) task.cancelled = true;
    },
    cancelAll() {
      for (const task of running) task.cancelled = true;
    },
    begin(title) {
      const task: Running = { id: `task-${next++}`, request: current, cancelled: false };
      running.add(task);
      const start = scheduler.now();
      let told = start;
      let shown = false;
      return {
        report: async (done) => {
          const now = scheduler.now();
          if (now - told < BETWEEN) return !task.cancelled;
          told = now;
          const percentage = Math.min(100, Math.max(0, Math.round(done * 100)));
          if (now - start >= QUIET && reports()) {
            if (shown) event('progressUpdate', { progressId: task.id, percentage });
            else
              event('progressStart', {
                progressId: task.id,
                title,
                requestId: task.request,
                cancellable: true,
                percentage,
              });
            shown = true;
          }
          await scheduler.breathe();
          return !task.cancelled;
        },
        end: () => {
          running.delete(task);
          if (shown) event('progressEnd', { progressId: task.id });
        },
      };
    },
  };
}
