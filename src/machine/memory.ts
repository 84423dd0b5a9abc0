// Reading and writing physical memory for a person: RAM only, no device is touched, no translation is cached.
import { PAGE_CODE, PAGE_FLAGS, PAGE_VMCS, RAM } from '../core/layout.ts';
import { type Core, noteWritten } from '../vmx/processor.ts';
import type { TranslationResult } from './types.ts';

type Translate = (address: bigint) => TranslationResult;

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
function eachPage(
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

/** Bytes behind translated addresses, page by page; fewer than asked for where one does not translate, or RAM ends. */
export function gather(core: Core, address: bigint, length: number, translate: Translate): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  eachPage(address, length, (at, offset, size) => {
    const place = translate(at);
    if (!place.ok) return false;
    const part = peekPhysical(core, place.hostPhysical, size);
    bytes.set(part, offset);
    got = offset + part.length;
    return part.length === size;
  });
  return got === length ? bytes : bytes.slice(0, got);
}

/** Writes behind translated addresses with `poke`, page by page; answers how many bytes were written. */
export function scatter(
  address: bigint,
  bytes: Uint8Array,
  translate: Translate,
  poke: (address: bigint, bytes: Uint8Array) => number,
): number {
  let done = 0;
  eachPage(address, bytes.length, (at, offset, size) => {
    const place = translate(at);
    if (!place.ok) return false;
    const written = poke(place.hostPhysical, bytes.subarray(offset, offset + size));
    done = offset + written;
    return written === size;
  });
  return done;
}
