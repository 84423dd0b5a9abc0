// An image that was moved is found by its code, whatever was relocated in it, and not where something else lies.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, findDisplacement } from '../../src/debugger/relocation.ts';
import { imageOf } from '../../src/program/image.ts';
import { loadMovableFile } from '../../src/program/symbol-file.ts';
import { fileReader, load, randomNumbers } from '../program/toolchain.ts';
import { fileMachine } from './source/file-machine.ts';

const IMAGE = join(import.meta.dirname, '../../samples/tiny-hypervisor/tiny-hypervisor.elf');

/** A machine whose memory holds the image's code `displacement` further, with one of `nth` bytes another, here and there; RIP in it. */
async function moved(displacement: bigint, nth = 0) {
  const image = imageOf(await load(IMAGE));
  const file = await loadMovableFile(IMAGE, fileReader);
  const machine = fileMachine(image, 64);
  const empty = new Uint8Array(machine.ramSize - 0x1000);
  machine.pokeLinear('root', 0n, empty);
  const next = randomNumbers(7);
  for (const { linear, bytes } of file.code) {
    const copy = bytes.slice();
    if (nth > 0) for (let at = next(nth); at < copy.length; at += 1 + next(2 * nth)) copy[at]! ^= 0x40;
    expect(machine.pokeLinear('root', linear + displacement, copy)).toBe(copy.length);
  }
  const at = image.byName.get('handle_cpuid')!.address;
  const stand = (name: string): void =>
    void machine.registersOfFile.set('rip', image.byName.get(name)!.address + displacement);
  machine.registersOfFile.set('rsp', 0n);
  return { machine, file, at, stand, image };
}

const anywhere = (): boolean => false;

describe('where a moved image lies', () => {
  it('has the bytes that the file has (its first segment, by its own header)', async () => {
    const file = await loadMovableFile(IMAGE, fileReader);
    const bytes = readFileSync(IMAGE);
    const { linear, bytes: code } = file.code[0]!;
    expect(linear).toBe(0x100000n);
    expect(bytes.includes(Buffer.from(code.subarray(0, 64)))).toBe(true);
  });

  it.each([0n, -0x1000n, -0x80000n, -0xff000n])('displacement %d', async (displacement) => {
    const { machine, file, stand } = await moved(displacement);
    stand('handle_cpuid');
    expect(findDisplacement(machine, 'root', file.code, anywhere)).toBe(BigInt.asUintN(64, displacement));
    expect(findDisplacement(machine, 'root', file.code, () => true)).toBeUndefined();
    const program = file.at(BigInt.asUintN(64, displacement));
    const own = imageOf(await load(IMAGE)).byName.get('handle_cpuid')!.address;
    expect(imageOf(program).byName.get('handle_cpuid')!.address).toBe(own + displacement);
  });

  it('is found although addresses in it were relocated, from one of the functions that the processor comes to', async () => {
    const { machine, file, stand, image } = await moved(-0x40000n, 60);
    const found = ['handle_cpuid', 'handle_exit', 'run_turn', 'vm_run_all', 'main', 'handle_vmcall'].flatMap((name) => {
      expect(image.byName.has(name), name).toBe(true);
      stand(name);
      return findDisplacement(machine, 'root', file.code, anywhere) ?? [];
    });
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found)).toEqual(new Set([BigInt.asUintN(64, -0x40000n)]));
  });

  it('is not found in other code, in empty memory, or by a few equal bytes', async () => {
    const { machine, file, at, stand } = await moved(-0x40000n);
    machine.registersOfFile.set('rip', 0x10n);
    expect(findDisplacement(machine, 'root', file.code, anywhere)).toBeUndefined();
    // Sixteen bytes of it at another place of the page are no image.
    const few = machine.peekLinear('root', at - 0x40000n, 16);
    machine.pokeLinear('root', 0x5000n + (at & 0xfffn), few);
    machine.registersOfFile.set('rip', 0x5000n + (at & 0xfffn));
    expect(findDisplacement(machine, 'root', file.code, anywhere)).toBeUndefined();
    stand('handle_cpuid');
    expect(findDisplacement(machine, 'root', file.code, anywhere)).toBe(BigInt.asUintN(64, -0x40000n));
  });

  it('is found by a return address on the stack, when one looks thoroughly', async () => {
    const { machine, file, at } = await moved(-0x40000n);
    machine.registersOfFile.set('rip', 0x10n);
    machine.registersOfFile.set('rsp', 0x8000n);
    const frame = new DataView(new ArrayBuffer(64));
    frame.setBigUint64(40, at - 0x40000n + 0x10n, true);
    machine.pokeLinear('root', 0x8000n, new Uint8Array(frame.buffer));
    const looked = (thoroughly: boolean): bigint | undefined =>
      findDisplacement(machine, 'root', file.code, anywhere, anchorsOf(machine, 'root', thoroughly));
    expect(looked(false)).toBeUndefined();
    expect(looked(true)).toBe(BigInt.asUintN(64, -0x40000n));
  });

  it.each([
    ['/x/a.asm', 'nop'],
    ['/x/a.bin', '\u007fELX'],
  ])('%s: cannot be found by itself', async (path, text) => {
    await expect(loadMovableFile(path, async () => new TextEncoder().encode(text))).rejects.toThrow(
      'Name the address of its first byte instead',
    );
  });
});
