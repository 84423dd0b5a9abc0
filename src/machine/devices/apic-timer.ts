// The timer of a local APIC (SDM, "APIC Timer"): one-shot, periodic and TSC-deadline, as a function of time.
// Its input clock is the core crystal clock that CPUID leaf 15H reports; TSC-deadline mode counts in time itself.
import { CRYSTAL_HZ, NANOSECONDS } from './clock.ts';

const CRYSTAL_PERIOD = NANOSECONDS / CRYSTAL_HZ;

export interface ApicTimer {
  /** LVT bits 18:17. */
  mode: number;
  /** Initial-count register. */
  initial: number;
  /** Divide-configuration register, bits 3, 1 and 0. */
  divide: number;
  /** Count when the running began; 0: stopped. */
  count: number;
  /** Time at which the count was `count`. */
  start: number;
  /** Absolute time of TSC-deadline mode; 0: disarmed. */
  deadline: number;
}

export const TIMER_ONE_SHOT = 0;
export const TIMER_PERIODIC = 1;
export const TIMER_DEADLINE = 2;

export const freshTimer = (): ApicTimer => ({
  mode: TIMER_ONE_SHOT,
  initial: 0,
  divide: 0,
  count: 0,
  start: 0,
  deadline: 0,
});

/** Time of one count, in nanoseconds. The divide bits 3, 1, 0 are a power of two; 111B divides by 1. */
export function countTime(timer: ApicTimer): number {
  const code = (timer.divide & 3) | ((timer.divide >> 1) & 4);
  return CRYSTAL_PERIOD * (code === 7 ? 1 : 2 << code);
}

/** Current-count register at `time`. */
export function currentCount(timer: ApicTimer, time: number): number {
  if (timer.count === 0 || timer.mode === TIMER_DEADLINE) return 0;
  return Math.max(0, timer.count - Math.floor((time - timer.start) / countTime(timer)));
}

/** Time at which it next expires; Infinity: never. */
export function expiry(timer: ApicTimer): number {
  if (timer.mode === TIMER_DEADLINE) return timer.deadline === 0 ? Number.POSITIVE_INFINITY : timer.deadline;
  return timer.count === 0 ? Number.POSITIVE_INFINITY : timer.start + timer.count * countTime(timer);
}

/** Lets it expire up to `time`; answers whether it did (however often). */
export function expire(timer: ApicTimer, time: number): boolean {
  const first = expiry(timer);
  if (time < first) return false;
  if (timer.mode === TIMER_DEADLINE) timer.deadline = 0;
  else if (timer.mode === TIMER_ONE_SHOT || timer.initial === 0) timer.count = 0;
  else {
    const period = timer.initial * countTime(timer);
    timer.start = first + Math.floor((time - first) / period) * period;
    timer.count = timer.initial;
  }
  return true;
}

export function writeInitialCount(timer: ApicTimer, value: number, time: number): void {
  if (timer.mode === TIMER_DEADLINE) return;
  timer.initial = value;
  timer.count = value;
  timer.start = time;
}

export function writeDivide(timer: ApicTimer, value: number, time: number): void {
  const count = currentCount(timer, time);
  timer.divide = value & 0x0b;
  timer.count = count;
  timer.start = time;
}

/** A change to or from TSC-deadline mode disarms the timer; between one-shot and periodic it counts on, as processors do. */
export function writeMode(timer: ApicTimer, mode: number): void {
  if ((mode === TIMER_DEADLINE) !== (timer.mode === TIMER_DEADLINE)) {
    timer.count = 0;
    timer.initial = 0;
    timer.deadline = 0;
  }
  timer.mode = mode;
}
