// INT n, INT3, INTO, INT1 (SDM "INT n/INTO/INT3/INT1", "Interrupt and Exception Handling in Virtual-8086 Mode").

import {
  CR4,
  CS,
  EVENT_PRIVILEGED,
  EVENT_SOFTWARE_EXCEPTION,
  EVENT_SOFTWARE_INTERRUPT,
  RSP,
  SI_IMMEDIATE,
  SI_LENGTH,
  STOP,
  TR,
} from '../layout.ts';
import { CR4_VME, FLAG_IF, FLAG_RF, FLAG_TF, FLAG_VIF, VECTOR_BP, VECTOR_DB, VECTOR_GP, VECTOR_OF } from '../bits.ts';
import { new16BitFrame, pushWord } from '../gates.ts';
import { changeFlags, deliverNow, noTrapAfter, raise } from '../events.ts';
import { getFlags, getOF } from '../flags.ts';
import { sysRead } from '../memory.ts';
import { setV86Segment } from '../segments.ts';
import { retire } from '../slow.ts';
import { getNextRip, isV86, segBase, segLimit, segSelector } from '../state.ts';
import { arrive, retireHere } from '../transfer.ts';
import { iopl, virtualFlags } from './flags.ts';

export function execInt(): void {
  const vector = <u32>load<u64>(SI_IMMEDIATE) & 0xff;
  if (isV86()) {
    if (load<u64>(CR4) & CR4_VME && !redirectionBit(vector)) {
      redirect(vector);
      return;
    }
    if (iopl() < 3) raise(VECTOR_GP, 0);
  }
  software(vector, EVENT_SOFTWARE_INTERRUPT);
}

export function execInt3(): void {
  software(VECTOR_BP, EVENT_SOFTWARE_EXCEPTION);
}

export function execInto(): void {
  if (getOF()) software(VECTOR_OF, EVENT_SOFTWARE_EXCEPTION);
  else retire();
}

export function execInt1(): void {
  software(VECTOR_DB, EVENT_PRIVILEGED);
}

function software(vector: u32, type: u32): void {
  deliverNow(vector, type, load<u32>(SI_LENGTH));
  if (load<u32>(STOP)) return;
  noTrapAfter();
  retireHere();
}

/** Bit of the software interrupt redirection bitmap, which ends where the I/O permission bitmap begins. */
function redirectionBit(vector: u32): bool {
  if (segLimit(TR) < 0x67) raise(VECTOR_GP, 0);
  const map: u32 = sysRead<u16>((segBase(TR) + 0x66) & 0xffffffff);
  const at = map - 32 + (vector >> 3);
  if (map < 32 || at > segLimit(TR)) raise(VECTOR_GP, 0);
  const byte: u32 = sysRead<u8>((segBase(TR) + at) & 0xffffffff);
  return ((byte >> (vector & 7)) & 1) != 0;
}

/** A software interrupt that VME hands to the 8086 program's own interrupt vector table. */
function redirect(vector: u32): void {
  const entry = sysRead<u32>(vector * 4);
  const virtual = iopl() < 3;
  const frame = new16BitFrame();
  pushWord(frame, 0, virtual ? virtualFlags() : <u32>getFlags());
  pushWord(frame, 1, segSelector(CS));
  pushWord(frame, 2, <u32>getNextRip());
  store<u16>(RSP, <u16>frame);
  setV86Segment(CS, entry >> 16);
  changeFlags(FLAG_TF | FLAG_RF | (virtual ? FLAG_VIF : FLAG_IF), 0);
  noTrapAfter();
  arrive(entry & 0xffff);
}
