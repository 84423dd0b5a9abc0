// What a program's debug information answers beside lines: functions, variables, types, and how frames are left. The reader behind it
// (dwarf/) reads a part of the file when it is asked about it.
import type { DebugType, EnumType } from './debug-types.ts';
import type { Location } from './dwarf/expressions.ts';
import type { CallFrame } from './dwarf/frame-rules.ts';

export type { Location, Piece } from './dwarf/expressions.ts';
export type { CallFrame, RegisterRule } from './dwarf/frame-rules.ts';

/** A function around an address: one that was compiled on its own, or a copy that was inlined into another. */
export interface FunctionInstance {
  /** With namespaces and classes. */
  readonly name: string;
  readonly inlined: boolean;
  /** Where its code begins. */
  readonly start: bigint;
  readonly ranges: readonly { readonly start: bigint; readonly end: bigint }[];
  /** Of an inlined one: where it is called. */
  readonly call: { readonly path: string; readonly line: number; readonly column: number } | undefined;
  /** Variables that can be seen at an address: those of inner blocks first, parameters behind them. */
  variables(address: bigint): readonly DebugVariable[];
}

export interface DebugVariable {
  readonly name: string;
  readonly kind: 'parameter' | 'local' | 'global';
  readonly type: DebugType;
  /** Where it is at an address, for the frame that stands there. */
  locate(address: bigint, frame: FrameAccess): Location;
}

/** What a location may depend on; answers are undefined when they are not known. */
export interface FrameAccess {
  /** By DWARF number. */
  register(number: number): bigint | undefined;
  /** Little-endian value in memory. */
  memory(address: bigint, size: number): bigint | undefined;
  /** The canonical frame address. */
  cfa(): bigint | undefined;
  /** A register as it was when the function was called. */
  entryRegister(number: number): bigint | undefined;
}

export interface DebugInfo {
  /** Functions around an address, outermost first; empty when there is none. */
  functionsAt(address: bigint): readonly FunctionInstance[];
  /** Variables of file scope, of the compilation unit around an address. */
  globalsAt(address: bigint): readonly DebugVariable[];
  /** A variable of file scope; one of the unit around `near` is preferred. */
  globalNamed(name: string, near: bigint | undefined): DebugVariable | undefined;
  /** A type by `struct vm`, `enum x`, `uint64_t`, `unsigned int`. */
  typeNamed(name: string, near?: bigint): DebugType | undefined;
  enumeratorNamed(name: string, near?: bigint): { readonly value: bigint; readonly type: EnumType } | undefined;
  /** Where functions of this name begin, every inlined copy included. */
  functionsNamed(name: string): readonly { readonly start: bigint; readonly inlined: boolean }[];
  /** Names of variables of file scope, for completion. */
  globalNames(): readonly string[];
  /**
   * A register (by DWARF number) as it was when the function around `callee` was called, as the call tells that returns to `returns` in the frame
   * `caller`. Undefined when the program does not say, or when it is not certain that this call led there.
   */
  entryRegister(number: number, callee: bigint, returns: bigint, caller: FrameAccess): bigint | undefined;
  /** How the frame of an address finds its caller; undefined when the program does not say. */
  callFrameAt(address: bigint): CallFrame | undefined;
}
