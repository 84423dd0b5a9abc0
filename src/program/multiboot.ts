// Multiboot Specification version 0.6.96, "The format of Multiboot header" and "Boot information format".
import { EXTENDED_DATA, LOWER_KILOBYTES, memoryMap } from '../spec/memory-map.ts';
import { cursorOver, readU32 } from './bytes.ts';
import { badBootAddresses, unsupportedBootFlags } from './errors.ts';
import type { Segment } from './types.ts';

const HEADER_MAGIC = 0x1badb002;
const HEADER_SEARCH = 8192;
const FLAG_ADDRESSES = 1 << 16;
const KNOWN_DEMANDS = 7; // page-aligned modules, memory information, video mode (a wish: no mode is reported back)

const INFO_MEMORY = 1 << 0;
const INFO_COMMAND_LINE = 1 << 2;
const INFO_MODULES = 1 << 3;
const INFO_MEMORY_MAP = 1 << 6;
const INFO_LOADER_NAME = 1 << 9;
const INFO_SIZE = 120;

const PAGE = 4096;

export interface BootHeader {
  /** Offset of the header in the file. */
  readonly offset: number;
  readonly flags: number;
  /** Present when flags bit 16 says that they replace those of an ELF header. */
  readonly addresses: BootAddresses | undefined;
}

/** The address fields of the header, all physical; `loadEnd` and `bssEnd` may be 0 for "to the end of the file" and "none". */
export interface BootAddresses {
  readonly header: number;
  readonly load: number;
  readonly loadEnd: number;
  readonly bssEnd: number;
  readonly entry: number;
}

/** The multiboot 1 header, or undefined when the file has none; throws when it demands what is not offered. */
export function findBootHeader(file: string, bytes: Uint8Array): BootHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = Math.min(bytes.length, HEADER_SEARCH) - 12;
  for (let offset = 0; offset <= last; offset += 4) {
    if (view.getUint32(offset, true) !== HEADER_MAGIC) continue;
    const flags = view.getUint32(offset + 4, true);
    if ((HEADER_MAGIC + flags + view.getUint32(offset + 8, true)) >>> 0 !== 0) continue;
    if (flags & 0xffff & ~KNOWN_DEMANDS) throw unsupportedBootFlags(file, offset + 4, flags);
    return { offset, flags, addresses: flags & FLAG_ADDRESSES ? readAddresses(file, bytes, offset) : undefined };
  }
  return undefined;
}

function readAddresses(file: string, bytes: Uint8Array, offset: number): BootAddresses {
  const cursor = cursorOver(file, 'the address fields of the multiboot header', bytes, offset + 12, 20);
  return {
    header: readU32(cursor),
    load: readU32(cursor),
    loadEnd: readU32(cursor),
    bssEnd: readU32(cursor),
    entry: readU32(cursor),
  };
}

/** The header may ask for a video mode (flags bit 2); none is set. */
export const videoNotices = (header: BootHeader): string[] =>
  header.flags & 4
    ? ['The multiboot header asks for a video mode. None is set, and the boot information says so.']
    : [];

/** What the address fields of a multiboot header say to load. */
export function addressedSegment(file: string, bytes: Uint8Array, header: BootHeader, fields: BootAddresses): Segment {
  const { load, loadEnd, bssEnd } = fields;
  const start = header.offset - (fields.header - load);
  if (load > fields.header) throw badBootAddresses(file, header.offset, 'load_addr is above header_addr');
  if (start < 0)
    throw badBootAddresses(file, header.offset, `load_addr lies ${-start} bytes before the beginning of the file`);
  if (loadEnd !== 0 && loadEnd < load) throw badBootAddresses(file, header.offset, 'load_end_addr is below load_addr');
  const length = loadEnd === 0 ? bytes.length - start : loadEnd - load;
  if (start + length > bytes.length)
    throw badBootAddresses(file, header.offset, 'load_end_addr lies beyond the end of the file');
  const size = bssEnd === 0 ? length : bssEnd - load;
  if (size < length) throw badBootAddresses(file, header.offset, 'bss_end_addr is below load_end_addr');
  return { address: load, bytes: bytes.subarray(start, start + length), size };
}

export interface BootModule {
  readonly bytes: Uint8Array;
  /** The string that goes with it: by custom its name and arguments. */
  readonly text: string;
}

export interface BootOptions {
  readonly ramSize: number;
  readonly commandLine: string;
  readonly modules: readonly BootModule[];
}

export interface BootRequest extends BootOptions {
  /** What the image occupies, so that nothing is put over it. */
  readonly occupied: readonly { readonly address: number; readonly size: number }[];
}

export interface BootMaterial {
  /** Modules, then the information structure with its strings and tables. */
  readonly segments: readonly Segment[];
  /** Physical address of the information structure: EBX at entry. */
  readonly info: number;
}

/**
 * Lays out what a multiboot loader leaves beside the image: the modules page-aligned above it (above 1 MiB), the information
 * structure with its strings and tables below the extended BIOS data area at 90000H, or above the modules when the image is there.
 */
export function bootMaterial(request: BootRequest): BootMaterial {
  const roundUp = (value: number): number => Math.ceil(value / PAGE) * PAGE;
  let top = request.occupied.reduce((end, { address, size }) => Math.max(end, address + size), 0x100000);
  const modules: Segment[] = request.modules.map(({ bytes }) => {
    const address = roundUp(top);
    top = address + bytes.length;
    return { address, bytes, size: bytes.length };
  });
  const length = infoBytes(request, modules, 0).length;
  const low = 0x90000;
  const free = request.occupied.every(({ address, size }) => address >= low + length || address + size <= low);
  const info = free && low + length <= EXTENDED_DATA ? low : roundUp(top);
  const bytes = infoBytes(request, modules, info);
  return { segments: [...modules, { address: info, bytes, size: bytes.length }], info };
}

function infoBytes(request: BootRequest, modules: readonly Segment[], base: number): Uint8Array {
  const map = memoryMap(request.ramSize);
  const encoder = new TextEncoder();
  const strings = [request.commandLine, 'Ringside', ...request.modules.map(({ text }) => text)].map((text) =>
    encoder.encode(text),
  );
  const mapOffset = INFO_SIZE;
  const modulesOffset = mapOffset + map.length * 24;
  const stringsOffset = modulesOffset + modules.length * 16;
  const total = strings.reduce((size, text) => size + text.length + 1, stringsOffset);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  const put = (offset: number, value: number): void => view.setUint32(offset, value, true);
  let next = stringsOffset;
  const addresses = strings.map((text) => {
    const at = next;
    bytes.set(text, at);
    next = at + text.length + 1;
    return base + at;
  });
  put(0, INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MEMORY_MAP | INFO_LOADER_NAME);
  put(4, LOWER_KILOBYTES);
  put(8, request.ramSize / 1024 - 1024);
  put(16, addresses[0]!);
  put(20, modules.length);
  put(24, modules.length > 0 ? base + modulesOffset : 0);
  put(44, map.length * 24);
  put(48, base + mapOffset);
  put(64, addresses[1]!);
  map.forEach(({ address, size, type }, index) => {
    const at = mapOffset + index * 24;
    put(at, 20);
    put(at + 4, address);
    put(at + 12, size);
    put(at + 20, type);
  });
  modules.forEach(({ address, size }, index) => {
    const at = modulesOffset + index * 16;
    put(at, address);
    put(at + 4, address + size);
    put(at + 8, addresses[2 + index]!);
  });
  return bytes;
}
