// A processor's local APIC (SDM, "Advanced Programmable Interrupt Controller"): registers, priorities, acceptance.
// xAPIC and x2APIC see the same registers; apic-access.ts decides what each access mode permits.
import {
  type ApicTimer,
  TIMER_DEADLINE,
  currentCount,
  expire,
  expiry,
  freshTimer,
  writeDivide,
  writeInitialCount,
  writeMode,
} from './apic-timer.ts';
import { stateAccess } from './state.ts';
import type { SavedState } from './types.ts';

// Register numbers: offset in the page divided by 16, and MSR number minus 800H.
export const REGISTER_ID = 0x02;
export const REGISTER_VERSION = 0x03;
export const REGISTER_TPR = 0x08;
export const REGISTER_PPR = 0x0a;
export const REGISTER_EOI = 0x0b;
export const REGISTER_LDR = 0x0d;
export const REGISTER_DFR = 0x0e;
export const REGISTER_SVR = 0x0f;
export const REGISTER_ISR = 0x10;
export const REGISTER_TMR = 0x18;
export const REGISTER_IRR = 0x20;
export const REGISTER_ESR = 0x28;
export const REGISTER_ICR = 0x30;
export const REGISTER_ICR_HIGH = 0x31;
export const REGISTER_LVT = 0x32;
const REGISTER_INITIAL_COUNT = 0x38;
const REGISTER_CURRENT_COUNT = 0x39;
const REGISTER_DIVIDE = 0x3e;
export const REGISTER_SELF_IPI = 0x3f;

const LVT_TIMER = 0;
const LVT_THERMAL = 1;
const LVT_PERFORMANCE = 2;
const LVT_LINT0 = 3;
const LVT_LINT1 = 4;
const LVT_ERROR = 5;
export const LVT_COUNT = 6;
const LVT_MASKED = 0x10000;
/** Bits that software may write: vector and mask; delivery mode, polarity and trigger where the entry has them. */
const LVT_WRITABLE = [0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff];

/** Version 14H (integrated APIC), six LVT entries, no suppression of EOI broadcasts. */
const VERSION = 0x14 | ((LVT_COUNT - 1) << 16);
const SVR_ENABLED = 0x100;

const ERROR_SEND_VECTOR = 0x20;
const ERROR_RECEIVE_VECTOR = 0x40;
const ERROR_REGISTER = 0x80;

export const DELIVERY_FIXED = 0;
export const DELIVERY_LOWEST = 1;
export const DELIVERY_SMI = 2;
export const DELIVERY_NMI = 4;
export const DELIVERY_INIT = 5;
export const DELIVERY_STARTUP = 6;
export const DELIVERY_EXTERNAL = 7;

/** An interrupt message on its way to local APICs. */
export interface ApicMessage {
  readonly vector: number;
  readonly delivery: number;
  readonly level: boolean;
  readonly logical: boolean;
  readonly destination: number;
  /** Interrupt command register bits 19:18: 0 destination field, 1 self, 2 all, 3 all but self. */
  readonly shorthand: number;
}

/** A destination of 8 bits with all set means every local APIC, also those in x2APIC mode. */
export function everyone(destination: number): number {
  return destination === 0xff ? 0xffffffff : destination;
}

export interface LocalApicWiring {
  now(): number;
  readTaskPriority(): number;
  writeTaskPriority(value: number): void;
  /** Sends an interprocessor interrupt to every local APIC that it is meant for. */
  send(message: ApicMessage): void;
  /** The end of a level-triggered interrupt, for the I/O APICs. */
  endOfInterrupt(vector: number): void;
  unsimulated(explanation: string): void;
}

