// How the machine and its devices meet. Devices are plain objects over plain state; board.ts composes them.
// Time is instructions retired since power-on (one a nanosecond of the nominal 1 GHz clock), an exact integer in a `number`.
// Devices never read a clock, print or throw for what a guest does.

import type { InterruptControllers } from '../interrupt-state.ts';

/** State of a device as plain data: numbers, strings, booleans, bytes, and arrays and records of them. */
export type SavedState =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly SavedState[]
  | { readonly [key: string]: SavedState };

/** Bytes of one access. Wider memory accesses reach a device as several of these, lowest address first. */
export type AccessSize = 1 | 2 | 4;

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Host-physical addresses from `first` to `last`, both included. */
export interface MemoryRange {
  readonly first: number;
  readonly last: number;
}

export interface Device {
  readonly name: string;
  /** Ports that reach this device. */
  readonly ports?: readonly PortRange[];
  /** True: accesses of 2 and 4 bytes reach the device whole. Else it sees bytes at successive ports, lowest first. */
  readonly widePorts?: boolean;
  /** Unsigned value of the access; a device that has nothing at a port of its range answers all ones. */
  readPort?(port: number, size: AccessSize): number;
  writePort?(port: number, size: AccessSize, value: number): void;
  /** Memory that reaches this device now (a local APIC moves). */
  memory?(): readonly MemoryRange[];
  readMemory?(address: number, size: AccessSize): number;
  writeMemory?(address: number, size: AccessSize, value: number): void;
  /** Absolute time of the next thing that this device does on its own, Infinity when there is none. Never in the past of the last `advance`. */
  nextEvent?(): number;
  /** Lets time reach `time`: timers expire, lines rise. */
  advance?(time: number): void;
  save(): SavedState;
  load(state: SavedState): void;
}

/** What the board asks of the processor and its machine. */
export interface BoardHost {
  /** Bytes of RAM, from physical address 0. */
  readonly ramSize: number;
  /** Present time; exact in the middle of an instruction that reaches a device. */
  now(): number;
  /** Logical processors; their local APIC IDs are 0 and up. */
  readonly processors: number;
  /** CR8 of a processor: bits 7:4 of its local APIC's task-priority register live there and nowhere else. */
  readTaskPriority(processor: number): number;
  writeTaskPriority(processor: number, value: number): void;
  /** Console output: COM1 and the debug console port E9H. */
  output(byte: number): void;
  /** Something that a person should know once (an access to a port where nothing is, for example). */
  notice(text: string): void;
  /** A test exit, power off or a reset: the machine stops after this instruction. `port` is where it was asked for. */
  shutdown(status: number, port: number): void;
  /** The guest asked for what is not simulated: the machine stops after this instruction with this explanation. */
  unsimulated(explanation: string): void;
}

/** Devices, buses and interrupt controllers as the machine sees them. `createBoard(host, options)` in board.ts makes one. */
export interface Board {
  readonly devices: readonly Device[];
  /** Names the logical processor that runs: whose local APIC and whose accesses everything below means that names none. */
  select(processor: number): void;
  /** Any of the 65,536 ports; unsigned. All ones where nothing answers. */
  readPort(port: number, size: AccessSize): number;
  writePort(port: number, size: AccessSize, value: number): void;
  /** False when the last port access cannot have moved an interrupt line, a timer or the end of the run: nobody need look at the devices. */
  changed(): boolean;
  /** Physical memory outside RAM, or a device page that overlays RAM. All ones where nothing answers. */
  readMemory(address: number, size: AccessSize): number;
  writeMemory(address: number, size: AccessSize, value: number): void;
  /** Physical pages (address of 4 KiB) below RAM's end where a device overlays RAM: the machine marks them PAGE_DEVICE. */
  overlays(): readonly number[];
  /** Absolute time of the earliest event of any device; Infinity: none will ever happen without input. */
  nextEvent(): number;
  advance(time: number): void;
  /** An interrupt controller presents an external interrupt that passes the priorities of the local APIC (absent: of the running processor's). */
  interruptPending(processor?: number): boolean;
  /** Whether an NMI, an INIT or a SIPI waits for a processor. */
  nmiPending(processor: number): boolean;
  initPending(processor: number): boolean;
  startupPending(processor: number): boolean;
  /** Acknowledges it: vector; from now on it is in service. Spurious vectors are answered as the hardware does. */
  acknowledge(): number;
  /** EOI to the local APIC: the interrupt that was acknowledged last is no longer in service. */
  endInterrupt(): void;
  /** Takes a pending NMI, INIT or SIPI: at most one of each is held. */
  takeNmi(): boolean;
  takeInit(): boolean;
  /** Vector of a start-up IPI, or undefined. */
  takeStartup(): number | undefined;
  /** True when any of the three above waits: one cheap question for the run loop. */
  signalPending(): boolean;
  /** x2APIC registers as MSRs 800H to 8FFH. undefined: #GP. Values are unsigned 64 bits in two halves. */
  readApicMsr(index: number): { readonly low: number; readonly high: number } | undefined;
  /** false: #GP. */
  writeApicMsr(index: number, low: number, high: number): boolean;
  /** IA32_APIC_BASE was written with a value that msrs.ts found valid (enable bits, base address below 4 GiB). */
  setApicBase(low: number): void;
  /** IA32_TSC_DEADLINE: absolute time, 0 disarmed; Reads 0 unless the timer is in TSC-deadline mode. */
  readDeadline(): number;
  writeDeadline(time: number): void;
  /** Console input: bytes received by COM1. */
  input(bytes: Uint8Array): void;
  /** RESET or INIT of the processor: the local APIC returns to its state after reset. */
  resetApic(): void;
  /** The interrupt controllers of a processor for a person: nothing changes. */
  peek(processor: number): InterruptControllers;
  save(): SavedState;
  load(state: SavedState): void;
}
