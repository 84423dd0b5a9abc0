// The core's side: the same address space, segments and start, and the same report as the native runner's.

import {
  CR0,
  CR3,
  CR4,
  CS,
  EFER,
  EVENT_VALID,
  GS,
  MXCSR,
  RAM,
  RAX,
  RUN_CAREFUL,
  RUN_FLAGS,
  SS,
  X87,
  X87_CONTROL,
  X87_STATUS,
  X87_TAGS,
  XMM,
} from '../../../src/core/layout.ts';
import {
  openCore,
  PAGE_PRESENT,
  PAGE_USER,
  PAGE_WRITABLE,
  readWord,
  register,
  runFor,
  setSegment,
  type TestCore,
  writeQuad,
  writeWord,
} from '../harness.ts';
import type { Sequence } from './generator.ts';
import type { Outcome } from './native.ts';
import {
  BASE_16,
  CODE,
  CODE_BLOCK,
  DATA,
  DATA_SIZE,
  DATA_WRITABLE,
  EXIT,
  GS_PROFILES,
  STACK,
  STACK_SIZE,
} from './space.ts';

const CODE_BYTES = 0x1000000; // at most 16 MiB of sequences
const HLT = 0xf4; // faults at CPL 3: the end of a sequence
const BUDGET = 100_000;

// Physical addresses. Linear neighbours are not physical ones, so that page-crossing accesses must take two pages.
const PML4 = 0x1000;
const PDPT = 0x2000;
const DIRECTORY = 0x3000;
const DATA_TABLE = 0x4000;
const CODE_TABLES = 0x10000;
const DATA_PAGES = [0x9000, 0x7000, 0x8000];
const STACK_PAGE = 0xb000;
const CODE_AT = 0x100000;

export interface Simulator {
  readonly core: TestCore;
  readonly pattern: Uint8Array;
}

/** A core with the address space of space.ts and all sequences in place. */
export function openSimulator(sequences: readonly Sequence[], pattern: Uint8Array): Simulator {
  const core = openCore(32);
  const quad = (physical: number, value: number, flags: bigint) =>
    writeQuad(core, RAM + physical, BigInt(value) | flags);
  const all = PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER;
  quad(PML4, PDPT, all);
  quad(PDPT, DIRECTORY, all);
  quad(DIRECTORY + 8 * (DATA >>> 21), DATA_TABLE, all);
  DATA_PAGES.forEach((page, i) => {
    quad(DATA_TABLE + 8 * i, page, i * 4096 < DATA_WRITABLE ? all : PAGE_PRESENT | PAGE_USER);
  });
  quad(DATA_TABLE + 8 * ((STACK - DATA) >>> 12), STACK_PAGE, all);
  for (let i = 0; i < CODE_BYTES >>> 21; i++) quad(DIRECTORY + 8 * ((CODE >>> 21) + i), CODE_TABLES + 0x1000 * i, all);
  const last = sequences.at(-1)!;
  const used = Math.ceil((last.address + last.bytes.length - CODE) / CODE_BLOCK) * CODE_BLOCK;
  for (let i = 0; i < used >>> 12; i++) quad(CODE_TABLES + 8 * i, codePhysical(CODE + i * 4096), all);
  for (let block = 0; block < CODE_BYTES; block += CODE_BLOCK) {
    for (const offset of Object.values(EXIT)) core.bytes[RAM + codePhysical(CODE + block + offset)] = HLT;
  }
  for (const { address, bytes } of sequences) {
    if (address + bytes.length > CODE + CODE_BYTES) throw new Error('more sequences than the code area holds');
    bytes.forEach((byte, i) => {
      core.bytes[RAM + codePhysical(address + i)] = byte;
    });
  }
  for (let i = 2; i < DATA_PAGES.length; i++)
    core.bytes.set(pattern.subarray(i * 4096, (i + 1) * 4096), RAM + DATA_PAGES[i]!);
  writeQuad(core, CR0, 0x80010031n);
  writeQuad(core, CR3, BigInt(PML4));
  writeQuad(core, CR4, 0x620n); // PAE, OSFXSR, OSXMMEXCPT
  writeQuad(core, EFER, 0xd00n);
  return { core, pattern };
}

// An FXSAVE image (SDM "Non-64-Bit-Mode FXSAVE Layout"): FCW, FSW, abridged FTW, MXCSR, ST0 to ST7, XMM0 to XMM15.
const IMAGE_STATUS = 2;
const IMAGE_TAGS = 4;
const IMAGE_MXCSR = 24;
const IMAGE_X87 = 32;
const IMAGE_XMM = 160;
const IMAGE_END = 416;

/** Address of ST(i): the stack's top is in bits 13:11 of the status word. */
function stackRegister(core: TestCore, i: number): number {
  return X87 + 16 * (((readWord(core, X87_STATUS) >>> 11) + i) & 7);
}

function loadState(core: TestCore, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  writeWord(core, X87_CONTROL, view.getUint16(0, true));
  writeWord(core, X87_STATUS, view.getUint16(IMAGE_STATUS, true));
  writeWord(core, X87_TAGS, image[IMAGE_TAGS]!);
  writeWord(core, MXCSR, view.getUint32(IMAGE_MXCSR, true));
  for (let i = 0; i < 8; i++) {
    const at = stackRegister(core, i);
    core.bytes.fill(0, at, at + 16);
    core.bytes.set(image.subarray(IMAGE_X87 + 16 * i, IMAGE_X87 + 16 * i + 10), at);
  }
  core.bytes.set(image.subarray(IMAGE_XMM, IMAGE_END), XMM);
}