export interface LocalApic {
  /** IA32_APIC_BASE: the bits that matter here are 11 (enable), 10 (x2APIC) and the page. */
  isEnabled(): boolean;
  isX2(): boolean;
  page(): number;
  setBase(low: number): void;
  /** Reads and writes by register number, already found permissible. */
  read(register: number): number;
  write(register: number, value: number): void;
  /** Writes ICR with its destination (x2APIC: 32 bits; xAPIC: from ICR_HIGH bits 31:24). */
  writeCommand(low: number, destination: number): void;
  readDestination(): number;
  /** An access to a register that does not exist: recorded in ESR. */
  illegalRegister(): void;
  /** Whether a message is addressed to this APIC. */
  matches(message: ApicMessage): boolean;
  /** Takes a message that is addressed to it; answers false when it cannot be accepted. */
  accept(message: Pick<ApicMessage, 'vector' | 'delivery' | 'level'>): boolean;
  /** True when LINT0 lets the 8259s through. */
  passesExternal(): boolean;
  interruptPending(): boolean;
  /** True when accepted interrupts wait, whether or not their priority lets them through. */
  holdsRequests(): boolean;
  /** The vector, now in service; undefined when nothing is pending any more. */
  acknowledge(): number | undefined;
  spuriousVector(): number;
  /** What decides who takes a lowest-priority interrupt: the highest of task priority, interrupts in service and interrupts that wait. */
  arbitrationPriority(): number;
  /** True when it accepts fixed interrupts now. */
  takesFixed(): boolean;
  nmiPending(): boolean;
  initPending(): boolean;
  startupPending(): boolean;
  signalPending(): boolean;
  takeNmi(): boolean;
  takeInit(): boolean;
  takeStartup(): number | undefined;
  readDeadline(): number;
  writeDeadline(time: number): void;
  /** A copy of the timer, as it was when time last reached it. */
  timer(): ApicTimer;
  nextEvent(): number;
  advance(time: number): void;
  /** State after power-up or INIT (SDM, "Local APIC State After Power-Up or Reset"; INIT keeps the APIC ID). */
  reset(): void;
  /** What firmware leaves on the first processor: enabled, LINT0 passing the 8259s, LINT1 as NMI. */
  setVirtualWire(): void;
  save(): SavedState;
  load(state: SavedState): void;
}

interface ApicState {
  base: number;
  id: number;
  logical: number;
  format: number;
  spurious: number;
  priorityLow: number;
  priorityHigh: number;
  service: number[];
  triggers: number[];
  requests: number[];
  errors: number;
  errorsShown: number;
  command: number;
  destination: number;
  lvt: number[];
  timer: ApicTimer;
  nmi: boolean;
  init: boolean;
  startup: number;
}

