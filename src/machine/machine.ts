// The simulated machine: core, memory, devices and VMX operation behind the interface that the debugger sees.
import type { AddressSpace } from '../vmx/address-space.ts';
import {
  BREAKPOINTS,
  BREAKPOINTS_MAX,
  COUNT_ENTRIES,
  COUNT_EXITS,
  NON_ROOT,
  HELD,
  PAUSES_LEFT,
  PROCESSOR_COUNT,
  RAM,
  TURN_END,
  VMCS_DIRTY,
  VMCS_DIRTY_ANY,
  VMCS_POINTER,
  VMX_ON,
} from '../core/layout.ts';
import type { Program } from '../program/types.ts';
import { vmcsFieldByEncoding } from '../spec/vmcs-fields.ts';
import { vmcsFieldOffset } from '../spec/vmcs-layout.ts';
import { auditFields } from '../vmx/audit.ts';
import { type CapabilityProfile, fieldExists, vmxCapability } from '../vmx/capabilities.ts';
import { entryEnvironment, fieldReader, readField } from '../vmx/entry-checks.ts';
import { RECENT_SERVER } from '../vmx/profiles.ts';
import { lastEntry, lastExit } from '../vmx/history.ts';
import { createVmx, hasVmcs, setVmcsQuad, type Vmx, vmcsQuad } from '../vmx/operation.ts';
import { type Core, readCount, readQuad, readWord, writeCount, writeQuad, writeWord } from '../vmx/processor.ts';
import { readStatistics } from '../vmx/statistics.ts';
import { forgetWriter, lastWriter } from '../vmx/writers.ts';
import { type BoardOptions, createBoard } from './board.ts';
import { createCoreHost, readTaskPriority, writeTaskPriority } from './core-host.ts';
import { createCore } from './core-instance.ts';
import type { Board } from './devices/types.ts';
import { enterProgram } from './entry-states.ts';
import { type CpuidIdentity, cpuid, cpuidFeatures } from './cpuid.ts';
import { faultRecords } from './fault-log.ts';
import { writeFirmware } from './firmware/firmware.ts';
import { type Hardware, linearBitsOf, MOST_PROCESSORS, PHYSICAL_BITS, presentTime } from './hardware.ts';
import { injectEvent } from './injection.ts';
import { eachPage, peekPhysical, pokePhysical } from './memory.ts';
import { createHistory, type MachineHistory } from './history/history.ts';
import { changeOverlays, markOverlays } from './overlays.ts';
import { MSR_DEVICES, MSR_FAULT, MSR_INDICES, knowsMsr, MSR_MODE, readMsr, writeMsr } from './msrs.ts';
import { powerOn } from './power-on.ts';
import { activityName, cellOf, everyProcessor, isHeld, runningProcessor } from './processors.ts';
import { FLOAT_REGISTER_NAMES } from './float-registers.ts';
import { codeBitsOf, registerFile, runningSide } from './register-files.ts';
import { linearRip, REGISTER_NAMES, readRegister, writeRegister } from './registers.ts';
import { type Runner, run, step } from './runner.ts';
import {
  mapGuestPhysical,
  mapLinear,
  translateGuestPhysical,
  translateLinear,
  walkGuestPhysical,
  walkLinear,
} from './translation.ts';
import { show, TURN_LENGTH, TURN_PAUSES } from './turns.ts';
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
import { createWatches, setWatches } from './watches.ts';

export interface MachineOptions {
  /** core.wasm, compiled or as bytes. */
  readonly coreWasm: WebAssembly.Module | BufferSource;
  /** Bytes of RAM: a multiple of 64 KiB, at least 1 MiB, at most 3 GiB. */
  readonly ramSize: number;
  readonly program: Program;
  /** Logical processors, 1 to MOST_PROCESSORS. */
  readonly processors?: number | undefined;
  /** What the processor offers: one of vmx/profiles.ts, or made by vmx/choose-profile.ts. Absent: the recent server. */
  readonly profile?: CapabilityProfile | undefined;
  readonly board?: BoardOptions | undefined;
}

const SMALLEST_RAM = 0x100000;
const LARGEST_RAM = 0xc0000000;
const NO_VMCS = 0xffffffffffffffffn;

/** Builds a machine and places the program in it; it stands before the program's first instruction. Throws a RangeError for sizes that do not fit. */
export function createMachine(options: MachineOptions): Machine {
  const { ramSize } = options;
  if (ramSize < SMALLEST_RAM || ramSize > LARGEST_RAM || ramSize % 0x10000 !== 0) {
    throw new RangeError(
      `RAM must be a multiple of 64 KiB from 1 MiB to 3 GiB; 0x${ramSize.toString(16)} bytes are not`,
    );
  }
  const { processors = 1 } = options;
  if (!Number.isInteger(processors) || processors < 1 || processors > MOST_PROCESSORS) {
    throw new RangeError(`A machine has 1 to ${MOST_PROCESSORS} logical processors, not ${processors}`);
  }
  return new SimulatedMachine(options);
}

