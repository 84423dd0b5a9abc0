// Long work in steps, so that whoever waits can be told how far it is, and can give up.

/** Yields which part is done, from 0 to 1. */
export type Steps<T> = Generator<number, T>;

/** Hears which part is done; rejects to give up. */
export type Reached = (done: number) => Promise<void>;

/** Work that has no parts. */
// biome-ignore lint/correctness/useYield: one step
export function* inOne<T>(work: () => T): Steps<T> {
  return work();
}

export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export async function inSteps<T>(steps: Steps<T>, reached: Reached | undefined): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await reached?.(step.value);
  }
}