export function createLocalApic(id: number, wiring: LocalApicWiring): LocalApic {
  const state: ApicState = { base: 0xfee00000 | 0x800 | (id === 0 ? 0x100 : 0), ...resetRegisters(id) };
  state.base >>>= 0;

  const isEnabled = (): boolean => (state.base & 0x800) !== 0;
  const isX2 = (): boolean => (state.base & 0xc00) === 0xc00;
  const softwareEnabled = (): boolean => (state.spurious & SVR_ENABLED) !== 0;

  /** TPR: bits 7:4 are CR8's cell; bits 3:0 are kept here until CR8 is written. */
  function taskPriority(): number {
    const high = wiring.readTaskPriority() & 15;
    return (high << 4) | (high === state.priorityHigh ? state.priorityLow : 0);
  }

  function setTaskPriority(value: number): void {
    state.priorityHigh = (value >> 4) & 15;
    state.priorityLow = value & 15;
    wiring.writeTaskPriority(state.priorityHigh);
  }

  function processorPriority(): number {
    const task = taskPriority();
    const served = highestBit(state.service);
    return served >> 4 > task >> 4 ? served & 0xf0 : task;
  }

  function pendingVector(): number {
    const vector = highestBit(state.requests);
    return vector >= 0 && vector >> 4 > processorPriority() >> 4 ? vector : -1;
  }

  function recordError(bit: number): void {
    state.errors |= bit;
    fireLocal(LVT_ERROR);
  }

  function accept({ vector, delivery, level }: Pick<ApicMessage, 'vector' | 'delivery' | 'level'>): boolean {
    if (!isEnabled()) return false;
    switch (delivery) {
      case DELIVERY_FIXED:
      case DELIVERY_LOWEST:
        if (!softwareEnabled()) return false;
        if (vector < 16) {
          recordError(ERROR_RECEIVE_VECTOR);
          return true;
        }
        setBit(state.requests, vector, true);
        setBit(state.triggers, vector, level);
        return true;
      case DELIVERY_NMI:
        state.nmi = true;
        return true;
      case DELIVERY_INIT:
        state.init = true;
        state.startup = -1; // a SIPI before it is lost
        return true;
      case DELIVERY_STARTUP:
        state.startup = vector;
        return true;
      case DELIVERY_SMI:
        wiring.unsimulated('A system-management interrupt was sent, and system-management mode is not simulated.');
        return true;
      default:
        return false;
    }
  }

  /** A local source fires: what its LVT entry says happens. */
  function fireLocal(entry: number): void {
    const value = state.lvt[entry]!;
    if (value & LVT_MASKED) return;
    const delivery = entry === LVT_TIMER || entry === LVT_ERROR ? DELIVERY_FIXED : (value >> 8) & 7;
    accept({ vector: value & 0xff, delivery, level: false });
  }

  function sync(time: number): void {
    if (time >= expiry(state.timer) && expire(state.timer, time)) fireLocal(LVT_TIMER);
  }

  function writeLvt(entry: number, value: number): void {
    if (entry === LVT_TIMER) writeMode(state.timer, (value >> 17) & 3);
    state.lvt[entry] = (value & LVT_WRITABLE[entry]!) | (softwareEnabled() ? 0 : LVT_MASKED);
  }

  function writeSpurious(value: number): void {
    state.spurious = value & 0x1ff;
    if (!softwareEnabled()) state.lvt = state.lvt.map((entry) => entry | LVT_MASKED);
  }

  function endOfInterrupt(): void {
    const vector = highestBit(state.service);
    if (vector < 0) return;
    setBit(state.service, vector, false);
    if (hasBit(state.triggers, vector)) wiring.endOfInterrupt(vector);
  }

  function writeCommand(low: number, destination: number): void {
    state.command = low & 0xccfff;
    state.destination = destination;
    const delivery = (low >> 8) & 7;
    const vector = low & 0xff;
    const assert = (low & 0x4000) !== 0;
    if ((delivery === DELIVERY_FIXED || delivery === DELIVERY_LOWEST) && vector < 16) {
      recordError(ERROR_SEND_VECTOR);
      return;
    }
    if (delivery === DELIVERY_INIT && !assert) return; // INIT level de-assert: nothing since the Pentium 4
    wiring.send({
      vector,
      delivery,
      level: false,
      logical: (low & 0x800) !== 0,
      destination: isX2() ? destination : everyone(destination),
      shorthand: (low >> 18) & 3,
    });
  }

  function matches({ logical, destination }: ApicMessage): boolean {
    if (destination === 0xffffffff) return true;
    if (isX2()) {
      if (!logical) return destination === state.id;
      return destination >>> 16 === state.id >>> 4 && (destination & 0xffff & (1 << (state.id & 15))) !== 0;
    }
    if (destination > 0xff) return false;
    const target = destination;
    if (target === 0xff) return true;
    if (!logical) return target === (state.id & 0xff);
    const own = state.logical >>> 24;
    if (state.format >>> 28 === 15) return (own & target) !== 0;
    return own >> 4 === target >> 4 && (own & target & 15) !== 0;
  }

  function read(register: number): number {
    if (register >= REGISTER_ISR && register < REGISTER_ESR) {
      const words = register < REGISTER_TMR ? state.service : register < REGISTER_IRR ? state.triggers : state.requests;
      return words[register & 7]!;
    }
    if (register >= REGISTER_LVT && register < REGISTER_INITIAL_COUNT) return state.lvt[register - REGISTER_LVT]!;
    switch (register) {
      case REGISTER_ID:
        return isX2() ? state.id : (state.id << 24) >>> 0;
      case REGISTER_VERSION:
        return VERSION;
      case REGISTER_TPR:
        return taskPriority();
      case REGISTER_PPR:
        return processorPriority();
      case REGISTER_LDR:
        return isX2() ? (((state.id >>> 4) << 16) | (1 << (state.id & 15))) >>> 0 : state.logical;
      case REGISTER_DFR:
        return state.format;
      case REGISTER_SVR:
        return state.spurious;
      case REGISTER_ESR:
        return state.errorsShown;
      case REGISTER_ICR:
        return state.command;
      case REGISTER_ICR_HIGH:
        return (state.destination << 24) >>> 0;
      case REGISTER_INITIAL_COUNT:
        return state.timer.mode === TIMER_DEADLINE ? 0 : state.timer.initial;
      case REGISTER_CURRENT_COUNT:
        return currentCount(state.timer, wiring.now());
      case REGISTER_DIVIDE:
        return state.timer.divide;
      default: // remote read, arbitration priority, and the write-only ones
        return 0;
    }
  }

  function write(register: number, value: number): void {
    const now = wiring.now();
    if (register >= REGISTER_LVT && register < REGISTER_INITIAL_COUNT) {
      writeLvt(register - REGISTER_LVT, value);
      return;
    }
    switch (register) {
      case REGISTER_ID:
        state.id = value >>> 24;
        break;
      case REGISTER_TPR:
        setTaskPriority(value & 0xff);
        break;
      case REGISTER_EOI:
        endOfInterrupt();
        break;
      case REGISTER_LDR:
        state.logical = (value & 0xff000000) >>> 0;
        break;
      case REGISTER_DFR:
        state.format = (value | 0x0fffffff) >>> 0;
        break;
      case REGISTER_SVR:
        writeSpurious(value);
        break;
      case REGISTER_ESR:
        state.errorsShown = state.errors;
        state.errors = 0;
        break;
      case REGISTER_ICR:
        writeCommand(value, state.destination);
        break;
      case REGISTER_ICR_HIGH:
        state.destination = value >>> 24;
        break;
      case REGISTER_INITIAL_COUNT:
        writeInitialCount(state.timer, value, now);
        break;
      case REGISTER_DIVIDE:
        writeDivide(state.timer, value, now);
        break;
      case REGISTER_SELF_IPI:
        if ((value & 0xff) < 16) recordError(ERROR_SEND_VECTOR);
        else accept({ vector: value & 0xff, delivery: DELIVERY_FIXED, level: false });
        break;
      default: // read-only
    }
  }

  function reset(): void {
    Object.assign(state, resetRegisters(state.id));
    setTaskPriority(0);
  }

  return {
    isEnabled,
    isX2,
    page: () => (state.base & 0xfffff000) >>> 0,
    setBase(low) {
      const wasEnabled = isEnabled();
      const wasX2 = isX2();
      state.base = low >>> 0;
      if (wasEnabled && !isEnabled()) {
        // The pending interrupts of the processor's own signals survive; the APIC's registers do not (SDM, "Enabling or Disabling the Local APIC").
        Object.assign(state, resetRegisters(id));
        setTaskPriority(0);
      }
      if (!wasX2 && isX2()) {
        state.id = id; // the x2APIC ID is the hardware's
        state.destination = 0;
      }
    },
    read,
    write,
    writeCommand,
    readDestination: () => state.destination,
    illegalRegister: () => recordError(ERROR_REGISTER),
    matches,
    accept,
    passesExternal() {
      const lint0 = state.lvt[LVT_LINT0]!;
      return !isEnabled() || (!(lint0 & LVT_MASKED) && ((lint0 >> 8) & 7) === DELIVERY_EXTERNAL);
    },
    interruptPending: () => isEnabled() && pendingVector() >= 0,
    holdsRequests: () => highestBit(state.requests) >= 0,
    acknowledge() {
      const vector = pendingVector();
      if (vector < 0) return undefined;
      setBit(state.requests, vector, false);
      setBit(state.service, vector, true);
      return vector;
    },
    spuriousVector: () => state.spurious & 0xff,
    arbitrationPriority: () =>
      Math.max(taskPriority(), ...[state.service, state.requests].map((bits) => Math.max(highestBit(bits), 0) & 0xf0)),
    takesFixed: () => isEnabled() && softwareEnabled(),
    nmiPending: () => state.nmi,
    initPending: () => state.init,
    startupPending: () => state.startup >= 0,
    signalPending: () => state.nmi || state.init || state.startup >= 0,
    takeNmi() {
      const taken = state.nmi;
      state.nmi = false;
      return taken;
    },
    takeInit() {
      const taken = state.init;
      state.init = false;
      return taken;
    },
    takeStartup() {
      const vector = state.startup;
      state.startup = -1;
      return vector < 0 ? undefined : vector;
    },
    readDeadline: () => (state.timer.mode === TIMER_DEADLINE ? state.timer.deadline : 0),
    writeDeadline(time) {
      if (!isEnabled() || state.timer.mode !== TIMER_DEADLINE) return;
      state.timer.deadline = time;
      sync(wiring.now());
    },
    timer: () => ({ ...state.timer }),
    nextEvent() {
      if (state.lvt[LVT_TIMER]! & LVT_MASKED || !isEnabled()) return Number.POSITIVE_INFINITY;
      return expiry(state.timer);
    },
    advance: sync,
    reset,
    setVirtualWire() {
      writeSpurious(0x1ff);
      state.lvt[LVT_LINT0] = 0x8700;
      state.lvt[LVT_LINT1] = 0x8400;
      state.lvt[LVT_THERMAL] = LVT_MASKED;
      state.lvt[LVT_PERFORMANCE] = LVT_MASKED;
    },
    ...stateAccess(state),
  };
}