interface Parts {
  readonly hardware: Hardware;
  readonly runner: Runner;
}

function placeFirmware(core: Core, identity: CpuidIdentity): void {
  const [signature, , , features] = cpuid(core, identity, 1, 0);
  const memory = new DataView(core.bytes.buffer, core.bytes.byteOffset + RAM, SMALLEST_RAM);
  writeFirmware(memory, { processors: everyProcessor(core), signature, features }, core.ramSize);
}

/** Wires core, board and VMX operation to each other. `tell` reaches the machine's listeners. */
function assemble(options: MachineOptions, tell: { output(byte: number): void; notice(text: string): void }): Parts {
  const profile = options.profile ?? RECENT_SERVER;
  const offered = cpuidFeatures(profile);
  const identify = (core: Core): CpuidIdentity => ({
    processors: readWord(core, PROCESSOR_COUNT),
    apicId: runningProcessor(core),
    features: offered,
  });
  const module =
    options.coreWasm instanceof WebAssembly.Module ? options.coreWasm : new WebAssembly.Module(options.coreWasm);
  const processors = options.processors ?? 1;
  const host = createCoreHost(() => hardware, identify);
  const core: Core = createCore(
    module,
    options.ramSize,
    {
      ...host,
      writeMsr: (index) => {
        const answer = host.writeMsr(index);
        if (index === APIC_BASE_INDEX && answer !== MSR_FAULT) {
          const running = runningProcessor(core);
          runner.overlays[running] = markOverlays(core, board, runner.overlays[running] ?? []);
        }
        return answer;
      },
    },
    processors,
  );
  const now = () => presentTime(core);
  const board: Board = createBoard(
    {
      ramSize: options.ramSize,
      now,
      processors,
      readTaskPriority: (processor) => readTaskPriority(hardware, processor),
      writeTaskPriority: (processor, value) => writeTaskPriority(hardware, processor, value),
      output: tell.output,
      notice: tell.notice,
      shutdown: (status, port) => {
        runner.shutdown = { kind: 'shutdown', status, port };
      },
      unsimulated: (explanation) => {
        runner.shutdown = { kind: 'unsimulated', explanation };
      },
    },
    options.board,
  );
  const hardware: Hardware = {
    core,
    board,
    vmxCapability: (index) => vmxCapability(profile, index),
    profile,
    linearBits: linearBitsOf(profile),
    now,
    notice: tell.notice,
  };
  const vmx = createVmx(
    core,
    vmxHost(hardware, () => runner),
    profile,
  );
  const runner: Runner = {
    hardware,
    vmx,
    nextEvent: 0,
    look: true,
    watches: createWatches(),
    overlays: [],
    skip: 0,
    skipWatch: 0,
    shutdown: undefined,
    onTransition: undefined,
    idleFrom: 0,
    idleUntil: 0,
    recorder: undefined,
    markOverlays: () => {
      const running = runningProcessor(core);
      for (const processor of everyProcessor(core)) {
        changeOverlays(core, runner.overlays[processor] ?? [], []);
        board.select(processor);
        runner.overlays[processor] = board.overlays();
      }
      board.select(running);
      changeOverlays(core, [], runner.overlays[running] ?? []);
    },
    bytesAtRip: () => {
      const at = translateLinear(hardware, runningSide(core), linearRip(core));
      return at.ok ? peekPhysical(core, at.hostPhysical, 15) : new Uint8Array(0);
    },
  };
  for (const processor of everyProcessor(core)) {
    show(runner, processor);
    powerOn(hardware, profile);
  }
  show(runner, 0);
  writeCount(core, TURN_END, TURN_LENGTH);
  writeWord(core, PAUSES_LEFT, TURN_PAUSES);
  placeFirmware(core, identify(core));
  enterProgram(core, options.program);
  return { hardware, runner };
}

const APIC_BASE_INDEX = 0x1b;

/** MSR areas reach MSRs as RDMSR and WRMSR at CPL 0 do, with all effects. */
function vmxHost(hardware: Hardware, runner: () => Runner): Vmx['host'] {
  return {
    physicalBits: PHYSICAL_BITS,
    linearBits: hardware.linearBits,
    notice: hardware.notice,
    readMsr: (index) => asRoot(hardware.core, () => readMsr(hardware, index)),
    writeMsr: (index, value) => {
      const answer = asRoot(hardware.core, () => writeMsr(hardware, index, value));
      if ((answer & MSR_DEVICES) !== 0) runner().look = true;
      if ((answer & MSR_MODE) !== 0) {
        hardware.core.exports.flushTlb(3);
        hardware.core.exports.updateMode();
      }
      return answer !== MSR_FAULT;
    },
  };
}

