// The simulated machine: core, memory, devices and VMX operation behind the interface that the debugger sees.
import { COUNT_ENTRIES, COUNT_EXITS, HELD, VMX_ON } from '../core/layout.ts';
import type { AddressSpace } from '../vmx/address-space.ts';
import { readField } from '../vmx/entry-checks.ts';
import { lastEntry, lastExit } from '../vmx/history.ts';
import { hasVmcs } from '../vmx/operation.ts';
import { type Core, readCount, readWord, writeWord } from '../vmx/processor.ts';
import { readStatistics } from '../vmx/statistics.ts';
import { lastWriter } from '../vmx/writers.ts';
import { assemble, checkOptions, type MachineOptions } from './assemble.ts';
import { setBreakpoints } from './breakpoints.ts';
import { faultRecords } from './fault-log.ts';
import { FLOAT_REGISTER_NAMES } from './float-registers.ts';
import { type Hardware, presentTime } from './hardware.ts';
import { createHistory, type MachineHistory } from './history/history.ts';
import { injectEvent } from './injection.ts';
import { gather, peekPhysical, pokePhysical, scatter } from './memory.ts';
import { MSR_INDICES, readMsr } from './msrs.ts';
import { activityName, cellOf, everyProcessor, isHeld, runningProcessor } from './processors.ts';
import { codeBitsOf, registerFile, runningSide } from './register-files.ts';
import { REGISTER_NAMES, readRegister, writeRegister } from './registers.ts';
import { type Runner, run, step } from './runner.ts';
import {
  mapGuestPhysical,
  mapLinear,
  translateGuestPhysical,
  translateLinear,
  walkGuestPhysical,
  walkLinear,
} from './translation.ts';
import { show } from './turns.ts';
import type {
  Audit,
  EptAccess,
  EptWalk,
  ExitStatistics,
  FaultRecord,
  LinearAccess,
  InjectedEvent,
  InterruptControllers,
  Machine,
  PageWalk,
  RegisterFile,
  RunOptions,
  Side,
  StepOptions,
  Stop,
  TranslationResult,
  VmEntry,
  VmExit,
  Watch,
  WatchRefusal,
} from './types.ts';
import { auditVmcs, currentVmcs, writableField, writeField } from './vmcs.ts';
import { setWatches } from './watches.ts';

/** Builds a machine and places the program in it; it stands before the program's first instruction. Throws a RangeError for sizes that do not fit. */
export function createMachine(options: MachineOptions): Machine {
  checkOptions(options);
  return new SimulatedMachine(options);
}

class SimulatedMachine implements Machine {
  readonly ramSize: number;
  readonly processors: number;
  onOutput: ((bytes: Uint8Array) => void) | undefined;
  onNotice: ((text: string) => void) | undefined;
  onRewound: ((bytes: Uint8Array) => void) | undefined;
  readonly history: MachineHistory;
  #onTransition: Machine['onTransition'];
  readonly #noticed = new Set<string>();
  readonly #hardware: Hardware;
  readonly #runner: Runner;
  readonly #registerNames: readonly string[];

  constructor(options: MachineOptions) {
    const { hardware, runner } = assemble(options, {
      output: (byte) => this.history.sent(byte),
      notice: (text) => this.#notice(text),
    });
    this.history = createHistory(runner, {
      output: (byte) => this.onOutput?.(Uint8Array.of(byte)),
      rewound: (bytes) => this.onRewound?.(bytes),
    });
    this.ramSize = options.ramSize;
    this.processors = options.processors ?? 1;
    this.#hardware = hardware;
    this.#runner = runner;
    const msrs = [...MSR_INDICES].filter(([, index]) => readMsr(hardware, index) !== undefined).map(([name]) => name);
    this.#registerNames = [...REGISTER_NAMES, ...FLOAT_REGISTER_NAMES, ...msrs];
  }

  /** What was told once is not told again when the machine goes over the same time again. */
  #notice(text: string): void {
    if (this.#noticed.has(text)) return;
    this.#noticed.add(text);
    this.onNotice?.(text);
  }

  get onTransition(): Machine['onTransition'] {
    return this.#onTransition;
  }

  set onTransition(listener: Machine['onTransition']) {
    this.#onTransition = listener;
    this.#runner.onTransition =
      listener === undefined
        ? undefined
        : (event) => {
            if (!this.history.travelling) listener(event);
          };
  }

