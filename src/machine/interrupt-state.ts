// Interrupt controllers as a person sees them: what software would read, and what only they know. Asking changes nothing.

/** A local APIC. Registers are as a read would give them; sets of vectors are ascending. */
export interface LocalApicState {
  readonly mode: 'disabled' | 'xAPIC' | 'x2APIC';
  /** Physical address of its page, whether it answers there or not. */
  readonly page: number;
  readonly id: number;
  readonly version: number;
  readonly taskPriority: number;
  readonly processorPriority: number;
  readonly logicalDestination: number;
  /** x2APIC mode has none. */
  readonly destinationFormat: number | undefined;
  readonly spuriousVector: number;
  readonly errorStatus: number;
  /** Low half of the interrupt command register, and its destination. */
  readonly command: number;
  readonly destination: number;
  readonly inService: readonly number[];
  readonly triggerModes: readonly number[];
  readonly requests: readonly number[];
  /** LVT entries: timer, thermal sensor, performance counters, LINT0, LINT1, error. */
  readonly lvt: readonly number[];
  readonly timer: ApicTimerState;
  /** Signals that wait for the processor. */
  readonly nmi: boolean;
  readonly init: boolean;
  readonly startup: boolean;
}

export interface ApicTimerState {
  readonly initialCount: number;
  readonly currentCount: number;
  readonly divide: number;
  /** IA32_TSC_DEADLINE; 0: disarmed, or another mode. */
  readonly deadline: number;
  /** Time at which it expires; undefined: it does not run. */
  readonly expires: number | undefined;
}

export interface IoApicPinState {
  /** Redirection entry, 64 bits. */
  readonly entry: bigint;
  /** Level of the line that comes in. */
  readonly line: boolean;
}

export interface IoApicState {
  readonly page: number;
  readonly id: number;
  readonly version: number;
  readonly pins: readonly IoApicPinState[];
}

/** One of the two 8259A controllers. Bit n of a set is input n. */
export interface PicState {
  readonly requests: number;
  readonly inService: number;
  readonly mask: number;
  /** Vector of input 0. */
  readonly base: number;
  readonly lines: number;
  /** Inputs that are level-triggered (ELCR). */
  readonly levels: number;
  readonly automaticEnd: boolean;
}

export interface InterruptControllers {
  /** That of the processor asked for. */
  readonly local: LocalApicState;
  readonly ioApic: IoApicState;
  readonly pics: readonly [PicState, PicState];
}
