// One instance of the core (core.wasm): memory, imports, exports, and the wrapper that turns unwinding into a return.
import { PROCESSOR_COUNT, RAM, STOP, TLB_PROCESSOR } from '../core/layout.ts';
import type { Core, CoreExports } from '../vmx/processor.ts';

/** What the core asks of its host; answers as src/core/README.md says. Values travel in MSR_VALUE, IO_VALUE and CPUID_EAX. */
export interface CoreHost {
  cpuid(leaf: number, subleaf: number): void;
  readMsr(index: number): number;
  writeMsr(index: number): number;
  readPort(port: number, size: number): number;
  writePort(port: number, size: number, value: number): number;
  readMemory(physical: bigint, size: number): bigint;
  writeMemory(physical: bigint, size: number, value: bigint): void;
}

const PAGE = 0x10000;
const UNWIND = Object.freeze({ unwind: true });

/** Instantiates the core with `ramSize` bytes of guest RAM (a multiple of 64 KiB, at most 3 GiB) and 1 to PROCESSORS_MAX processors. */
export function createCore(module: WebAssembly.Module, ramSize: number, host: CoreHost, processors = 1): Core {
  const memory = createMemory(RAM + ramSize + (processors - 1) * TLB_PROCESSOR);
  const imports = {
    env: { memory, abort: abortCore },
    host: {
      unwind: () => {
        throw UNWIND;
      },
      host_cpuid: (leaf: number, subleaf: number) => host.cpuid(leaf >>> 0, subleaf >>> 0),
      host_rdmsr: (index: number) => host.readMsr(index >>> 0),
      host_wrmsr: (index: number) => host.writeMsr(index >>> 0),
      host_in: (port: number, size: number) => host.readPort(port, size),
      host_out: (port: number, size: number, value: number) => host.writePort(port, size, value >>> 0),
      host_mmio_read: (physical: bigint, size: number) => host.readMemory(BigInt.asUintN(64, physical), size),
      host_mmio_write: (physical: bigint, size: number, value: bigint) =>
        host.writeMemory(BigInt.asUintN(64, physical), size, BigInt.asUintN(64, value)),
    },
  };
  const instance = new WebAssembly.Instance(module, imports);
  const core: Core = {
    exports: instance.exports as unknown as CoreExports,
    bytes: new Uint8Array(memory.buffer),
    words: new Uint32Array(memory.buffer),
    signed: new Int32Array(memory.buffer),
    quads: new BigUint64Array(memory.buffer),
    ramSize,
  };
  core.words[PROCESSOR_COUNT >>> 2] = processors;
  return core;
}

function createMemory(size: number): WebAssembly.Memory {
  const pages = Math.ceil(size / PAGE);
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

function abortCore(_message: number, _file: number, line: number, column: number): never {
  throw new Error(`core aborted at ${line}:${column}`);
}

/** Runs at most `budget` instructions; a fault that unwound is continued where the core left off. Answers a STOP_* code. */
export function runCore(core: Core, budget: number): number {
  try {
    return core.exports.run(budget);
  } catch (thrown) {
    if (thrown !== UNWIND) throw thrown;
  }
  return resumeCore(core);
}

/** Goes on with what the last run left of its budget, after what it stopped for was carried out. */
export function continueCore(core: Core): number {
  core.words[STOP >>> 2] = 0;
  return resumeCore(core);
}

function resumeCore({ exports }: Core): number {
  for (;;) {
    try {
      return exports.resume();
    } catch (thrown) {
      if (thrown !== UNWIND) throw thrown;
    }
  }
}
