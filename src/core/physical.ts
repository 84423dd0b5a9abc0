// Accesses by physical address: bitmaps, tables, what the outside wrote.

import { codeWritten } from './cache.ts';
import { host_mmio_read, host_mmio_write } from './host.ts';
import {
  PAGE_CLEAN,
  PAGE_CODE,
  PAGE_FLAGS,
  PAGE_MONITOR,
  PAGE_VMCS,
  RAM,
  RAM_SIZE,
  WATCHES,
  WATCH_READ,
  WATCH_WRITE,
} from './layout.ts';
import { loadSized, storeSized, writeNotice } from './memory.ts';
import { lineWritten, vmcsWritten } from './processors.ts';
import { physicalAccess } from './watches.ts';

/** Reads 1 << size bytes of physical memory; where there is no RAM the bus answers. */
export function readPhysical(physical: u64, size: u32): u64 {
  if (load<u32>(WATCHES)) physicalAccess(physical, 1 << size, u64.MAX_VALUE, WATCH_READ);
  if (physical + ((<u64>1) << (<u64>size)) <= load<u64>(RAM_SIZE)) return loadSized(RAM + <usize>physical, size);
  return host_mmio_read(physical, 1 << size);
}

export function writePhysical(physical: u64, size: u32, value: u64): void {
  if (load<u32>(WATCHES)) physicalAccess(physical, 1 << size, u64.MAX_VALUE, WATCH_WRITE);
  if (physical + ((<u64>1) << (<u64>size)) <= load<u64>(RAM_SIZE)) {
    const host = RAM + <usize>physical;
    writeNotice(host, 1 << size);
    storeSized(host, value, size);
  } else host_mmio_write(physical, 1 << size, value);
}

/** Tells the core that physical memory was changed from outside (a debugger's poke, a device). */
export function physicalWritten(physical: u64, length: u32): void {
  let at = physical;
  const end = physical + <u64>length;
  while (at < end && at < load<u64>(RAM_SIZE)) {
    const part = <u32>min<u64>(end - at, 4096 - (at & 0xfff));
    const host = RAM + <usize>at;
    const flags = PAGE_FLAGS + ((host - RAM) >> 12);
    store<u8>(flags, load<u8>(flags) & ~PAGE_CLEAN);
    if (load<u8>(flags) & PAGE_CODE) codeWritten(host, part);
    if (load<u8>(flags) & PAGE_VMCS) vmcsWritten();
    if (load<u8>(flags) & PAGE_MONITOR) lineWritten(host, part);
    at += <u64>part;
  }
}
