// What the decoder knows of the instruction in hand. One decoder; it keeps nothing between two instructions of a block but
// what `decode.ts` says.

export class Decoder {
  // Where
  at: usize = 0; // next byte
  start: usize = 0; // first byte of the instruction
  available: u32 = 0; // bytes from `start` that may be fetched
  rejected: bool = false; // the instruction needs more bytes than that
  key: u64 = 0; // RIP key of the instruction
  blockKey: u64 = 0;
  // Block
  op: usize = 0; // next operation to write
  count: u32 = 0; // instructions so far
  last: i32 = -1; // handler of the previous instruction if the next one may fuse with it
  fuse: bool = true;
  ends: bool = false; // the superblock ends after this instruction
  // Prefixes
  mode: u32 = 0; // MODE_*
  rex: u32 = 0;
  operandSize: u32 = 0; // 1 to 3
  addressSize: u32 = 0; // 1 to 3
  prefix66: bool = false;
  repeat: u32 = 0;
  lock: bool = false;
  segmentPrefix: i32 = -1;
  opcode: u32 = 0;
  vex: u32 = 0;
  // ModRM
  modrm: u32 = 0;
  memory: bool = false;
  reg: u32 = 0;
  rm: u32 = 0;
  base: u32 = 0; // byte offsets from STATE
  index: u32 = 0;
  scale: u32 = 0;
  displacement: i64 = 0;
  ripRelative: bool = false;
  segment: u32 = 0;
  sib: u32 = 0; // as SI_SIB
  // Operation to write
  destination: u32 = 0;
  source: u32 = 0;
  kind: u32 = 0; // byte 8 of operations without index
  immediate: i64 = 0;
  immediate2: u32 = 0;
}

export const d: Decoder = new Decoder();

/** @inline */
export function byte(): u32 {
  return <u32>load<u8>(d.at++);
}

export function signedByte(): i64 {
  return <i64>load<i8>(d.at++);
}

export function word(): u32 {
  const value = <u32>load<u16>(d.at);
  d.at += 2;
  return value;
}

export function signedDword(): i64 {
  const value = <i64>load<i32>(d.at);
  d.at += 4;
  return value;
}

/** Immediate of an operand of size 0 to 3: 8, 16 or 32 bits, sign-extended. */
export function immediateOf(size: u32): i64 {
  if (size == 0) return signedByte();
  if (size == 1) {
    const value = <i64>load<i16>(d.at);
    d.at += 2;
    return value;
  }
  return signedDword();
}

/** The low bits of a value that an operand of size 0 to 3 has. */
export function truncate(value: i64, size: u32): i64 {
  if (size == 0) return <i64>(<u8>value);
  if (size == 1) return <i64>(<u16>value);
  return size == 2 ? <i64>(<u32>value) : value;
}
