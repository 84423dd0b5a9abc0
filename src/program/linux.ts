// The Linux/x86 boot protocol ("The Linux/x86 Boot Protocol" and "Zero Page" of the kernel's documentation): a bzImage,
// entered in real mode, by the 32-bit or by the 64-bit boot protocol.
import { memoryMap } from '../spec/memory-map.ts';
import {
  badLinuxHeader,
  badOption,
  initrdDoesNotFit,
  noLinuxHeader,
  outsideMemory,
  truncated,
  unsupportedLinux,
} from './errors.ts';
import type { BootOptions } from './multiboot.ts';
import { baseName } from './paths.ts';
import type { Program, Segment } from './types.ts';

const SECTOR = 512;
const PAGE = 4096;
const BOOT_FLAG = 0xaa55;
const HEADER_MAGIC = 0x53726448; // "HdrS"
const FIRST_FIELD = 0x1f1;
const OLDEST_VERSION = 0x202; // the first that takes the command line by cmd_line_ptr
const LOADED_HIGH = 1;
const CAN_USE_HEAP = 0x80;
const KERNEL_64 = 1;
const UNDEFINED_LOADER = 0xff;
const VIDEO_NORMAL = 0xffff;
const HIGH_LOAD_ADDRESS = 0x100000;
const ENTRY_64 = 0x200;
const E820_TABLE = 0x2d0;
const E820_ENTRY = 20;

/** Where boot_params and the command line go for the 32-bit and 64-bit boot protocols. */
const BOOT_PARAMS = 0x90000;
const COMMAND_LINE = BOOT_PARAMS + PAGE;
const COMMAND_LINE_END = 0x9f000;
/** The real-mode code's segment, the protocol's sample layout in it: code, stack and heap, command line. */
const REAL_MODE_CODE = 0x10000;
const HEAP_END = 0xe000;

