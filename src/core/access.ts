// Linear accesses by the rules of another privilege level than the current one: the stack that an event or a call switches to.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CR4,
  LAST_PHYSICAL,
  NON_ROOT,
  SYSTEM_FLAGS,
  TLB_AREA,
  TLB_SET,
  TLB_WRITE,
  WATCHES,
  WATCH_READ,
  WATCH_WRITE,
} from './layout.ts';
import { CR4_SMAP, FLAG_AC } from './bits.ts';
import { AS_SUPERVISOR, AS_SUPERVISOR_AC, AS_USER, frame, translateAs } from './paging.ts';
import { deviceRead, deviceWrite, loadBytes, storeBytes, watchAccess, writeNotice } from './memory.ts';
import { entryFrame, SOFT } from './tlb.ts';

/** The rules (AS_*) of explicit accesses at a privilege level. */
export function privilegeAt(cpl: u32): u32 {
  if (cpl == 3) return AS_USER;
  return load<u64>(CR4) & CR4_SMAP && load<u32>(SYSTEM_FLAGS) & FLAG_AC ? AS_SUPERVISOR_AC : AS_SUPERVISOR;
}

/** The TLB entry of a linear address in a table of the current side. */
function entryAs(linear: u64, privilege: u32, table: u32): usize {
  const set = privilege + (load<u32>(NON_ROOT) ? 3 : 0);
  return <usize>(load<u32>(TLB_AREA) + set * TLB_SET + table) + <usize>(<u32>(linear >> 8) & 0xfff0);
}

/** Reads 1, 2, 4 or 8 bytes by the rules of AS_*. */
export function readAs(linear: u64, bytes: u32, privilege: u32): u64 {
  if ((<u32>linear & 0xfff) + bytes > 4096) {
    let value: u64 = 0;
    for (let i: u32 = 0; i < bytes; i++) value |= readAs(linear + i, 1, privilege) << (<u64>(i * 8));
    return value;
  }
  const e = entryAs(linear, privilege, 0);
  const tag = load<u64>(e);
  const page = linear & ~(<u64>0xfff);
  let host: usize;
  if ((tag & ~SOFT) == page) {
    host = <usize>(<u32>linear + load<u32>(e, 8));
    if (tag != page) watchAccess(host, bytes, linear, entryFrame(e), WATCH_READ);
  } else {
    host = translateAs(linear, ACCESS_READ, privilege);
    if (host && load<u32>(WATCHES)) watchAccess(host, bytes, linear, frame, WATCH_READ);
  }
  return host ? loadBytes(host, bytes) : deviceRead(load<u64>(LAST_PHYSICAL), bytes);
}

/** Writes 1, 2, 4 or 8 bytes by the rules of AS_*; nothing is written when any byte faults. */
export function writeAs(linear: u64, bytes: u32, value: u64, privilege: u32): void {
  if ((<u32>linear & 0xfff) + bytes > 4096) {
    translateAs(linear, ACCESS_WRITE, privilege);
    translateAs(linear + bytes - 1, ACCESS_WRITE, privilege);
    for (let i: u32 = 0; i < bytes; i++) writeAs(linear + i, 1, value >> <u64>(i * 8), privilege);
    return;
  }
  const e = entryAs(linear, privilege, TLB_WRITE);
  const tag = load<u64>(e);
  const page = linear & ~(<u64>0xfff);
  let host: usize;
  if ((tag & ~SOFT) == page) {
    host = <usize>(<u32>linear + load<u32>(e, 8));
    if (tag != page && load<u32>(WATCHES)) watchAccess(host, bytes, linear, entryFrame(e), WATCH_WRITE);
  } else {
    host = translateAs(linear, ACCESS_WRITE, privilege);
    if (!host) {
      deviceWrite(load<u64>(LAST_PHYSICAL), bytes, value);
      return;
    }
    if (load<u32>(WATCHES)) watchAccess(host, bytes, linear, frame, WATCH_WRITE);
  }
  writeNotice(host, bytes);
  storeBytes(host, value, bytes);
}