  get #core(): Core {
    return this.#hardware.core;
  }

  time(): number {
    return presentTime(this.#core);
  }

  run(options: RunOptions): Stop {
    return run(this.#runner, options);
  }

  step(options: StepOptions = {}): Stop {
    return step(this.#runner, options);
  }

  watches(): readonly Watch[] {
    return this.#runner.watches.list;
  }

  setWatches(list: readonly Watch[]): WatchRefusal | undefined {
    return setWatches(this.#hardware, this.#runner.watches, list);
  }

  processor(): number {
    return runningProcessor(this.#core);
  }

  select(processor: number): void {
    if (!Number.isInteger(processor) || processor < 0 || processor >= this.processors) {
      throw new RangeError(`There is no logical processor ${processor}`);
    }
    show(this.#runner, processor);
  }

  activity(processor: number): string {
    return activityName(this.#core, processor);
  }

  hold(processors: readonly number[]): void {
    const wanted = everyProcessor(this.#core).map((processor) => processors.includes(processor));
    if (wanted.every((held, processor) => held === isHeld(this.#core, processor))) return;
    this.#record('processors held', () => {
      wanted.forEach((held, processor) => {
        writeWord(this.#core, cellOf(this.#core, processor, HELD), held ? 1 : 0);
      });
      return true;
    });
  }

  setBreakpoints(linear: readonly bigint[]): void {
    setBreakpoints(this.#core, linear);
  }

  side(): Side {
    return runningSide(this.#core);
  }

  inVmxOperation(): boolean {
    return readWord(this.#core, VMX_ON) !== 0;
  }

  currentVmcs(): bigint | undefined {
    return currentVmcs(this.#core);
  }

  readRegister(name: string): bigint | undefined {
    return readRegister(this.#hardware, name);
  }

  writeRegister(name: string, value: bigint): string | undefined {
    let problem: string | undefined;
    this.#record(name, () => {
      problem = writeRegister(this.#hardware, name, value);
      return problem === undefined;
    });
    return problem;
  }

  /**
   * Something reaches the machine from outside; it is applied to the selected processor, also when it is replayed. `apply` answers
   * false when it was refused.
   */
  #record(what: string, apply: () => boolean): void {
    const processor = this.processor();
    this.history.input(what, () => {
      const running = this.processor();
      show(this.#runner, processor);
      const applied = apply();
      show(this.#runner, running);
      return applied;
    });
  }

  registerNames(): readonly string[] {
    return this.#registerNames;
  }

  registers(side: Side): RegisterFile | undefined {
    return registerFile(this.#hardware, side);
  }

  codeBits(side: Side): 16 | 32 | 64 {
    return codeBitsOf(this.#hardware, side);
  }

  readVmcs(encoding: number): bigint | undefined {
    return hasVmcs(this.#core) ? readField(this.#runner.vmx, encoding) : undefined;
  }

  writeVmcs(encoding: number, value: bigint): string | undefined {
    const { vmx } = this.#runner;
    const field = writableField(vmx, encoding, value);
    if (typeof field === 'string') return field;
    this.#record(field.name, () => {
      writeField(vmx, encoding, value);
      return true;
    });
    return undefined;
  }

  auditVmcs(): Audit | undefined {
    return auditVmcs(this.#hardware, this.#runner.vmx);
  }

  lastVmwrite(encoding: number): bigint | undefined {
    return lastWriter(this.#runner.vmx, encoding);
  }

  walkLinear(side: Side, linear: bigint, access?: LinearAccess): PageWalk | undefined {
    return walkLinear(this.#hardware, side, linear, access);
  }

  walkGuestPhysical(address: bigint, access?: EptAccess): EptWalk | undefined {
    return walkGuestPhysical(this.#hardware, address, access);
  }

  mapLinear(side: Side, from: bigint): AddressSpace | undefined {
    return mapLinear(this.#hardware, side, from);
  }

  mapGuestPhysical(from: bigint): AddressSpace | undefined {
    return mapGuestPhysical(this.#hardware, from);
  }

  peekInterrupts(): InterruptControllers {
    return this.#hardware.board.peek(this.processor());
  }

  peekTranslate(side: Side, linear: bigint): TranslationResult {
    return translateLinear(this.#hardware, side, linear);
  }

  peekGuestPhysical(address: bigint): TranslationResult {
    return translateGuestPhysical(this.#hardware, address);
  }

  peekLinear(side: Side, address: bigint, length: number): Uint8Array {
    return gather(this.#core, address, length, (at) => translateLinear(this.#hardware, side, at));
  }

  peekGuest(address: bigint, length: number): Uint8Array {
    return gather(this.#core, address, length, (at) => translateGuestPhysical(this.#hardware, at));
  }

  peekPhysical(address: bigint, length: number): Uint8Array {
    return peekPhysical(this.#core, address, length);
  }

  pokeLinear(side: Side, address: bigint, bytes: Uint8Array): number {
    return scatter(
      address,
      bytes,
      (at) => translateLinear(this.#hardware, side, at),
      (at, part) => this.pokePhysical(at, part),
    );
  }

  pokeGuest(address: bigint, bytes: Uint8Array): number {
    return scatter(
      address,
      bytes,
      (at) => translateGuestPhysical(this.#hardware, at),
      (at, part) => this.pokePhysical(at, part),
    );
  }

  pokePhysical(address: bigint, bytes: Uint8Array): number {
    const copy = bytes.slice();
    let written = 0;
    this.#record(`memory at 0x${address.toString(16)}`, () => {
      written = pokePhysical(this.#core, address, copy);
      return written > 0;
    });
    return written;
  }

  exitCount(): number {
    return readCount(this.#core, COUNT_EXITS);
  }

  entryCount(): number {
    return readCount(this.#core, COUNT_ENTRIES);
  }

  lastExit(): VmExit | undefined {
    return lastExit(this.#core);
  }

  lastEntry(): VmEntry | undefined {
    return lastEntry(this.#core);
  }

  faults(): readonly FaultRecord[] {
    return faultRecords(this.#core);
  }

  exitStatistics(): ExitStatistics {
    return readStatistics(this.#runner.vmx.statistics);
  }

  inject(event: InjectedEvent): string | undefined {
    let refused: string | undefined;
    this.#record('injected event', () => {
      this.#runner.look = true;
      refused = injectEvent(this.#core, event);
      return refused === undefined;
    });
    return refused;
  }

  input(bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#record('console input', () => {
      this.#hardware.board.input(copy);
      this.#runner.look = true;
      return true;
    });
  }
}
