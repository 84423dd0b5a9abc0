// Call frame instructions (DWARF 5, "Call Frame Instructions"): how registers of the caller are found at an address.
import { advance, type Cursor, readCount, readSleb, readU16, readU32, readU8, readUleb, remaining } from '../bytes.ts';
import { badStructure } from '../errors.ts';

export type RegisterRule =
  /** Not saved, and overwritten. */
  | { readonly kind: 'undefined' }
  /** As in the callee. */
  | { readonly kind: 'same' }
  /** In memory at the canonical frame address plus this. */
  | { readonly kind: 'saved'; readonly offset: bigint }
  /** The canonical frame address plus this. */
  | { readonly kind: 'value'; readonly offset: bigint }
  | { readonly kind: 'register'; readonly register: number }
  /** In memory where the expression says; it begins with the canonical frame address on its stack. */
  | { readonly kind: 'saved-expression'; readonly expression: Uint8Array }
  | { readonly kind: 'value-expression'; readonly expression: Uint8Array };

/** How the canonical frame address (CFA) is computed. */
export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: bigint }
  | { readonly kind: 'expression'; readonly expression: Uint8Array };

/** How a frame finds its caller, at one address. */
export interface CallFrame {
  readonly cfa: CfaRule;
  /** By DWARF number; registers without a rule are as the ABI leaves them. */
  readonly rules: ReadonlyMap<number, RegisterRule>;
  /** The column of the return address. */
  readonly returnRegister: number;
  /** The frame was interrupted (`.cfi_signal_frame`): its caller stands at an instruction, not behind a call. */
  readonly signal: boolean;
  readonly addressSize: number;
}

/** What all functions of one common information entry share. */
export interface Common {
  readonly codeAlignment: bigint;
  readonly dataAlignment: bigint;
  readonly returnRegister: number;
  readonly signal: boolean;
  readonly addressSize: number;
  readonly instructions: Cursor;
  /** Reads an address in the encoding of the function entries. */
  readonly readAddress: (cursor: Cursor) => bigint;
}

interface State {
  cfa: CfaRule;
  rules: Map<number, RegisterRule>;
  location: bigint;
}

/** The rules of a function at an address. */
export function rulesAt(common: Common, start: bigint, instructions: Cursor, address: bigint): CallFrame {
  const state: State = { cfa: { kind: 'register', register: 0, offset: 0n }, rules: new Map(), location: start };
  execute(common, { ...common.instructions, offset: 0 }, state, undefined, new Map());
  execute(common, { ...instructions, offset: 0 }, state, address, new Map(state.rules));
  const { returnRegister, signal, addressSize } = common;
  return { cfa: state.cfa, rules: state.rules, returnRegister, signal, addressSize };
}

