// What a snapshot holds of the core beside RAM: state blocks, code spaces, the TLB, and which pages are current VMCSs.
import {
  CODE_SPACES,
  GENERATION,
  MACHINE,
  MACHINE_SIZE,
  PAGE_CLEAN,
  PAGE_FLAGS,
  PAGE_VMCS,
  PROCESSORS,
  RAM,
  SET_EMPTY,
  STATE,
  STATE_SIZE,
  TLB,
  TLB_AREA,
  TLB_BASE,
  TLB_LOG,
  TLB_LOGS,
  TLB_PROCESSOR,
  TLB_PROCESSOR_LOGS,
  TLB_SET,
} from '../../core/layout.ts';
import { type Core, readWord, writeWord } from '../../vmx/processor.ts';
import { everyProcessor } from '../processors.ts';
import { writtenPages } from './pages.ts';

export interface ProcessorImage {
  readonly state: Uint8Array;
  /** Saved blocks of other processors, by number; only those that hold anything. */
  readonly others: ReadonlyMap<number, Uint8Array>;
  /** What the processors share (MACHINE). */
  readonly machine: Uint8Array;
  readonly codeSpaces: Uint8Array;
  /** Five words an entry: processor << 24 | set << 16 | index, page (low half), page (high half), addend, guest-physical page. */
  readonly tlb: Uint32Array;
  readonly vmcsPages: readonly number[];
}

const OTHERS = 16;
const CODE_SPACE_HEADER = 32;
const LOG_SIZE = 0x2000;
const LOG_ENTRIES = 4092;
const SET_ENTRIES = 3 * 4096;
const INVALID = 1;
const ENTRY_WORDS = 5;

/** To be called before `keepPages`: current VMCSs are found among the written pages. */
export function takeProcessorImage(core: Core): ProcessorImage {
  const others = new Map<number, Uint8Array>();
  for (let i = 0; i < OTHERS; i++) {
    const at = PROCESSORS + i * STATE_SIZE;
    if (isUsed(core, at)) others.set(i, core.bytes.slice(at, at + STATE_SIZE));
  }
  const spaces = CODE_SPACE_HEADER * (1 + readWord(core, CODE_SPACES));
  return {
    state: core.bytes.slice(STATE, STATE + STATE_SIZE),
    others,
    machine: core.bytes.slice(MACHINE, MACHINE + MACHINE_SIZE),
    codeSpaces: core.bytes.slice(CODE_SPACES, CODE_SPACES + spaces),
    tlb: takeTlb(core),
    vmcsPages: vmcsPages(core),
  };
}

function isUsed(core: Core, at: number): boolean {
  for (let word = at >>> 2; word < (at + STATE_SIZE) >>> 2; word++) if (core.words[word] !== 0) return true;
  return false;
}

function vmcsPages(core: Core): number[] {
  return writtenPages(core).filter((page) => ((core.bytes[PAGE_FLAGS + page] as number) & PAGE_VMCS) !== 0);
}

/** Room for every entry of every set; what is held is copied out of it. */
let scratch = new Uint32Array(0);

function takeTlb(core: Core): Uint32Array {
  const { words } = core;
  const sets = everySet(core);
  const room = sets.length * SET_ENTRIES * ENTRY_WORDS;
  if (scratch.length < room) scratch = new Uint32Array(room);
  let length = 0;
  for (const { processor, set, base, log } of sets) {
    const count = readWord(core, log);
    const all = count > LOG_ENTRIES;
    for (let i = 0; i < (all ? SET_ENTRIES : count); i++) {
      // An entry may be in the log more than once; putting it back twice does no harm.
      const index = all ? i : ((words[(log + 8 + 2 * i) >>> 2] as number) >>> (16 * (i & 1))) & 0xffff;
      const at = (base >>> 2) + index * 4;
      const low = words[at] as number;
      if ((low & INVALID) !== 0) continue;
      scratch[length] = (processor << 24) | (set << 16) | index;
      scratch[length + 1] = low & 0xfffff000;
      scratch[length + 2] = words[at + 1] as number;
      scratch[length + 3] = words[at + 2] as number;
      scratch[length + 4] = words[at + 3] as number;
      length += ENTRY_WORDS;
    }
  }
  return scratch.slice(0, length);
}

/** Puts state blocks and code spaces back. */
export function restoreState(core: Core, image: ProcessorImage): void {
  for (const page of vmcsPages(core))
    core.bytes[PAGE_FLAGS + page] = (core.bytes[PAGE_FLAGS + page] as number) & ~PAGE_VMCS;
  for (const page of image.vmcsPages)
    core.bytes[PAGE_FLAGS + page] = ((core.bytes[PAGE_FLAGS + page] as number) | PAGE_VMCS) & ~PAGE_CLEAN;
  core.bytes.set(image.state, STATE);
  core.bytes.set(image.machine, MACHINE);
  for (let i = 0; i < OTHERS; i++) {
    const at = PROCESSORS + i * STATE_SIZE;
    const block = image.others.get(i);
    if (block !== undefined) core.bytes.set(block, at);
    else if (isUsed(core, at)) core.bytes.fill(0, at, at + STATE_SIZE);
  }
  restoreCodeSpaces(core, image.codeSpaces);
}

/** RIP keys count the code spaces, which only grow until they are forgotten all at once. */
function restoreCodeSpaces(core: Core, saved: Uint8Array): void {
  const held = readWord(core, CODE_SPACES) >= saved.length / CODE_SPACE_HEADER - 1;
  if (held && sameFrom(core.bytes, CODE_SPACES, saved, CODE_SPACE_HEADER)) return;
  core.exports.flushCode();
  core.bytes.set(saved, CODE_SPACES);
}

function sameFrom(bytes: Uint8Array, at: number, saved: Uint8Array, from: number): boolean {
  for (let i = from; i < saved.length; i++) if (bytes[at + i] !== saved[i]) return false;
  return true;
}

/** Puts the TLBs back; to be called last, when the flags of all pages are as they were. */
export function restoreTlb(core: Core, image: ProcessorImage): void {
  core.exports.flushEveryTlb();
  const { tlb } = image;
  for (let i = 0; i < tlb.length; i += ENTRY_WORDS) {
    const place = tlb[i] as number;
    const page = (BigInt(tlb[i + 2] as number) << 32n) | BigInt(tlb[i + 1] as number);
    const set = (place >>> 16) & 0xff;
    core.exports.restoreTlbEntry(place >>> 24, set, place & 0xffff, page, tlb[i + 3] as number, tlb[i + 4] as number);
  }
  // The generation of the processor that runs is that of its TLB set today; others take theirs when they run.
  const set = (readWord(core, TLB_BASE) - readWord(core, TLB_AREA)) / TLB_SET;
  writeWord(core, GENERATION, readWord(core, readWord(core, TLB_LOGS) + set * LOG_SIZE + 4));
}

/** Where the TLB sets of every processor are, but those that are always empty. */
function everySet(core: Core): { processor: number; set: number; base: number; log: number }[] {
  return everyProcessor(core).flatMap((processor) => {
    const behind = RAM + core.ramSize + (processor - 1) * TLB_PROCESSOR;
    const area = processor === 0 ? TLB : behind;
    const logs = processor === 0 ? TLB_LOG : behind + TLB_PROCESSOR_LOGS;
    return Array.from({ length: SET_EMPTY }, (_, set) => ({
      processor,
      set,
      base: area + set * TLB_SET,
      log: logs + set * LOG_SIZE,
    }));
  });
}
