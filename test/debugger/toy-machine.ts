// A toy processor for tests of the debugger: a handful of real encodings, one guest and one hypervisor in one flat
// 64-bit address space. Registers are real enough to step through; nothing else is.

import { type DecodedInstruction, decodeAll } from '../../src/debugger/instructions.ts';
import { createBoard } from '../../src/machine/board.ts';
import type { EntryFailure, Machine, RunOptions, Side, Stop, VmEntry, VmExit } from '../../src/machine/types.ts';
import { createTimeline } from '../../src/vmx/timeline.ts';
import { vmcsFieldByName } from '../../src/spec/vmcs-fields.ts';
import { exitReasonByName } from '../../src/debugger/facts.ts';

export interface ToyOptions {
  /** Bytes by address. */
  readonly code: ReadonlyMap<number, readonly number[]>;
  readonly entry: number;
  readonly stack?: number;
  readonly vmcs?: Readonly<Record<string, bigint>>;
  /** The next VM entries fail, each with this. */
  readonly failures?: EntryFailure[];
}

const RAM = 0x20000;

/** Interrupt controllers as after reset: no interrupt reaches the toy through them. */
const NO_INTERRUPTS = createBoard({
  ramSize: RAM,
  processors: 1,
  now: () => 0,
  readTaskPriority: () => 0,
  writeTaskPriority: () => {},
  output: () => {},
  notice: () => {},
  shutdown: () => {},
  unsimulated: () => {},
}).peek(0);
const VMCS = 0x8000n;

export interface Toy extends Machine {
  readonly registersOfToy: Map<string, bigint>;
  readonly fields: Map<number, bigint>;
  readonly memory: Uint8Array;
  readonly runs: RunOptions[];
  /** Delivered before the next instruction: RIP is pushed, then the handler runs; `iretq` returns. */
  interrupt: { vector: number; handler: bigint } | undefined;
}

function field(name: string): number {
  const row = vmcsFieldByName(name);
  if (row === undefined) throw new Error(`no VMCS field ${name}`);
  return row.encoding;
}