/** Runs instructions until the location passes `address`. `initial` are the rules that DW_CFA_restore goes back to. */
function execute(
  common: Common,
  cursor: Cursor,
  state: State,
  address: bigint | undefined,
  initial: ReadonlyMap<number, RegisterRule>,
): void {
  const remembered: { cfa: CfaRule; rules: Map<number, RegisterRule> }[] = [];
  const factored = (): bigint => readUleb(cursor) * common.dataAlignment;
  const signedFactored = (): bigint => readSleb(cursor) * common.dataAlignment;
  const set = (register: number, rule: RegisterRule): void => {
    state.rules.set(register, rule);
  };
  const restore = (register: number): void => {
    const rule = initial.get(register);
    if (rule === undefined) state.rules.delete(register);
    else state.rules.set(register, rule);
  };
  /** False when the address lies before the new location. */
  const moveBy = (delta: bigint): boolean => moveTo(state.location + delta * common.codeAlignment);
  const moveTo = (location: bigint): boolean => {
    if (address !== undefined && location > address) return false;
    state.location = location;
    return true;
  };
  const cfaRegister = (): number => (state.cfa.kind === 'register' ? state.cfa.register : 0);
  const cfaOffset = (): bigint => (state.cfa.kind === 'register' ? state.cfa.offset : 0n);
  while (remaining(cursor) > 0) {
    const op = readU8(cursor);
    const low = op & 0x3f;
    switch (op >>> 6) {
      case 1: // advance_loc
        if (!moveBy(BigInt(low))) return;
        continue;
      case 2: // offset
        set(low, { kind: 'saved', offset: factored() });
        continue;
      case 3: // restore
        restore(low);
        continue;
    }
    switch (op) {
      case 0x00: // nop
        break;
      case 0x01: // set_loc
        if (!moveTo(common.readAddress(cursor))) return;
        break;
      case 0x02: // advance_loc1
        if (!moveBy(BigInt(readU8(cursor)))) return;
        break;
      case 0x03: // advance_loc2
        if (!moveBy(BigInt(readU16(cursor)))) return;
        break;
      case 0x04: // advance_loc4
        if (!moveBy(BigInt(readU32(cursor)))) return;
        break;
      case 0x05: // offset_extended
        set(readCount(cursor), { kind: 'saved', offset: factored() });
        break;
      case 0x06: // restore_extended
        restore(readCount(cursor));
        break;
      case 0x07:
        set(readCount(cursor), { kind: 'undefined' });
        break;
      case 0x08:
        set(readCount(cursor), { kind: 'same' });
        break;
      case 0x09: // register
        set(readCount(cursor), { kind: 'register', register: readCount(cursor) });
        break;
      case 0x0a: // remember_state
        remembered.push({ cfa: state.cfa, rules: new Map(state.rules) });
        break;
      case 0x0b: {
        // restore_state
        const old = remembered.pop();
        if (old !== undefined) Object.assign(state, old);
        break;
      }
      case 0x0c: // def_cfa
        state.cfa = { kind: 'register', register: readCount(cursor), offset: readUleb(cursor) };
        break;
      case 0x0d: // def_cfa_register
        state.cfa = { kind: 'register', register: readCount(cursor), offset: cfaOffset() };
        break;
      case 0x0e: // def_cfa_offset
        state.cfa = { kind: 'register', register: cfaRegister(), offset: readUleb(cursor) };
        break;
      case 0x0f: // def_cfa_expression
        state.cfa = { kind: 'expression', expression: block(cursor) };
        break;
      case 0x10: // expression
        set(readCount(cursor), { kind: 'saved-expression', expression: block(cursor) });
        break;
      case 0x11: // offset_extended_sf
        set(readCount(cursor), { kind: 'saved', offset: signedFactored() });
        break;
      case 0x12: // def_cfa_sf
        state.cfa = { kind: 'register', register: readCount(cursor), offset: signedFactored() };
        break;
      case 0x13: // def_cfa_offset_sf
        state.cfa = { kind: 'register', register: cfaRegister(), offset: signedFactored() };
        break;
      case 0x14: // val_offset
        set(readCount(cursor), { kind: 'value', offset: factored() });
        break;
      case 0x15: // val_offset_sf
        set(readCount(cursor), { kind: 'value', offset: signedFactored() });
        break;
      case 0x16: // val_expression
        set(readCount(cursor), { kind: 'value-expression', expression: block(cursor) });
        break;
      case 0x2e: // GNU_args_size
        readUleb(cursor);
        break;
      case 0x2f: // GNU_negative_offset_extended
        set(readCount(cursor), { kind: 'saved', offset: -factored() });
        break;
      default:
        throw badStructure(
          cursor.file,
          undefined,
          `call frame instruction 0x${op.toString(16)} in ${cursor.what} is not one that DWARF 5 defines`,
        );
    }
  }
}

function block(cursor: Cursor): Uint8Array {
  const size = readCount(cursor);
  const start = advance(cursor, size);
  return new Uint8Array(cursor.view.buffer, cursor.view.byteOffset + start, size);
}
