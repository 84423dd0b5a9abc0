// What assembling a program gives. Lines and columns count from 1; `endColumn` is the column behind the last character.

export type Severity = 'error' | 'warning' | 'note';

export interface Diagnostic {
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  /** Kebab-case name of the mistake, one for each function in errors.ts. */
  readonly code: string;
  readonly message: string;
}

export interface AssembledSection {
  readonly name: string;
  /** Address that labels of this section count from. */
  readonly address: number;
  /** Offset in `AssemblyResult.bytes`; meaningless when `reserved`. */
  readonly offset: number;
  readonly size: number;
  /** Holds no bytes in the image (.bss and `nobits`). */
  readonly reserved: boolean;
}

export interface AssembledSymbol {
  readonly name: string;
  readonly address: bigint;
  /** A place in a section, or a plain number (equ, absolute, struc). */
  readonly kind: 'label' | 'constant';
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The bytes that one statement gave. Statements that a macro wrote carry the place of the outermost macro call. */
export interface AssembledLine {
  readonly address: number;
  readonly length: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly instruction: boolean;
}

export interface AssemblyResult {
  /** The flat image as `nasm -f bin` writes it; empty when there are errors. */
  readonly bytes: Uint8Array;
  /** Address of the first byte of the image. */
  readonly origin: number;
  /** Code size at the entry point. */
  readonly bits: 16 | 32 | 64;
  /** Address of `_start` or `start`, otherwise the origin. */
  readonly entry: number;
  readonly sections: readonly AssembledSection[];
  readonly symbols: readonly AssembledSymbol[];
  readonly lines: readonly AssembledLine[];
  readonly diagnostics: readonly Diagnostic[];
  /** True when there is no error. */
  readonly ok: boolean;
  /** Addresses, bytes and source, a line for each source line that was assembled. */
  listing(): string;
}

export interface AssemblyOptions {
  /** Text of an %include file, by the path as it is written or relative to the including file; undefined: not found. */
  readonly readInclude?: ((path: string) => string | undefined) | undefined;
  /** Bytes of an `incbin` file; undefined: not found. */
  readonly readBinary?: ((path: string) => Uint8Array | undefined) | undefined;
  /** Single-line macros defined before the first line. */
  readonly defines?: Readonly<Record<string, string>> | undefined;
  /** Code size before any BITS directive; default 16, as in `nasm -f bin`. */
  readonly bits?: 16 | 32 | 64 | undefined;
  /** Origin of a program without ORG. Default: 7C00H when the program begins in 16-bit code, otherwise 100000H. */
  readonly origin?: number | undefined;
}
