// What the core exports; README.md describes each function. (AssemblyScript takes extensions in imports only.)

import { flushCode } from './cache.ts';
import { acknowledge, inject } from './events.ts';
import { getFlags, setFlags } from './flags.ts';
import { physicalWritten } from './physical.ts';
import { switchProcessor, vmcsWritten } from './processors.ts';
import { init, inspectInstruction, resume, run } from './run.ts';
import { getRip, setRip, updateMode } from './state.ts';
import { finishVmx } from './system/vmx.ts';
import { isZeroPage, keepPages, writtenPages } from './snapshot.ts';
import { flushEveryTlb, flushTlb, forgetPage, restoreTlbEntry, watchesChanged } from './tlb.ts';
import { processPostedInterrupts } from './virtual-apic.ts';
import { copyVmcs } from './vmx/fields.ts';
import { noteExit, vmxLoadGuest, vmxSaveGuest } from './vmx/guest.ts';
import { vmxLeaveGuest, vmxLoadHost } from './vmx/host.ts';
import { compareCells, physicalAccessed } from './watches.ts';

/** To be called after BREAKPOINTS changed. */
export function setBreakpoints(): void {
  flushCode();
}

export {
  acknowledge,
  compareCells,
  copyVmcs,
  finishVmx,
  flushCode,
  flushEveryTlb,
  flushTlb,
  forgetPage,
  getFlags,
  getRip,
  init,
  inject,
  inspectInstruction,
  isZeroPage,
  keepPages,
  noteExit,
  physicalAccessed,
  physicalWritten,
  processPostedInterrupts,
  restoreTlbEntry,
  resume,
  run,
  setFlags,
  setRip,
  switchProcessor,
  updateMode,
  vmcsWritten,
  vmxLeaveGuest,
  vmxLoadGuest,
  vmxLoadHost,
  vmxSaveGuest,
  watchesChanged,
  writtenPages,
};
