// Reading and writing physical memory for a person: RAM only, no device is touched, no translation is cached.
import { PAGE_CODE, PAGE_FLAGS, PAGE_VMCS, RAM } from '../core/layout.ts';
import { type Core, noteWritten } from '../vmx/processor.ts';

/** Bytes of RAM from `address`; fewer than asked for where RAM ends. */
export function peekPhysical(core: Core, address: bigint, length: number): Uint8Array {
  const ram = BigInt(core.ramSize);
  if (address < 0n || address >= ram) return new Uint8Array(0);
  const start = RAM + Number(address);
  return core.bytes.slice(start, Math.min(start + length, RAM + core.ramSize));
}

/** Writes RAM; answers how many bytes were written. Decoded code and VM-entry checks of those bytes are forgotten. */
export function pokePhysical(core: Core, address: bigint, bytes: Uint8Array): number {
  if (address < 0n || address >= BigInt(core.ramSize)) return 0;
  const at = Number(address);
  const length = Math.min(bytes.length, core.ramSize - at);
  core.bytes.set(bytes.subarray(0, length), RAM + at);
  let flags = 0;
  for (let page = at >>> 12; page <= (at + Math.max(length, 1) - 1) >>> 12; page++) {
    flags |= core.bytes[PAGE_FLAGS + page] as number;
    noteWritten(core, page * 4096);
  }
  if ((flags & PAGE_CODE) !== 0) core.exports.flushCode();
  if ((flags & PAGE_VMCS) !== 0) core.exports.vmcsWritten();
  return length;
}

/** Calls `each` for the parts of a range that lie in one 4-KByte page; stops at the first that answers false. */
export function eachPage(
  address: bigint,
  length: number,
  each: (address: bigint, offset: number, length: number) => boolean,
): void {
  let done = 0;
  while (done < length) {
    const at = BigInt.asUintN(64, address + BigInt(done));
    const part = Math.min(length - done, 4096 - Number(at & 0xfffn));
    if (!each(at, done, part)) return;
    done += part;
  }
}
