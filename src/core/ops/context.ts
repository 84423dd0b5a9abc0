// What a handler's body is made of. A handler is text in AssemblyScript over `op`, the decoded operation, written in the
// order compute, access memory, commit. How it goes on is the context's: the interpreter's switch today, a translator's
// template later.
//
// A decoded operation, 32 bytes:
//   +0 u32 handler   +4 u8 destination  +5 u8 source   +6 u8 base  +7 u8 index (byte offsets of registers from STATE)
//   +8 u8 scale      +9 u8 instructions of the superblock up to this one   +10 u16 bits 0-11 page offset, 12-15 instructions
//   +12 u32 linked operation   +16 i64 displacement   +24 i64 immediate (fused jumps: i32 immediate, i32 distance of the target)

export interface Context {
  /** Remaining budget when the superblock was entered, as an expression. */
  readonly rem: string;
  /** Go on with the next operation. */
  readonly next: string;
  /** Go on `n` operations further. */
  readonly skip: (n: number) => string;
  /** Leave to the RIP key at +24, linked for good (same page). */
  readonly goto: string;
  /** The same, linked for one generation (another page). */
  readonly gotoFar: string;
  /** Leave to the header's key plus the distance at +28 (fused jumps, same page). */
  readonly gotoRelative: string;
  /** Leave to a RIP key; `commit` runs once the target is known to be canonical. */
  readonly indirect: (key: string, commit: string) => string;
  /** Leave the superblock for the run loop, with RIP and REMAINING in their cells. */
  readonly leave: string;
  /** Leave for the run loop with RIP at a key and this operation counted. */
  readonly exit: (key: string) => string;
  /** Write RIP and REMAINING as before this instruction. */
  readonly sync: string;
}

export type HandlerKind = 'plain' | 'jump' | 'conditional' | 'call' | 'indirect' | 'special';

export interface Handler {
  readonly name: string;
  readonly kind: HandlerKind;
  readonly body: (c: Context) => string;
}

/** Handlers under one base number (`FAM_NAME`), in the order in which the decoder computes the offset. */
export interface Family {
  readonly name: string;
  readonly handlers: readonly Handler[];
}

export function handler(name: string, body: (c: Context) => string, kind: HandlerKind = 'plain'): Handler {
  return { name, body, kind };
}
