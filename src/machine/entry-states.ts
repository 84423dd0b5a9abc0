// How a program is placed in memory and entered (docs/reference/entry-states.md).
import {
  ABSENT,
  ABSENT_PAGE_1G,
  CR0,
  CR3,
  CR4,
  CS,
  DS,
  EFER,
  ES,
  FS,
  GDTR_BASE,
  GDTR_LIMIT,
  GS,
  IDTR_BASE,
  IDTR_LIMIT,
  LDTR,
  RAM,
  RAX,
  RBX,
  RSI,
  RSP,
  SS,
  TR,
} from '../core/layout.ts';
import type { LinuxEntry, Program } from '../program/types.ts';
import { type Core, readWord, writeQuad, writeWord } from '../vmx/processor.ts';
import { writeSegment } from './power-on.ts';

// Low memory that the machine fills for flat programs.
export const FLAT_PML4 = 0x70000;
export const FLAT_PDPT = 0x71000; // 512 pages of 1 GiB: the first 512 GiB, identity
export const FLAT_GDT = 0x72000; // null, code, data, 64-bit TSS
export const FLAT_TSS = 0x72100;
export const FLAT_END = 0x73000;
// A processor without 1-GByte pages has four page directories here, of 2-MByte pages: the first 4 GiB.
export const FLAT_DIRECTORIES = 0x73000;
export const FLAT_DIRECTORIES_END = 0x77000;
export const FLAT_STACK = 0x70000;
export const REAL_MODE_STACK = 0x7c00;
export const CODE_SELECTOR = 0x08;
export const DATA_SELECTOR = 0x10;
export const TSS_SELECTOR = 0x18;
// __BOOT_CS and __BOOT_DS of the Linux boot protocol, and the end of the real-mode code's stack and heap.
const LINUX_CODE = 0x10;
const LINUX_DATA = 0x18;
const LINUX_REAL_MODE_STACK = 0xe000;

const MULTIBOOT_MAGIC = 0x2badb002n;
const PRESENT_WRITABLE = 3n;
const LARGE_PAGE = 0x80n;
const PG_NE_ET_PE = 0x80000031n;
const ET_PE = 0x11n;
const PAE = 0x20n;
const LME_LMA = 0x500n;
const CODE_64 = 0xa09b;
const CODE_32 = 0xc09b;
const DATA_32 = 0xc093;
const CODE_64_DESCRIPTOR = 0x00af9b000000ffffn;
const CODE_32_DESCRIPTOR = 0x00cf9b000000ffffn;
const DATA_DESCRIPTOR = 0x00cf93000000ffffn;
const BUSY_TSS = 0x8b;
const UNUSABLE = 0x10000;
const SEGMENTS_OF_DATA = [ES, SS, DS, FS, GS];

/** Copies the program into RAM and puts the processor where it begins. The processor is as powerOn left it. */
export function enterProgram(core: Core, program: Program): void {
  for (const { address, bytes, size } of program.segments) {
    if (address + size > core.ramSize) {
      throw new RangeError(
        `${program.name} needs memory up to 0x${(address + size).toString(16)}; the machine has 0x${core.ramSize.toString(16)} bytes of RAM`,
      );
    }
    core.bytes.fill(0, RAM + address, RAM + address + size);
    core.bytes.set(bytes, RAM + address);
  }
  const { entry } = program;
  if (entry.kind === 'flat' && entry.bits !== 16) refuseOverlap(program, flatEnd(core, entry.bits));
  if (entry.kind === 'multiboot') enterMultiboot(core, entry.entry, entry.info);
  else if (entry.kind === 'linux') enterLinux(core, entry);
  else if (entry.bits === 16) enterReal(core, entry.entry);
  else if (entry.bits === 32) enterFlat32(core, entry.entry);
  else enterFlat64(core, entry.entry);
}

function flatEnd(core: Core, bits: 32 | 64): number {
  return bits === 64 && lacksLargestPages(core) ? FLAT_DIRECTORIES_END : FLAT_END;
}

function lacksLargestPages(core: Core): boolean {
  return (readWord(core, ABSENT) & ABSENT_PAGE_1G) !== 0;
}

function refuseOverlap({ name, segments }: Program, end: number): void {
  if (!segments.some(({ address, size }) => address < end && address + size > FLAT_PML4)) return;
  throw new RangeError(
    `${name} occupies 0x${FLAT_PML4.toString(16)} to 0x${(end - 1).toString(16)}, where the machine keeps the page tables and GDT of a flat program; load it elsewhere`,
  );
}

/** Multiboot 1 "Machine state": flat 32-bit segments, paging off, A20 open, interrupts off; stack and GDT are the program's. */
function enterMultiboot(core: Core, entry: number, info: number): void {
  protectedFlat(core);
  writeQuad(core, RAX, MULTIBOOT_MAGIC);
  writeQuad(core, RBX, BigInt(info));
  start(core, entry);
}

function enterFlat32(core: Core, entry: number): void {
  protectedFlat(core);
  writeGdt(core, CODE_32_DESCRIPTOR);
  writeQuad(core, RSP, BigInt(FLAT_STACK));
  start(core, entry);
}

