// Builds a machine: core, board and VMX operation wired to each other, the firmware and the program in memory.
import { NON_ROOT, PAUSES_LEFT, PROCESSOR_COUNT, RAM, TURN_END } from '../core/layout.ts';
import type { Program } from '../program/types.ts';
import { type CapabilityProfile, vmxCapability } from '../vmx/capabilities.ts';
import { createVmx, type Vmx } from '../vmx/operation.ts';
import { type Core, readWord, writeCount, writeWord } from '../vmx/processor.ts';
import { RECENT_SERVER } from '../vmx/profiles.ts';
import { type BoardOptions, createBoard } from './board.ts';
import { createCoreHost, readTaskPriority, writeTaskPriority } from './core-host.ts';
import { createCore } from './core-instance.ts';
import { type CpuidIdentity, cpuid, cpuidFeatures } from './cpuid.ts';
import type { Board } from './devices/types.ts';
import { enterProgram } from './entry-states.ts';
import { writeFirmware } from './firmware/firmware.ts';
import { type Hardware, linearBitsOf, MOST_PROCESSORS, PHYSICAL_BITS, presentTime } from './hardware.ts';
import { peekPhysical } from './memory.ts';
import { MSR_DEVICES, MSR_FAULT, MSR_MODE, readMsr, writeMsr } from './msrs.ts';
import { changeOverlays, markOverlays } from './overlays.ts';
import { powerOn } from './power-on.ts';
import { everyProcessor, runningProcessor } from './processors.ts';
import { runningSide } from './register-files.ts';
import { linearRip } from './registers.ts';
import type { Runner } from './runner.ts';
import { translateLinear } from './translation.ts';
import { show, TURN_LENGTH, TURN_PAUSES } from './turns.ts';
import { createWatches } from './watches.ts';

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
const APIC_BASE_INDEX = 0x1b;

/** Throws a RangeError for sizes that do not fit. */
export function checkOptions({ ramSize, processors = 1 }: MachineOptions): void {
  if (ramSize < SMALLEST_RAM || ramSize > LARGEST_RAM || ramSize % 0x10000 !== 0) {
    throw new RangeError(
      `RAM must be a multiple of 64 KiB from 1 MiB to 3 GiB; 0x${ramSize.toString(16)} bytes are not`,
    );
  }
  if (!Number.isInteger(processors) || processors < 1 || processors > MOST_PROCESSORS) {
    throw new RangeError(`A machine has 1 to ${MOST_PROCESSORS} logical processors, not ${processors}`);
  }
}

export interface Parts {
  readonly hardware: Hardware;
  readonly runner: Runner;
}

function placeFirmware(core: Core, identity: CpuidIdentity): void {
  const [signature, , , features] = cpuid(core, identity, 1, 0);
  const memory = new DataView(core.bytes.buffer, core.bytes.byteOffset + RAM, SMALLEST_RAM);
  writeFirmware(memory, { processors: everyProcessor(core), signature, features }, core.ramSize);
}

/** Wires core, board and VMX operation to each other. `tell` reaches the machine's listeners. */
export function assemble(
  options: MachineOptions,
  tell: { output(byte: number): void; notice(text: string): void },
): Parts {
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
