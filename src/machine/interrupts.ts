// What devices and other processors ask of the processor: external interrupts, NMI, INIT, SIPI.
import {
  ACTIVITY,
  ACTIVITY_WAIT_FOR_SIPI,
  APIC_BASE,
  ATTEND_EVENT,
  ATTENTION,
  EXIT_CONTROLS,
  FORCED_INTERRUPT,
  INTERRUPT_LINE,
  NMI_PENDING,
  NON_ROOT,
  PIN_CONTROLS,
  VMX_ON,
} from '../core/layout.ts';
import { F_POSTED_INTERRUPT_NOTIFICATION_VECTOR } from '../core/generated/vmcs-offsets.ts';
import { vmcsWord } from '../vmx/operation.ts';
import { beginExit, externalInterruptInfo } from '../vmx/exit.ts';
import { type Core, readWord, writeWord } from '../vmx/processor.ts';
import type { Hardware } from './hardware.ts';
import { initProcessor, startProcessor } from './power-on.ts';

const APIC_BASE_BSP = 1 << 8;
const PIN_EXTERNAL_INTERRUPT = 1;
const PIN_POSTED_INTERRUPTS = 1 << 7;
const EXIT_ACKNOWLEDGE = 1 << 15;
const REASON_EXTERNAL_INTERRUPT = 1;
const REASON_INIT = 3;
const REASON_SIPI = 4;

/** Makes the core look for events before its next instruction. */
export function wake(core: Core): void {
  writeWord(core, ATTENTION, readWord(core, ATTENTION) | ATTEND_EVENT);
}

/** Lets devices reach `now` and shows the processor their interrupt. Answers the time of the next device event. */
export function lookAtDevices({ core, board }: Hardware, now: number): number {
  board.advance(now);
  const pending = board.interruptPending() || readWord(core, FORCED_INTERRUPT) !== 0;
  writeWord(core, INTERRUPT_LINE, pending ? 1 : 0);
  if (pending) wake(core);
  if (board.signalPending() && board.takeNmi()) {
    writeWord(core, NMI_PENDING, 1);
    wake(core);
  }
  return board.nextEvent();
}

/**
 * The core stopped before an instruction at which an external interrupt is due. True: it is a VM exit, described in EXIT_*;
 * false: it was acknowledged, or withdrawn meanwhile, and the core goes on.
 */
export function takeInterrupt({ core, board }: Hardware): boolean {
  const exits = readWord(core, NON_ROOT) !== 0 && (readWord(core, PIN_CONTROLS) & PIN_EXTERNAL_INTERRUPT) !== 0;
  const forced = readWord(core, FORCED_INTERRUPT);
  if (!board.interruptPending() && forced === 0) {
    writeWord(core, INTERRUPT_LINE, 0);
    return false;
  }
  if (!exits) {
    const vector = acknowledge(core, board);
    writeWord(core, INTERRUPT_LINE, 0);
    core.exports.acknowledge(vector);
    return false;
  }
  const acknowledges = (readWord(core, EXIT_CONTROLS) & EXIT_ACKNOWLEDGE) !== 0;
  const vector = acknowledges ? acknowledge(core, board) : undefined;
  if (vector !== undefined && isNotification(core, vector)) {
    board.endInterrupt();
    writeWord(core, INTERRUPT_LINE, board.interruptPending() ? 1 : 0);
    core.exports.processPostedInterrupts();
    return false;
  }
  beginExit(core, REASON_EXTERNAL_INTERRUPT, 0n);
  if (vector !== undefined) externalInterruptInfo(core, vector);
  return true;
}

/** The vector of the interrupt that is delivered now: one that the debugger injected goes first. */
function acknowledge(core: Core, board: Hardware['board']): number {
  const forced = readWord(core, FORCED_INTERRUPT);
  if (forced === 0) return board.acknowledge();
  writeWord(core, FORCED_INTERRUPT, 0);
  return forced & 0xff;
}

/** Whether an acknowledged vector announces posted interrupts instead of exiting (SDM "Posted-Interrupt Processing"). */
function isNotification(core: Core, vector: number): boolean {
  if ((readWord(core, PIN_CONTROLS) & PIN_POSTED_INTERRUPTS) === 0) return false;
  return (vmcsWord(core, F_POSTED_INTERRUPT_NOTIFICATION_VECTOR) & 0xff) === vector;
}

/** What an INIT or SIPI does now. */
export type Signal = 'none' | 'vm-exit' | 'bootstrap-init';

/**
 * INIT is held back in VMX root operation, exits from a guest, and otherwise makes an application processor wait for a SIPI;
 * SIPI counts in the wait-for-SIPI state only, where an INIT changes nothing.
 */
export function takeSignals(hardware: Hardware): Signal {
  const { core, board } = hardware;
  const guest = readWord(core, NON_ROOT) !== 0;
  const isWaiting = () => readWord(core, ACTIVITY) === ACTIVITY_WAIT_FOR_SIPI;
  if ((guest || readWord(core, VMX_ON) === 0) && board.takeInit() && !isWaiting()) {
    if (guest) {
      beginExit(core, REASON_INIT, 0n);
      return 'vm-exit';
    }
    if ((readWord(core, APIC_BASE) & APIC_BASE_BSP) !== 0) return 'bootstrap-init';
    initProcessor(hardware);
  }
  const vector = board.takeStartup();
  if (vector === undefined || !isWaiting()) return 'none';
  if (guest) {
    beginExit(core, REASON_SIPI, BigInt(vector));
    return 'vm-exit';
  }
  startProcessor(core, vector);
  return 'none';
}
