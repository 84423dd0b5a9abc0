// A hypervisor and a guest for the toy machine, with symbols and lines, and a session on it.

import { Session } from '../../src/debugger/session.ts';
import type { Cause } from '../../src/debugger/session/cause.ts';
import { createScheduler } from '../../src/debugger/scheduler.ts';
import type { EntryFailure } from '../../src/machine/types.ts';
import { imageOf, type Image } from '../../src/program/image.ts';
import type { LineRow, Symbol as ProgramSymbol } from '../../src/program/types.ts';
import { createToy, type Toy } from './toy-machine.ts';

/** [address, bytes, line]: bytes from nasm, checked by the disassembler's round trip in disassembly.test.ts. */
const INSTRUCTIONS: readonly (readonly [number, readonly number[], string])[] = [
  // _start: line 1 on
  [0x1000, [0x90], 'nop'],
  [0x1001, [0xe8, 0x1a, 0x00, 0x00, 0x00], 'call 0x1020'],
  [0x1006, [0x0f, 0x01, 0xc2], 'vmlaunch'],
  [0x1009, [0x90], 'nop'],
  [0x100a, [0xeb, 0xfe], 'jmp 0x100a'],
  // setup
  [0x1020, [0x48, 0xff, 0xc0], 'inc rax'],
  [0x1023, [0xf3, 0xaa], 'rep stosb'],
  [0x1025, [0xc3], 'ret'],
  // handler
  [0x1100, [0x90], 'nop'],
  [0x1101, [0xe8, 0x1a, 0x00, 0x00, 0x00], 'call 0x1120'],
  [0x1106, [0x0f, 0x01, 0xc3], 'vmresume'],
  // skip (called by the handler)
  [0x1120, [0x0f, 0xc7, 0x3c, 0x24], 'vmptrst [rsp]'],
  [0x1124, [0xc3], 'ret'],
  // guest
  [0x2000, [0x90], 'nop'],
  [0x2001, [0x0f, 0xa2], 'cpuid'],
  [0x2003, [0x48, 0xff, 0xc0], 'inc rax'],
  [0x2006, [0xe8, 0x15, 0x00, 0x00, 0x00], 'call 0x2020'],
  [0x200b, [0x0f, 0x01, 0xc1], 'vmcall'],
  [0x200e, [0xf4], 'hlt'],
  [0x200f, [0xeb, 0xef], 'jmp 0x2000'],
  // guest_function
  [0x2020, [0x0f, 0xa2], 'cpuid'],
  [0x2022, [0xc3], 'ret'],
  // guest_interrupt
  [0x2040, [0x90], 'nop'],
  [0x2041, [0x48, 0xcf], 'iretq'],
];

export const LABELS: Readonly<Record<string, number>> = {
  _start: 0x1000,
  setup: 0x1020,
  handler: 0x1100,
  skip: 0x1120,
  guest: 0x2000,
  guest_function: 0x2020,
  guest_interrupt: 0x2040,
};

export const PATH = '/work/toy.asm';

/** Line of an instruction: one each, from 1. */
export function lineOf(address: number): number {
  return INSTRUCTIONS.findIndex(([at]) => at === address) + 1;
}

export function listing(): readonly (readonly [number, readonly number[], string])[] {
  return INSTRUCTIONS;
}

export function toyImage(): Image {
  const rows: LineRow[] = INSTRUCTIONS.flatMap(([address, bytes], index) => {
    const row = { address: BigInt(address), file: 0, line: index + 1, column: 1, statement: true, end: false };
    const next = INSTRUCTIONS[index + 1];
    const end = { ...row, address: BigInt(address + bytes.length), end: true };
    return next?.[0] === address + bytes.length ? [row] : [row, end];
  });
  const symbols: ProgramSymbol[] = Object.entries(LABELS).map(([name, address]) => ({
    name,
    address: BigInt(address),
    size: 0,
    kind: 'label',
  }));
  return imageOf({
    name: 'toy.asm',
    segments: [],
    entry: { kind: 'flat', entry: 0x1000, bits: 64 },
    symbols,
    lines: { files: [PATH], rows },
  });
}

export interface ToySession {
  readonly session: Session;
  readonly toy: Toy;
  readonly image: Image;
  readonly logs: string[];
  /** Resolves at the next stop or end after `action`. */
  until(action: () => void): Promise<Cause | { readonly kind: 'ended'; readonly status: number }>;
  /** RIP as a number. */
  rip(): number;
}

export function toySession(
  options: { stopOnEntry?: boolean; stopOnFirstVmExit?: boolean; failures?: EntryFailure[]; entry?: number } = {},
): ToySession {
  const toy = createToy({
    code: new Map(INSTRUCTIONS.map(([address, bytes]) => [address, bytes])),
    entry: options.entry ?? 0x1000,
    failures: options.failures ?? [],
    vmcs: {
      HOST_RIP: 0x1100n,
      HOST_RSP: 0x7800n,
      HOST_CR3: 0x1000n,
      GUEST_RIP: 0x2000n,
      GUEST_RSP: 0x5000n,
      GUEST_RFLAGS: 2n,
      GUEST_CR0: 0x80000031n,
      GUEST_CR3: 0x9000n,
      EXIT_REASON: 0n,
      EXIT_QUALIFICATION: 0n,
      VM_EXIT_INSTRUCTION_LENGTH: 0n,
      VM_ENTRY_INTERRUPTION_INFORMATION: 0n,
      PIN_BASED_VM_EXECUTION_CONTROLS: 0x16n,
      PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS: 0x401e1f2n,
    },
  });
  const image = toyImage();
  const logs: string[] = [];
  let waiting: ((cause: Cause | { kind: 'ended'; status: number }) => void) | undefined;
  const tell = (cause: Cause | { kind: 'ended'; status: number }): void => {
    const resolve = waiting;
    waiting = undefined;
    resolve?.(cause);
  };
  const session = new Session({
    machine: toy,
    image,
    scheduler: createScheduler(),
    stopOnEntry: options.stopOnEntry ?? true,
    stopOnFirstVmExit: options.stopOnFirstVmExit ?? false,
    events: {
      continued: () => {},
      stopped: tell,
      ended: (status) => tell({ kind: 'ended', status }),
      logged: (text) => logs.push(text),
    },
  });
  return {
    session,
    toy,
    image,
    logs,
    until: (action) =>
      new Promise((resolve) => {
        waiting = resolve;
        action();
      }),
    rip: () => Number(toy.readRegister('rip')),
  };
}

/** A session that stands at an address after running there. */
export async function toyAt(address: number, options: Parameters<typeof toySession>[0] = {}): Promise<ToySession> {
  const toy = toySession(options);
  await toy.until(() => toy.session.start());
  const { instructions } = toy.session.breakpoints;
  if (address !== toy.rip()) {
    const { setInstructionBreakpoints } = await import('../../src/debugger/breakpoints.ts');
    setInstructionBreakpoints(toy.session.breakpoints, toy.image, [{ address: BigInt(address), text: '' }]);
    await toy.until(() => toy.session.continue());
    toy.session.breakpoints.instructions = instructions;
  }
  return toy;
}