/** MSR areas hold the MSRs themselves: no offset of the time-stamp counter, no shadow of a guest. */
function asRoot<T>(core: Core, access: () => T): T {
  const side = readWord(core, NON_ROOT);
  writeWord(core, NON_ROOT, 0);
  const answer = access();
  writeWord(core, NON_ROOT, side);
  return answer;
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
    if (linear.length > BREAKPOINTS_MAX) {
      throw new RangeError(`at most ${BREAKPOINTS_MAX} breakpoints can be set at a time, not ${linear.length}`);
    }
    const sorted = [...new Set(linear.map((address) => BigInt.asUintN(64, address)))].sort((a, b) => (a < b ? -1 : 1));
    writeWord(this.#core, BREAKPOINTS, sorted.length);
    sorted.forEach((address, i) => {
      writeQuad(this.#core, BREAKPOINTS + 8 + 8 * i, address);
    });
    this.#core.exports.setBreakpoints();
  }

  side(): Side {
    return runningSide(this.#core);
  }

  inVmxOperation(): boolean {
    return readWord(this.#core, VMX_ON) !== 0;
  }

  currentVmcs(): bigint | undefined {
    const pointer = readQuad(this.#core, VMCS_POINTER);
    return pointer === NO_VMCS ? undefined : pointer;
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
    const field = vmcsFieldByEncoding(encoding);
    const offset = vmcsFieldOffset(encoding);
    if (!hasVmcs(this.#core)) return 'There is no current VMCS.';
    if (field === undefined || offset === undefined) return `0x${encoding.toString(16)} is no VMCS field encoding.`;
    if (!fieldExists(vmx.profile, field)) return `${field.name} does not exist on this processor.`;
    if (field.area === 'read-only') return `${field.name} is written by VM exits only.`;
    const bits = field.width === 'natural' ? 64 : field.width;
    const width = (encoding & 1) === 1 ? 32 : bits;
    if (value < 0n || value >> BigInt(width) !== 0n)
      return `${field.name} holds ${width} bits; 0x${value.toString(16)} does not fit.`;
    this.#record(field.name, () => {
      const stored = vmcsQuad(this.#core, offset & ~7);
      setVmcsQuad(this.#core, offset & ~7, (encoding & 1) === 1 ? (stored & 0xffffffffn) | (value << 32n) : value);
      forgetWriter(vmx, encoding);
      writeWord(this.#core, VMCS_DIRTY, readWord(this.#core, VMCS_DIRTY) | VMCS_DIRTY_ANY);
      return true;
    });
    return undefined;
  }

  auditVmcs(): Audit | undefined {
    const { vmx } = this.#runner;
    if (!hasVmcs(this.#core)) return undefined;
    const { instruction: _, ...environment } = entryEnvironment(vmx, false);
    const refusesMsr = (index: number): string | undefined =>
      knowsMsr(this.#hardware, index) ? undefined : 'this processor has no such MSR';
    return auditFields(fieldReader(vmx), [{ ...environment, refusesMsr }]);
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
    return this.#gather(address, length, (at) => translateLinear(this.#hardware, side, at));
  }

  peekGuest(address: bigint, length: number): Uint8Array {
    return this.#gather(address, length, (at) => translateGuestPhysical(this.#hardware, at));
  }

  peekPhysical(address: bigint, length: number): Uint8Array {
    return peekPhysical(this.#core, address, length);
  }

  pokeLinear(side: Side, address: bigint, bytes: Uint8Array): number {
    return this.#scatter(address, bytes, (at) => translateLinear(this.#hardware, side, at));
  }

  pokeGuest(address: bigint, bytes: Uint8Array): number {
    return this.#scatter(address, bytes, (at) => translateGuestPhysical(this.#hardware, at));
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

  #gather(address: bigint, length: number, translate: (at: bigint) => TranslationResult): Uint8Array {
    const bytes = new Uint8Array(length);
    let got = 0;
    eachPage(address, length, (at, offset, size) => {
      const place = translate(at);
      if (!place.ok) return false;
      const part = peekPhysical(this.#core, place.hostPhysical, size);
      bytes.set(part, offset);
      got = offset + part.length;
      return part.length === size;
    });
    return got === length ? bytes : bytes.slice(0, got);
  }

  #scatter(address: bigint, bytes: Uint8Array, translate: (at: bigint) => TranslationResult): number {
    let done = 0;
    eachPage(address, bytes.length, (at, offset, size) => {
      const place = translate(at);
      if (!place.ok) return false;
      const written = this.pokePhysical(place.hostPhysical, bytes.subarray(offset, offset + size));
      done = offset + written;
      return written === size;
    });
    return done;
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
