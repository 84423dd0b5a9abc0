// The core's imports, answered by the board, the MSR table and CPUID.
import { CR8, IO_VALUE, MSR_VALUE } from '../core/layout.ts';
import { type Core, readQuad, readWord, writeQuad, writeWord } from '../vmx/processor.ts';
import type { CoreHost } from './core-instance.ts';
import { answerCpuid, type CpuidIdentity } from './cpuid.ts';
import type { AccessSize } from './devices/types.ts';
import type { Hardware } from './hardware.ts';
import { cellOf } from './processors.ts';
import { knowsMsr, MSR_FAULT, readMsr, writeMsr } from './msrs.ts';

const DONE = 1;
const DONE_LOOK_AT_DEVICES = 2;

/** `hardware` is asked for only when the core calls: it holds the core that these imports belong to. */
export function createCoreHost(hardware: () => Hardware, identity: (core: Core) => CpuidIdentity): CoreHost {
  const unknownMsrs = new Set<number>();
  const faultMsr = (index: number, instruction: string): number => {
    const machine = hardware();
    if (!unknownMsrs.has(index) && !knowsMsr(machine, index)) {
      unknownMsrs.add(index);
      machine.notice(`${instruction} of MSR 0x${index.toString(16)}, which this machine does not have: #GP(0).`);
    }
    return MSR_FAULT;
  };
  return {
    cpuid: (leaf, subleaf) => answerCpuid(hardware().core, identity(hardware().core), leaf, subleaf),
    readMsr: (index) => {
      const machine = hardware();
      const value = readMsr(machine, index);
      if (value === undefined) return faultMsr(index, 'RDMSR');
      writeQuad(machine.core, MSR_VALUE, value);
      return DONE;
    },
    writeMsr: (index) => {
      const machine = hardware();
      const answer = writeMsr(machine, index, readQuad(machine.core, MSR_VALUE));
      return answer === MSR_FAULT ? faultMsr(index, 'WRMSR') : answer;
    },
    readPort: (port, size) => {
      const machine = hardware();
      writeWord(machine.core, IO_VALUE, machine.board.readPort(port, size as AccessSize));
      return machine.board.changed() ? DONE_LOOK_AT_DEVICES : DONE;
    },
    writePort: (port, size, value) => {
      const { board } = hardware();
      board.writePort(port, size as AccessSize, value);
      return board.changed() ? DONE_LOOK_AT_DEVICES : DONE;
    },
    readMemory: (physical, size) => readDevice(hardware(), physical, size),
    writeMemory: (physical, size, value) => writeDevice(hardware(), physical, size, value),
  };
}

/** Devices see accesses of 8 bytes as two of 4, the lower first. */
function readDevice({ board }: Hardware, physical: bigint, size: number): bigint {
  const address = Number(physical);
  const low = BigInt(board.readMemory(address, Math.min(size, 4) as AccessSize));
  return size <= 4 ? low : (BigInt(board.readMemory(address + 4, 4)) << 32n) | low;
}

function writeDevice({ board }: Hardware, physical: bigint, size: number, value: bigint): void {
  const address = Number(physical);
  board.writeMemory(address, Math.min(size, 4) as AccessSize, Number(value & 0xffffffffn));
  if (size > 4) board.writeMemory(address + 4, 4, Number(value >> 32n));
}

/** CR8 in the core: bits 7:4 of the local APIC's task priority. */
export function readTaskPriority({ core }: Hardware, processor: number): number {
  return readWord(core, cellOf(core, processor, CR8));
}

export function writeTaskPriority({ core }: Hardware, processor: number, value: number): void {
  writeWord(core, cellOf(core, processor, CR8), value & 0xf);
}
