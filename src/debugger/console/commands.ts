// The commands of the debug console, in the order of `help`.

import { ANNOTATIONS } from './annotations.ts';
import { APIC, IOAPIC, PIC } from './apic.ts';
import { AUDIT } from './audit.ts';
import { EXPLAIN } from './explain.ts';
import { BREAK } from './break.ts';
import { DISASM } from './disasm.ts';
import { DUMP, MEM } from './dump.ts';
import { HELP } from './help.ts';
import { SNAPSHOT } from './snapshot.ts';
import { EXITS, STATS } from './statistics.ts';
import { INJECT } from './inject.ts';
import { REGS } from './regs.ts';
import { SEARCH } from './search.ts';
import { TRACE } from './trace.ts';
import { GOTO, HISTORY, REVERSE, WHO } from './reverse.ts';
import { SYMBOLS } from './symbols.ts';
import type { Command } from './types.ts';
import { WALK } from './walk.ts';
import { WHY } from './why.ts';

export const COMMANDS: readonly Command[] = [
  EXPLAIN,
  AUDIT,
  WHY,
  WALK,
  STATS,
  EXITS,
  SYMBOLS,
  REGS,
  APIC,
  IOAPIC,
  PIC,
  DUMP,
  MEM,
  SEARCH,
  DISASM,
  BREAK,
  ANNOTATIONS,
  INJECT,
  TRACE,
  REVERSE,
  GOTO,
  WHO,
  HISTORY,
  SNAPSHOT,
  HELP,
];
