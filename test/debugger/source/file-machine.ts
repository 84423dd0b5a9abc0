// A machine that only holds a program's segments in memory: enough to read and write its objects.

import type { Context } from '../../../src/debugger/expressions/names.ts';
import { frameKey, type RowSubject } from '../../../src/debugger/source/rows.ts';
import { sourceScope } from '../../../src/debugger/source/scope.ts';
import { innermostFrame } from '../../../src/debugger/stack.ts';
import type { Machine } from '../../../src/machine/types.ts';
import type { DebugVariable } from '../../../src/program/debug-info.ts';
import { addressOf, type Image, imageOf } from '../../../src/program/image.ts';
import { load } from '../../program/toolchain.ts';

export interface FileMachine extends Machine {
  readonly registersOfFile: Map<string, bigint>;
}

export function fileMachine(image: Image, bits: 32 | 64): FileMachine {
  const { segments } = image.program;
  const end = Math.max(...segments.map(({ address, size }) => address + size)) + 0x10000;
  const memory = new Uint8Array(end);
  for (const { address, bytes } of segments) memory.set(bytes, address);
  const registers = new Map<string, bigint>();
  const inside = (address: bigint): boolean => address >= 0n && address < BigInt(end);
  const machine: Partial<FileMachine> = {
    ramSize: end,
    registersOfFile: registers,
    side: () => 'root',
    time: () => 0,
    exitCount: () => 0,
    entryCount: () => 0,
    inVmxOperation: () => false,
    currentVmcs: () => undefined,
    lastExit: () => undefined,
    lastEntry: () => undefined,
    codeBits: () => bits,
    registerNames: () => [...registers.keys()],
    readRegister: (name) => registers.get(name),
    writeRegister: (name, value) => {
      registers.set(name, value);
      return undefined;
    },
    readVmcs: () => undefined,
    registers: () => undefined,
    peekTranslate: () => ({ ok: false, explanation: 'not RAM' }),
    peekLinear: (_side, address, length) =>
      inside(address) ? memory.slice(Number(address), Number(address) + length) : new Uint8Array(0),
    pokeLinear: (_side, address, bytes) => {
      if (!inside(address)) return 0;
      memory.set(bytes, Number(address));
      return bytes.length;
    },
  };
  return machine as FileMachine;
}

export interface FileSubject {
  readonly subject: RowSubject & { readonly globalsPath: string };
  readonly context: Context;
  readonly image: Image;
  readonly machine: FileMachine;
  readonly globals: readonly DebugVariable[];
}

/** A program's objects as a debugger sees them that stands at the first instruction of a function. */
export async function fileSubject(elf: string, functionName: string): Promise<FileSubject> {
  const bits = /m32/.test(elf) ? 32 : 64;
  const image = imageOf(await load(elf, { bits }));
  const machine = fileMachine(image, bits);
  const start = addressOf(image, functionName);
  if (start === undefined) throw new Error(`no function ${functionName}`);
  machine.registersOfFile.set('rip', start);
  machine.registersOfFile.set('rsp', BigInt(machine.ramSize - 0x1000));
  const frame = innermostFrame(machine, image, 'root')!;
  const context: Context = {
    machine,
    image,
    side: 'root',
    addressOf: (name) => addressOf(image, name),
    source: sourceScope(machine, image, 'root', frame),
  };
  const frames = [frame];
  const subject = {
    machine,
    image,
    frames,
    context: () => context,
    format: undefined,
    globalsPath: `globals/${frameKey(frames, frame)}`,
  };
  return { subject, context, image, machine, globals: image.program.debug!.globalsAt(start) };
}