export function createToy(options: ToyOptions): Toy {
  const memory = new Uint8Array(RAM);
  for (const [address, bytes] of options.code) memory.set(bytes, address);
  const registers = new Map<string, bigint>([
    ['rip', BigInt(options.entry)],
    ['rsp', BigInt(options.stack ?? 0x7000)],
    ['rflags', 2n],
    ['cr0', 0x80000031n],
    ['cr3', 0x1000n],
    ['cr4', 0x2020n],
    ['efer', 0x500n],
    ['cs', 8n],
    ['cs.base', 0n],
    ['idtr.base', 0x6000n],
    ['idtr.limit', 0xfffn],
  ]);
  for (const name of [
    'rax',
    'rbx',
    'rcx',
    'rdx',
    'rsi',
    'rdi',
    'rbp',
    'r8',
    'r9',
    'r10',
    'r11',
    'r12',
    'r13',
    'r14',
    'r15',
  ])
    registers.set(name, 0n);
  const fields = new Map<number, bigint>();
  for (const [name, value] of Object.entries(options.vmcs ?? {})) fields.set(field(name), value);
  const get = (name: string): bigint => registers.get(name) ?? 0n;
  let side: Side = 'root';
  let time = 0;
  let exits = 0;
  let entries = 0;
  let lastExit: VmExit | undefined;
  let lastEntry: VmEntry | undefined;
  let breakpoints = new Set<bigint>();
  const failures = options.failures ?? [];
  const view = new DataView(memory.buffer);

  const push = (value: bigint): void => {
    const sp = get('rsp') - 8n;
    registers.set('rsp', sp);
    view.setBigUint64(Number(sp), value, true);
  };
  const pop = (): bigint => {
    const sp = get('rsp');
    registers.set('rsp', sp + 8n);
    return view.getBigUint64(Number(sp), true);
  };

  const exit = (reason: string, length: number, qualification = 0n): Stop => {
    fields.set(field('GUEST_RIP'), get('rip'));
    fields.set(field('GUEST_RSP'), get('rsp'));
    fields.set(field('GUEST_RFLAGS'), get('rflags'));
    const number = exitReasonByName(reason) ?? 0;
    fields.set(field('EXIT_REASON'), BigInt(number));
    fields.set(field('EXIT_QUALIFICATION'), qualification);
    fields.set(field('VM_EXIT_INSTRUCTION_LENGTH'), BigInt(length));
    lastExit = {
      number: ++exits,
      processor: 0,
      time,
      reason: number,
      qualification,
      guestRip: get('rip'),
      instructionLength: length,
      instructionInfo: 0,
      interruptionInfo: 0,
      interruptionError: 0,
      idtVectoringInfo: 0,
      idtVectoringError: 0,
      guestLinear: 0n,
      guestPhysical: 0n,
      vmcs: VMCS,
    }; // prettier-ignore
    side = 'root';
    registers.set('rip', fields.get(field('HOST_RIP')) ?? 0n);
    registers.set('rsp', fields.get(field('HOST_RSP')) ?? 0n);
    toy.onTransition?.({ exit: lastExit });
    return { kind: 'vm-exit', exit: lastExit };
  };

  const enter = (instruction: 'VMLAUNCH' | 'VMRESUME'): Stop => {
    const failure = failures.shift();
    if (failure !== undefined) {
      registers.set('rip', get('rip') + 3n);
      time++;
      return { kind: 'entry-failure', failure };
    }
    const hostRip = get('rip');
    time++;
    side = 'non-root';
    registers.set('rip', fields.get(field('GUEST_RIP')) ?? 0n);
    registers.set('rsp', fields.get(field('GUEST_RSP')) ?? 0n);
    const injected = Number(fields.get(field('VM_ENTRY_INTERRUPTION_INFORMATION')) ?? 0n);
    lastEntry = {
      number: ++entries,
      processor: 0,
      time,
      instruction,
      hostRip,
      guestRip: get('rip'),
      injected,
      vmcs: VMCS,
    };
    fields.set(field('VM_ENTRY_INTERRUPTION_INFORMATION'), 0n);
    if (injected >>> 31 === 1) {
      const vector = injected & 0xff;
      toy.interrupt = { vector, handler: gate(vector) };
    }
    toy.onTransition?.({ entry: lastEntry });
    return { kind: 'vm-entry', entry: lastEntry };
  };

  const gate = (vector: number): bigint => {
    const at = Number(get('idtr.base')) + vector * 16;
    return (
      BigInt(view.getUint16(at, true)) |
      (BigInt(view.getUint16(at + 6, true)) << 16n) |
      (BigInt(view.getUint32(at + 8, true)) << 32n)
    );
  };

  const decoded = new Map<number, DecodedInstruction | undefined>();
  const decode = (rip: number): DecodedInstruction | undefined => {
    if (!decoded.has(rip)) decoded.set(rip, decodeAll(memory.subarray(rip, rip + 15), BigInt(rip), 64, 1)[0]);
    return decoded.get(rip);
  };

  const one = (): Stop => {
    if (toy.interrupt !== undefined) {
      push(get('rip'));
      registers.set('rip', toy.interrupt.handler);
      toy.interrupt = undefined;
      return { kind: 'budget' };
    }
    const rip = Number(get('rip'));
    const instruction = decode(rip);
    const text = instruction?.text ?? '';
    const length = instruction?.bytes.length ?? 1;
    const next = BigInt(rip + length);
    const mnemonic = text.split(' ')[0] ?? '';
    if (side === 'non-root') {
      if (mnemonic === 'cpuid') return exit('CPUID', 2);
      if (mnemonic === 'hlt') return exit('HLT', 1);
      if (mnemonic === 'vmcall') return exit('VMCALL', 3);
      if (mnemonic === 'in') return exit('IO_INSTRUCTION', length, 0x3f80009n);
    } else if (mnemonic === 'vmlaunch' || mnemonic === 'vmresume') {
      return enter(mnemonic === 'vmlaunch' ? 'VMLAUNCH' : 'VMRESUME');
    } else if (mnemonic === 'hlt') {
      return { kind: 'idle', explanation: 'HLT with nothing to wake it' };
    } else if (mnemonic === 'out') {
      return { kind: 'shutdown', status: Number(get('rax') & 0xffn), port: 0xf4 };
    }
    time++;
    switch (mnemonic) {
      case 'call':
        push(next);
        registers.set('rip', instruction?.target ?? 0n);
        break;
      case 'ret':
        registers.set('rip', pop());
        break;
      case 'iretq':
        registers.set('rip', pop());
        break;
      case 'jmp':
        registers.set('rip', instruction?.target ?? 0n);
        break;
      case 'inc':
        registers.set('rax', BigInt.asUintN(64, get('rax') + 1n));
        registers.set('rip', next);
        break;
      case 'push':
        push(get('rbp'));
        registers.set('rip', next);
        break;
      case 'rep': {
        const left = get('rcx');
        if (left > 0n) registers.set('rcx', left - 1n);
        registers.set('rip', left > 1n ? BigInt(rip) : next);
        break;
      }
      case 'vmptrst':
        // Stands for the handler's "skip the instruction".
        fields.set(
          field('GUEST_RIP'),
          (fields.get(field('GUEST_RIP')) ?? 0n) + (fields.get(field('VM_EXIT_INSTRUCTION_LENGTH')) ?? 0n),
        );
        registers.set('rip', next);
        break;
      case 'nop':
      case 'cpuid':
        registers.set('rip', next);
        break;
      default:
        return { kind: 'unsimulated', explanation: `the toy does not know ${text}` };
    }
    return { kind: 'budget' };
  };

  const wanted = (stop: Stop, o: RunOptions): boolean => {
    switch (stop.kind) {
      case 'budget':
        return false;
      case 'vm-exit':
        return o.exitReasons?.[stop.exit.reason] === 1;
      case 'vm-entry':
        return o.entries === true;
      case 'entry-failure':
        return o.entryFailures !== false;
      default:
        return true;
    }
  };

  const toy: Toy = {
    registersOfToy: registers,
    fields,
    memory,
    runs: [],
    interrupt: undefined,
    ramSize: RAM,
    processors: 1,
    processor: () => 0,
    select: () => {},
    activity: () => 'active',
    hold: () => {},
    time: () => time,
    run(o) {
      toy.runs.push(o);
      let skip = o.skipBreakpoint === true;
      for (let count = 0; count < o.limit; count++) {
        if (!skip && breakpoints.has(get('rip'))) return { kind: 'breakpoint', linear: get('rip') };
        skip = false;
        const stop = one();
        if (wanted(stop, o)) return stop;
      }
      return { kind: 'budget' };
    },
    step: () => one(),
    setWatches: () => undefined,
    inject: () => undefined,
    watches: () => [],
    setBreakpoints(linear) {
      breakpoints = new Set(linear);
    },
    side: () => side,
    inVmxOperation: () => true,
    currentVmcs: () => VMCS,
    readRegister: (name) => registers.get(name),
    writeRegister(name, value) {
      if (!registers.has(name)) return `there is no ${name}`;
      registers.set(name, value);
      return undefined;
    },
    registerNames: () => [...registers.keys()],
    registers(of) {
      if (of === side) return { side: of, live: true, values: registers };
      const area = of === 'root' ? 'HOST' : 'GUEST';
      const values = new Map<string, bigint>();
      for (const name of ['rip', 'rsp', 'rflags', 'cr0', 'cr3', 'cr4']) {
        const row = vmcsFieldByName(`${area}_${name}`);
        const value = row === undefined ? undefined : fields.get(row.encoding);
        if (value !== undefined) values.set(name, value);
      }
      return { side: of, live: false, values };
    },
    codeBits: () => 64,
    readVmcs: (encoding) => fields.get(encoding),
    writeVmcs(encoding, value) {
      if (!fields.has(encoding)) return 'VMWRITE of an unsupported field';
      fields.set(encoding, value);
      return undefined;
    },
    auditVmcs: () => undefined,
    lastVmwrite: () => undefined,
    peekInterrupts: () => NO_INTERRUPTS,
    walkLinear: () => undefined,
    walkGuestPhysical: () => undefined,
    mapLinear: () => undefined,
    mapGuestPhysical: () => undefined,
    faults: () => [],
    exitStatistics: () => ({ places: [] }),
    peekTranslate: (_side, linear) =>
      linear < BigInt(RAM)
        ? { ok: true, guestPhysical: linear, hostPhysical: linear }
        : { ok: false, explanation: 'the page is not present' },
    peekGuestPhysical: (address) =>
      address < BigInt(RAM)
        ? { ok: true, guestPhysical: address, hostPhysical: address }
        : { ok: false, explanation: 'the EPT entry is not present' },
    peekLinear: (_side, address, length) => peek(address, length),
    peekGuest: (address, length) => peek(address, length),
    peekPhysical: (address, length) => peek(address, length),
    pokeLinear: (_side, address, bytes) => poke(address, bytes),
    pokeGuest: (address, bytes) => poke(address, bytes),
    pokePhysical: (address, bytes) => poke(address, bytes),
    exitCount: () => exits,
    entryCount: () => entries,
    lastExit: () => lastExit,
    lastEntry: () => lastEntry,
    input: () => {},
    onOutput: undefined,
    onNotice: undefined,
    onRewound: undefined,
    history: { ...NO_HISTORY, now: () => ({ time: toy.time(), events: exits + entries }) },
    onTransition: undefined,
  };

  const peek = (address: bigint, length: number): Uint8Array =>
    address >= BigInt(RAM) ? new Uint8Array(0) : memory.slice(Number(address), Math.min(RAM, Number(address) + length));
  const poke = (address: bigint, bytes: Uint8Array): number => {
    if (address >= BigInt(RAM)) return 0;
    const part = bytes.subarray(0, RAM - Number(address));
    memory.set(part, Number(address));
    return part.length;
  };
  return toy;
}

const START = { time: 0, events: 0 };

/** The toy remembers nothing. */
const NO_HISTORY: Machine['history'] = {
  recording: false,
  cuts: 0,
  travelling: false,
  record: () => undefined,
  mark: () => undefined,
  now: () => START,
  first: () => START,
  last: () => START,
  snapshots: () => [],
  bytes: () => 0,
  before: () => undefined,
  *travel() {
    yield;
    return false;
  },
  goTo: () => false,
  quietly: (action) => action(),
  arrive: () => undefined,
  idle: () => ({ from: 0, until: 0 }),
  hash: () => '',
  cut: () => undefined,
  step: () => ({ kind: 'budget' }),
  // No memory and no devices: what a command does with a snapshot is tested, not the snapshot.
  save: () => ({ layout: 'toy', ramSize: 0, profile: 'toy', pages: new Map(), snapshot: {} as never }),
  load: () => 'the toy cannot be loaded',
  timeline: createTimeline(),
  keepVmcs: () => ({ exit: 0, address: 0, bytes: new Uint8Array() }),
  exits: () => ({ first: 1, last: 0 }),
  exit: () => undefined,
  exitFrom: () => 1,
  buckets: () => [],
  onCut: undefined,
  mayHaveWritten: () => true,
};
