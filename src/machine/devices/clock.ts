// Exact conversion between the machine's time (nanoseconds of the nominal 1 GHz clock) and the ticks of a slower clock.
// Split at whole seconds, every product stays below 2^53.

export const NANOSECONDS = 1_000_000_000;

/**
 * The core crystal clock that CPUID leaf 15H reports and that drives the local APIC's timer. As fast as the processor itself: what a guest
 * waits for by a count made for real hardware then takes few instructions.
 */
export const CRYSTAL_HZ = 1_000_000_000;

/** Ticks that a clock of `frequency` Hz (at most 9 MHz) has made at `time`. */
export function ticksAt(time: number, frequency: number): number {
  const seconds = Math.floor(time / NANOSECONDS);
  return seconds * frequency + Math.floor(((time - seconds * NANOSECONDS) * frequency) / NANOSECONDS);
}

/** The first time at which the clock has made `ticks` ticks. */
export function timeOfTick(ticks: number, frequency: number): number {
  const seconds = Math.floor(ticks / frequency);
  return seconds * NANOSECONDS + Math.ceil(((ticks - seconds * frequency) * NANOSECONDS) / frequency);
}