/** What the setup header says, with the protocol's defaults for fields that its version does not have. */
interface SetupHeader {
  readonly version: number;
  /** Bytes of boot sector and setup code: where the protected-mode code begins in the file. */
  readonly setupSize: number;
  /** Offset of the first byte after the header. */
  readonly end: number;
  readonly initrdMaximum: number;
  readonly alignment: number;
  readonly relocatable: boolean;
  readonly has64: boolean;
  readonly commandLineSize: number;
  readonly preferredAddress: number;
  /** Bytes that the kernel needs from its load address on before it has looked at the memory map; 0 when it does not say. */
  readonly initSize: number;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function isLinux(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  return (
    bytes.length >= 0x208 && view.getUint16(0x1fe, true) === BOOT_FLAG && view.getUint32(0x202, true) === HEADER_MAGIC
  );
}

function readHeader(file: string, bytes: Uint8Array): SetupHeader {
  if (!isLinux(bytes)) throw noLinuxHeader(file);
  const view = viewOf(bytes);
  const version = view.getUint16(0x206, true);
  if (version < OLDEST_VERSION) throw unsupportedLinux(file, 0x206, `its boot protocol is ${versionText(version)}`);
  const end = 0x202 + view.getUint8(0x201);
  if (end < 0x22c || end > E820_TABLE)
    throw badLinuxHeader(
      file,
      0x201,
      `it ends at 0x${end.toString(16)}, outside 0x22c to 0x${E820_TABLE.toString(16)}`,
    );
  if (bytes.length < end) throw truncated(file, bytes.length, 'the setup header of a Linux image');
  if (!(view.getUint8(0x211) & LOADED_HIGH)) throw unsupportedLinux(file, 0x211, 'it is a zImage, loaded below 1 MiB');
  const field = (since: number, offset: number, size: 1 | 2 | 4, otherwise: number): number => {
    if (version < since || offset + size > end) return otherwise;
    return size === 1
      ? view.getUint8(offset)
      : size === 2
        ? view.getUint16(offset, true)
        : view.getUint32(offset, true);
  };
  const setupSize = ((view.getUint8(0x1f1) || 4) + 1) * SECTOR;
  const codeSize = version >= 0x204 ? view.getUint32(0x1f4, true) * 16 : 1;
  if (setupSize >= bytes.length || setupSize + codeSize > bytes.length + 15)
    throw truncated(file, bytes.length, 'the protected-mode code of a Linux image');
  const alignment = field(0x205, 0x230, 4, 1) || 1;
  if ((alignment & (alignment - 1)) !== 0)
    throw badLinuxHeader(file, 0x230, `kernel_alignment is 0x${alignment.toString(16)}, not a power of two`);
  const preferredHigh = field(0x20a, 0x25c, 4, 0);
  return {
    version,
    setupSize,
    end,
    initrdMaximum: field(0x203, 0x22c, 4, 0x37ffffff),
    alignment,
    relocatable: field(0x205, 0x234, 1, 0) !== 0,
    has64: (field(0x20c, 0x236, 2, 0) & KERNEL_64) !== 0,
    commandLineSize: field(0x206, 0x238, 4, 255),
    preferredAddress: preferredHigh === 0 ? field(0x20a, 0x258, 4, 0) : 0,
    initSize: field(0x20a, 0x260, 4, 0),
  };
}

const versionText = (version: number): string => `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`;

/** A bzImage as a Program. Without `bits` it is entered in 64-bit mode where it says that it can be, else in 32-bit mode. */
export function loadLinux(file: string, bytes: Uint8Array, bits: 16 | 32 | 64 | undefined, boot: BootOptions): Program {
  const header = readHeader(file, bytes);
  const mode = bits ?? (header.has64 ? 64 : 32);
  if (mode === 64 && !header.has64)
    throw badOption(
      file,
      'bits',
      'is 64, but the image has no 64-bit entry (xloadflags bit 0)',
      'Set 32, or leave it out.',
    );
  const image = placeImage(file, bytes, header, boot.ramSize, mode);
  const line = encodeCommandLine(file, header, boot.commandLine, mode);
  const initrd = placeInitrd(file, header, image, boot);
  const setup = mode === 16 ? bytes.slice(0, header.setupSize) : new Uint8Array(PAGE);
  if (mode !== 16) setup.set(bytes.subarray(FIRST_FIELD, header.end), FIRST_FIELD);
  const base = mode === 16 ? REAL_MODE_CODE : BOOT_PARAMS;
  const lineAddress = mode === 16 ? REAL_MODE_CODE + HEAP_END : COMMAND_LINE;
  fillHeader(setup, image.address, lineAddress, initrd);
  if (mode === 16) {
    viewOf(setup).setUint16(0x224, HEAP_END - SECTOR, true);
    setup[0x211]! |= CAN_USE_HEAP;
  } else fillMemory(setup, boot.ramSize);
  const entry = mode === 16 ? base + SECTOR : mode === 32 ? image.address : image.address + ENTRY_64;
  return {
    name: baseName(file),
    segments: [
      { address: base, bytes: setup, size: setup.length },
      { address: lineAddress, bytes: line, size: line.length },
      image,
      ...(initrd ? [initrd] : []),
    ],
    entry: { kind: 'linux', entry, bits: mode, parameters: base },
    symbols: [],
    lines: { files: [], rows: [] },
  };
}

/** At the address that it prefers when it can be moved there, else at 1 MiB; with the memory that it needs until it knows the map. */
function placeImage(file: string, bytes: Uint8Array, header: SetupHeader, ramSize: number, mode: number): Segment {
  const code = bytes.subarray(header.setupSize);
  const need = Math.max(code.length, header.initSize);
  const lowest = Math.ceil(HIGH_LOAD_ADDRESS / header.alignment) * header.alignment;
  const preferred = header.preferredAddress;
  const movable = header.relocatable && mode !== 16;
  const fits = preferred >= HIGH_LOAD_ADDRESS && preferred % header.alignment === 0 && preferred + need <= ramSize;
  const address = !movable ? HIGH_LOAD_ADDRESS : fits ? preferred : lowest;
  // An image that stays at 1 MiB moves itself to the preferred address before it unpacks.
  const end = Math.max(address, movable ? 0 : preferred) + need;
  if (end > ramSize) throw outsideMemory(file, end - need, need, ramSize);
  return { address, bytes: code, size: code.length };
}

function encodeCommandLine(file: string, header: SetupHeader, text: string, mode: number): Uint8Array {
  const line = new TextEncoder().encode(text);
  const room = mode === 16 ? 0x10000 - HEAP_END - 1 : COMMAND_LINE_END - COMMAND_LINE - 1;
  const most = Math.min(header.commandLineSize || 255, room);
  if (line.length > most)
    throw badOption(file, 'args', `has ${line.length} bytes`, `This image takes a command line of at most ${most}.`);
  const terminated = new Uint8Array(line.length + 1);
  terminated.set(line);
  return terminated;
}

/** As high as memory and the header allow, page-aligned, above all that the kernel uses to unpack itself. */
function placeInitrd(file: string, header: SetupHeader, image: Segment, boot: BootOptions): Segment | undefined {
  const [initrd, ...more] = boot.modules;
  if (!initrd) return undefined;
  if (more.length > 0)
    throw badOption(file, 'modules', `has ${more.length + 1} files`, 'A Linux image takes one: its initrd.');
  const size = initrd.bytes.length;
  const limit = Math.min(boot.ramSize, header.initrdMaximum + 1);
  const address = Math.floor((limit - size) / PAGE) * PAGE;
  const used = Math.max(image.address, header.preferredAddress) + Math.max(image.size, header.initSize);
  if (address < used) throw initrdDoesNotFit(file, size, used, limit);
  return { address, bytes: initrd.bytes, size };
}

function fillHeader(setup: Uint8Array, load: number, line: number, initrd: Segment | undefined): void {
  const view = viewOf(setup);
  view.setUint16(0x1fa, VIDEO_NORMAL, true);
  view.setUint8(0x210, UNDEFINED_LOADER);
  view.setUint32(0x214, load, true); // code32_start
  view.setUint32(0x218, initrd?.address ?? 0, true);
  view.setUint32(0x21c, initrd?.size ?? 0, true);
  view.setUint32(0x228, line, true);
}

/** The zero page's memory sizes and e820 table, which the real-mode code would have asked the firmware for. */
function fillMemory(setup: Uint8Array, ramSize: number): void {
  const view = viewOf(setup);
  const map = memoryMap(ramSize);
  view.setUint32(0x1e0, (ramSize - HIGH_LOAD_ADDRESS) / 1024, true);
  view.setUint8(0x1e8, map.length);
  map.forEach(({ address, size, type }, index) => {
    const at = E820_TABLE + index * E820_ENTRY;
    view.setUint32(at, address, true);
    view.setUint32(at + 8, size, true);
    view.setUint32(at + 16, type, true);
  });
}
