// Which pages of RAM were written since the last snapshot: those without PAGE_CLEAN.

import {
  PAGE_CLEAN,
  PAGE_DEVICE,
  PAGE_FLAGS,
  PAGE_LIST,
  PAGE_LIST_MAX,
  PAGE_VMCS,
  RAM,
  RAM_SIZE,
  SHADOW_VMCS_ADDRESS,
} from './layout.ts';
import { softenAll } from './tlb.ts';

const ALL_CLEAN: u64 = 0x2020202020202020;

/** Puts into PAGE_LIST the numbers of the pages from `from` that were written; answers how many, at most PAGE_LIST_MAX. */
export function writtenPages(from: u32): u32 {
  const pages = <u32>(load<u64>(RAM_SIZE) >> 12);
  let count: u32 = 0;
  let page = from;
  while (page < pages && count < PAGE_LIST_MAX) {
    if (!(page & 7) && (load<u64>(PAGE_FLAGS + <usize>page) & ALL_CLEAN) == ALL_CLEAN) {
      page += 8;
      continue;
    }
    if (!(load<u8>(PAGE_FLAGS + <usize>page) & PAGE_CLEAN)) {
      store<u32>(PAGE_LIST + ((<usize>count) << 2), page);
      count++;
    }
    page++;
  }
  return count;
}

/** Marks every page as not written, but those that are written without being noticed: current VMCSs, and where devices are. */
export function keepPages(): void {
  const end = PAGE_FLAGS + <usize>(load<u64>(RAM_SIZE) >> 12);
  let at: usize = PAGE_FLAGS;
  while (at < end) {
    if (!(at & 7) && (load<u64>(at) & ALL_CLEAN) == ALL_CLEAN) {
      at += 8;
      continue;
    }
    const flags = load<u8>(at);
    if (!(flags & (PAGE_CLEAN | PAGE_VMCS | PAGE_DEVICE))) store<u8>(at, flags | PAGE_CLEAN);
    at++;
  }
  const shadow = load<u32>(SHADOW_VMCS_ADDRESS);
  if (shadow) pageWritten(shadow);
  softenAll();
}

/** The page at an address of this memory may be written from now on without notice. */
export function pageWritten(host: usize): void {
  if (host - RAM >= <usize>load<u64>(RAM_SIZE)) return;
  const at = PAGE_FLAGS + ((host - RAM) >> 12);
  store<u8>(at, load<u8>(at) & ~PAGE_CLEAN);
}

export function isZeroPage(page: u32): bool {
  const start = RAM + ((<usize>page) << 12);
  for (let at = start; at < start + 4096; at += 32) {
    if (load<u64>(at) | load<u64>(at, 8) | load<u64>(at, 16) | load<u64>(at, 24)) return false;
  }
  return true;
}