function storeState(core: TestCore): Uint8Array {
  const image = new Uint8Array(512);
  const view = new DataView(image.buffer);
  view.setUint16(0, readWord(core, X87_CONTROL), true);
  view.setUint16(IMAGE_STATUS, readWord(core, X87_STATUS), true);
  image[IMAGE_TAGS] = readWord(core, X87_TAGS);
  view.setUint32(IMAGE_MXCSR, readWord(core, MXCSR), true);
  for (let i = 0; i < 8; i++)
    image.set(core.bytes.subarray(stackRegister(core, i), stackRegister(core, i) + 10), IMAGE_X87 + 16 * i);
  image.set(core.bytes.subarray(XMM, XMM + 256), IMAGE_XMM);
  return image;
}

/** Pages of the code area lie in pairs, each the wrong way round. */
function codePhysical(linear: number): number {
  return CODE_AT + ((linear - CODE) ^ 0x1000);
}

const USER_CODE = { 64: 0xa0fb, 32: 0xc0fb, 16: 0x00fb } as const;
const USER_DATA = 0xc0f3;
const USER_DATA_16 = 0x00f3;
const GS_RIGHTS = { data: 0x40f3, 'expand-down': 0x40f7, 'read-only': 0x40f1 } as const;

function setSegments(core: TestCore, sequence: Sequence): number {
  const { mode } = sequence;
  const block = sequence.address - ((sequence.address - CODE) % CODE_BLOCK);
  const data = mode === 16 ? USER_DATA_16 : USER_DATA;
  for (let index = 0; index < GS; index++) {
    setSegment(core, index, 0x2b, data, mode === 16 ? 0xffff : 0xffffffff, mode === 16 ? BASE_16 : 0);
  }
  setSegment(core, CS, 0x33, USER_CODE[mode], mode === 16 ? 0xffff : 0xffffffff, mode === 16 ? block : 0);
  setSegment(core, SS, 0x2b, data, mode === 16 ? 0xffff : 0xffffffff, mode === 16 ? BASE_16 : 0);
  const gs = GS_PROFILES[sequence.gsProfile]!;
  setSegment(core, GS, 0x3f, GS_RIGHTS[gs.kind], gs.limit, gs.base);
  return mode === 16 ? block : 0;
}

function digestPart(start: number, words: Uint32Array): number {
  let h = start;
  for (let i = 0; i < words.length; i++) h = Math.imul(h ^ words[i]!, 0x01000193);
  return h;
}

/** Runs one sequence, in the fast loop or one instruction at a time. */
export function simulate(simulator: Simulator, sequence: Sequence, careful: boolean, dump: boolean): Outcome {
  const { core, pattern } = simulator;
  for (let i = 0; i * 4096 < DATA_WRITABLE; i++)
    core.bytes.set(pattern.subarray(i * 4096, (i + 1) * 4096), RAM + DATA_PAGES[i]!);
  core.bytes.set(pattern.subarray(DATA_SIZE), RAM + STACK_PAGE);
  sequence.registers.forEach((value, i) => {
    writeQuad(core, RAX + 8 * i, value);
  });
  if (sequence.state) loadState(core, sequence.state);
  const codeBase = setSegments(core, sequence);
  writeWord(core, EVENT_VALID, 0);
  core.exports.setFlags(BigInt(sequence.flags));
  core.exports.updateMode();
  core.exports.setRip(BigInt(sequence.address - codeBase));
  writeWord(core, RUN_FLAGS, careful ? RUN_CAREFUL : 0);

  const { stop, fault } = runFor(core, BUDGET);
  if (!fault) throw new Error(`the core stopped with code ${stop} at ${core.exports.getRip().toString(16)}`);
  const rip = codeBase + Number(BigInt.asUintN(64, core.exports.getRip()));
  const ended = fault.vector === 13 && (rip - CODE) % CODE_BLOCK === EXIT[sequence.mode];
  const words = (page: number) => new Uint32Array(core.bytes.buffer, RAM + page, 1024);
  let digest = 0x811c9dc5;
  for (let i = 0; i * 4096 < DATA_WRITABLE; i++) digest = digestPart(digest, words(DATA_PAGES[i]!));
  digest = digestPart(digest, words(STACK_PAGE)) >>> 0;
  return {
    fault: ended ? undefined : fault.vector,
    error: ended ? 0 : (fault.error ?? 0),
    address: ended ? 0n : fault.address,
    rip: ended ? 0 : rip,
    registers: Array.from({ length: 16 }, (_, i) => register(core, i)),
    flags: Number(core.exports.getFlags()),
    digest,
    state: sequence.state && storeState(core),
    memory: dump ? dumpMemory(core) : undefined,
  };
}

function dumpMemory(core: TestCore): Uint8Array {
  const memory = new Uint8Array(DATA_WRITABLE + STACK_SIZE);
  for (let i = 0; i * 4096 < DATA_WRITABLE; i++)
    memory.set(core.bytes.subarray(RAM + DATA_PAGES[i]!, RAM + DATA_PAGES[i]! + 4096), i * 4096);
  memory.set(core.bytes.subarray(RAM + STACK_PAGE, RAM + STACK_PAGE + STACK_SIZE), DATA_WRITABLE);
  return memory;
}