/** The Linux/x86 boot protocol's "Running the Kernel", "32-bit Boot Protocol" and "64-bit Boot Protocol". */
function enterLinux(core: Core, { entry, bits, parameters }: LinuxEntry): void {
  if (bits === 16) {
    enterReal(core, entry);
    for (const index of SEGMENTS_OF_DATA) {
      writeSegment(core, index, { selector: parameters >>> 4, rights: 0x93, limit: 0xffff, base: parameters });
    }
    writeQuad(core, RSP, BigInt(LINUX_REAL_MODE_STACK));
    return;
  }
  const long = bits === 64;
  if (long) longMode(core);
  else writeQuad(core, CR0, ET_PE);
  writeSegment(core, CS, { selector: LINUX_CODE, rights: long ? CODE_64 : CODE_32, limit: 0xffffffff, base: 0 });
  flatData(core, LINUX_DATA);
  loadGdt(core, [0n, 0n, long ? CODE_64_DESCRIPTOR : CODE_32_DESCRIPTOR, DATA_DESCRIPTOR]);
  writeQuad(core, RSI, BigInt(parameters));
  writeQuad(core, RSP, BigInt(FLAT_STACK));
  start(core, entry);
}

function protectedFlat(core: Core): void {
  writeQuad(core, CR0, ET_PE);
  writeSegment(core, CS, { selector: CODE_SELECTOR, rights: CODE_32, limit: 0xffffffff, base: 0 });
  flatData(core, DATA_SELECTOR);
}

function flatData(core: Core, selector: number): void {
  for (const index of SEGMENTS_OF_DATA) {
    writeSegment(core, index, { selector, rights: DATA_32, limit: 0xffffffff, base: 0 });
  }
}

function enterReal(core: Core, entry: number): void {
  const base = entry <= 0xffff ? 0 : entry & ~0xf;
  writeSegment(core, CS, { selector: base >>> 4, rights: 0x9b, limit: 0xffff, base });
  writeQuad(core, IDTR_BASE, 0n);
  writeWord(core, IDTR_LIMIT, 0x3ff);
  writeQuad(core, RSP, BigInt(REAL_MODE_STACK));
  start(core, entry - base);
}

function enterFlat64(core: Core, entry: number): void {
  longMode(core);
  writeGdt(core, CODE_64_DESCRIPTOR);
  writeSegment(core, CS, { selector: CODE_SELECTOR, rights: CODE_64, limit: 0xffffffff, base: 0 });
  flatData(core, DATA_SELECTOR);
  writeSegment(core, LDTR, { selector: 0, rights: UNUSABLE, limit: 0, base: 0 });
  writeSegment(core, TR, { selector: TSS_SELECTOR, rights: BUSY_TSS, limit: 0x67, base: FLAT_TSS });
  writeQuad(core, RSP, BigInt(FLAT_STACK));
  start(core, entry);
}

function longMode(core: Core): void {
  writePageTables(core);
  writeQuad(core, CR3, BigInt(FLAT_PML4));
  writeQuad(core, CR4, PAE);
  writeQuad(core, EFER, LME_LMA);
  writeQuad(core, CR0, PG_NE_ET_PE);
}

function writePageTables(core: Core): void {
  writeQuad(core, RAM + FLAT_PML4, BigInt(FLAT_PDPT) | PRESENT_WRITABLE);
  if (lacksLargestPages(core)) {
    for (let i = 0; i < 4; i++)
      writeQuad(core, RAM + FLAT_PDPT + i * 8, BigInt(FLAT_DIRECTORIES + i * 0x1000) | PRESENT_WRITABLE);
    writeIdentity(core, FLAT_DIRECTORIES, 4 * 512, 21n);
  } else writeIdentity(core, FLAT_PDPT, 512, 30n);
}

/** Entries of large pages of 2^`shift` bytes that map linear addresses to themselves. */
function writeIdentity(core: Core, table: number, entries: number, shift: bigint): void {
  for (let i = 0; i < entries; i++)
    writeQuad(core, RAM + table + i * 8, (BigInt(i) << shift) | LARGE_PAGE | PRESENT_WRITABLE);
}

/** Null, code, data and a busy 64-bit TSS, as the segment registers have them loaded. */
function writeGdt(core: Core, codeDescriptor: bigint): void {
  const tss =
    (0x8bn << 40n) | ((BigInt(FLAT_TSS) & 0xff000000n) << 32n) | ((BigInt(FLAT_TSS) & 0xffffffn) << 16n) | 0x67n;
  loadGdt(core, [0n, codeDescriptor, DATA_DESCRIPTOR, tss, 0n]);
}

function loadGdt(core: Core, descriptors: readonly bigint[]): void {
  descriptors.forEach((descriptor, i) => {
    writeQuad(core, RAM + FLAT_GDT + 8 * i, descriptor);
  });
  writeQuad(core, GDTR_BASE, BigInt(FLAT_GDT));
  writeWord(core, GDTR_LIMIT, descriptors.length * 8 - 1);
  writeQuad(core, IDTR_BASE, 0n);
  writeWord(core, IDTR_LIMIT, 0);
}

function start(core: Core, rip: number): void {
  core.exports.setFlags(2n);
  core.exports.updateMode();
  core.exports.setRip(BigInt(rip));
}
