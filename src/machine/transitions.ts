// VM exits, VM entries and VMX instructions as the run loop carries them out: what they do is in vmx/; here is who is told, and what is a stop.
import { EXIT_REASON, VMX_INSTRUCTION, VMX_VMLAUNCH, VMX_VMRESUME, VMX_VMXOFF } from '../core/layout.ts';
import { ENTERED, ENTRY_ABORT, ENTRY_VM_FAIL, enterGuest } from '../vmx/entry.ts';
import { leaveGuest } from '../vmx/exit.ts';
import { lastEntry, lastExit } from '../vmx/history.ts';
import { executeVmxInstruction } from '../vmx/instructions.ts';
import { VM_SUCCEED, type Vmx } from '../vmx/operation.ts';
import { readWord } from '../vmx/processor.ts';
import type { Runner } from './runner.ts';
import type { RunOptions, Stop, VmEntry, VmExit } from './types.ts';
import { anyWatches, collectHits, watchTransition } from './watches.ts';

/** The VM exit that the core stopped for. */
export function vmExit(runner: Runner, options: RunOptions): Stop | undefined {
  const { vmx, hardware, watches } = runner;
  const left = anyWatches(watches) ? watchTransition(hardware, vmx, watches, leaveGuest) : leaveGuest(vmx);
  return left ? exitHappened(runner, options.exitReasons) : abortStop(vmx);
}

/** Tells of the VM exit that was recorded last, and stops for it when it was asked for. */
function exitHappened({ vmx, onTransition }: Runner, reasons: Uint8Array | undefined): Stop | undefined {
  const wanted = reasons !== undefined && reasons[readWord(vmx.core, EXIT_REASON) & 0xffff] === 1;
  if (!wanted && onTransition === undefined) return undefined;
  const exit = lastExit(vmx.core) as VmExit;
  onTransition?.({ exit });
  return wanted ? { kind: 'vm-exit', exit } : undefined;
}

/** The VMX instruction that the core stopped for. */
export function vmxInstruction(runner: Runner, options: RunOptions): Stop | undefined {
  const { vmx } = runner;
  const { core } = vmx;
  const instruction = readWord(core, VMX_INSTRUCTION);
  if (instruction === VMX_VMLAUNCH || instruction === VMX_VMRESUME) return vmEntry(runner, options);
  const outcome = executeVmxInstruction(vmx);
  core.exports.finishVmx(outcome);
  collectHits(core, runner.watches);
  if (instruction === VMX_VMXOFF) runner.look = true;
  return outcome === VM_SUCCEED ? undefined : failStop(vmx, options);
}

function vmEntry(runner: Runner, options: RunOptions): Stop | undefined {
  const { vmx, onTransition, watches } = runner;
  const outcome = anyWatches(watches) ? watchTransition(runner.hardware, vmx, watches, enterGuest) : enterGuest(vmx);
  if (outcome === ENTERED) {
    if (runner.hardware.board.signalPending()) runner.look = true; // an INIT that waited in VMX root operation
    if (options.entries !== true && onTransition === undefined) return undefined;
    const entry = lastEntry(vmx.core) as VmEntry;
    onTransition?.({ entry });
    return options.entries === true ? { kind: 'vm-entry', entry } : undefined;
  }
  if (outcome === ENTRY_ABORT) return abortStop(vmx);
  if (outcome === ENTRY_VM_FAIL) {
    vmx.core.exports.finishVmx(vmx.finish);
    return vmx.failure === undefined ? failStop(vmx, options) : failureStop(vmx, options);
  }
  const stop = exitHappened(runner, undefined);
  return failureStop(vmx, options) ?? stop;
}

function failStop(vmx: Vmx, options: RunOptions): Stop | undefined {
  const { fail } = vmx;
  vmx.fail = undefined;
  return fail === undefined || options.vmFails === false ? undefined : { kind: 'vm-fail', fail };
}

function failureStop(vmx: Vmx, options: RunOptions): Stop | undefined {
  const { failure } = vmx;
  vmx.failure = undefined;
  return failure === undefined || options.entryFailures === false ? undefined : { kind: 'entry-failure', failure };
}

function abortStop(vmx: Vmx): Stop {
  const { indicator, explanation } = vmx.abort ?? { indicator: 0, explanation: 'VMX abort.' };
  return { kind: 'vmx-abort', indicator, explanation };
}