const resetRegisters = (id: number): Omit<ApicState, 'base'> => ({
  id,
  logical: 0,
  format: 0xffffffff,
  spurious: 0xff,
  priorityLow: 0,
  priorityHigh: 0,
  service: new Array<number>(8).fill(0),
  triggers: new Array<number>(8).fill(0),
  requests: new Array<number>(8).fill(0),
  errors: 0,
  errorsShown: 0,
  command: 0,
  destination: 0,
  lvt: new Array<number>(LVT_COUNT).fill(LVT_MASKED),
  timer: freshTimer(),
  nmi: false,
  init: false,
  startup: -1,
});

/** Number of the highest bit set in 256 bits; -1 for none. */
function highestBit(words: readonly number[]): number {
  for (let index = 7; index >= 0; index--) {
    const word = words[index]!;
    if (word !== 0) return index * 32 + 31 - Math.clz32(word);
  }
  return -1;
}

const hasBit = (words: readonly number[], bit: number): boolean => (words[bit >> 5]! & (1 << (bit & 31))) !== 0;

function setBit(words: number[], bit: number, value: boolean): void {
  const mask = 1 << (bit & 31);
  words[bit >> 5] = (value ? words[bit >> 5]! | mask : words[bit >> 5]! & ~mask) >>> 0;
}
