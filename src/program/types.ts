// What a user's program becomes, whatever it was written in. Loaders fill it; machine and debugger read it.
import type { DebugInfo } from './debug-info.ts';

/** Reads a file by path or URI; rejects with an Error whose message says why. The one door to files outside cli/. */
export type FileReader = (path: string) => Promise<Uint8Array>;

export interface Segment {
  /** Physical address. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Zero-filled up to this size; at least bytes.length. */
  readonly size: number;
}

export interface Symbol {
  /** As people write it. */
  readonly name: string;
  /** As linkers write it, where that differs. */
  readonly linkageName?: string;
  readonly address: bigint;
  readonly size: number;
  readonly kind: 'function' | 'object' | 'label';
}

/** One row of the line table: the address begins the statement. Rows are sorted by address; `end` closes a sequence. */
export interface LineRow {
  readonly address: bigint;
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly statement: boolean;
  readonly end: boolean;
}

/** What tells whether a source is still the one that a program was built from; undefined where the program does not say. */
export interface SourceStamp {
  /** MD5 sum of its contents, in hexadecimal. */
  readonly md5?: string | undefined;
  /** When it was last modified, in seconds since 1970. */
  readonly modified?: number | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
}

export interface LineTable {
  /** Paths as the debugger should show them, absolute where known. */
  readonly files: readonly string[];
  /** What a built program keeps of its sources, numbered like `files`; absent where the sources themselves are read. */
  readonly stamps?: readonly SourceStamp[];
  readonly rows: readonly LineRow[];
}

/** The Linux/x86 boot protocol; `bits` is the mode: real mode at the setup code's entry, 32-bit or 64-bit at the kernel's. */
export interface LinuxEntry {
  readonly kind: 'linux';
  readonly entry: number;
  readonly bits: 16 | 32 | 64;
  /** Physical address of boot_params; for 16 bits that of the real-mode code. */
  readonly parameters: number;
}

export type EntryState =
  /** Multiboot 1: 32-bit protected mode, flat, EAX 0x2BADB002, EBX the information structure. */
  | { readonly kind: 'multiboot'; readonly entry: number; readonly info: number }
  | LinuxEntry
  /** Assembled or flat programs: `bits` chooses real mode (CS:IP), flat 32-bit, or 64-bit with identity paging set up by the machine. */
  | { readonly kind: 'flat'; readonly entry: number; readonly bits: 16 | 32 | 64 };

export interface Program {
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly entry: EntryState;
  readonly symbols: readonly Symbol[];
  readonly lines: LineTable;
  /** Functions, variables, types and frames, where the program tells them. */
  readonly debug?: DebugInfo | undefined;
  /** What a person should know about the file although it loads (debug information that cannot be read, for example). */
  readonly notices?: readonly string[];
}
