// Stops in words: VM exits with their qualification decoded, failed VM entries with every check, VMfail, fault chains.

import type { EntryFailure, FaultRecord, Machine, Side, VmExit, VmFail } from '../machine/types.ts';
import type { Image } from '../program/image.ts';
import { describeQualification } from '../spec/exit-qualifications.ts';
import { exitReason } from '../spec/exit-reasons.ts';
import {
  describeInterruption,
  EXIT_INTERRUPTION_INFORMATION,
  IDT_VECTORING_INFORMATION,
} from '../spec/interruption-info.ts';
import { msrByIndex } from '../spec/msrs.ts';
import { controlMask } from '../spec/controls.ts';
import { vmInstructionError } from '../spec/vm-instruction-errors.ts';
import { vmcsEncoding } from '../spec/vmcs-fields.ts';
import { checkList, outcomeText, type Writers, writersOf } from './checks.ts';
import { exitReasonTitle } from './facts.ts';
import { simdCause } from './fault-simd.ts';
import { faultChain, faultChainText } from './fault-chain.ts';
import { hex } from './format.ts';
import { instructionAt } from './instructions.ts';
import { place } from './place.ts';
import { exitWalkText } from './walk-text.ts';
import type { Cause } from './session/cause.ts';

/** An explanation: `id` names the kind for tools, `title` is one line, `body` the rest. */
export interface Explanation {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

/** What a person reads about a stop; undefined for stops that need no words (steps, pauses, breakpoints). */
export function explainCause(cause: Cause, machine: Machine, image: Image): Explanation | undefined {
  const errors = 'errors' in cause && cause.errors.length > 0 ? `\n${cause.errors.join('\n')}` : '';
  const explanation = explainEvent(cause, machine, image);
  return explanation === undefined ? undefined : { ...explanation, body: explanation.body + errors };
}

function explainEvent(cause: Cause, machine: Machine, image: Image): Explanation | undefined {
  switch (cause.kind) {
    case 'vm-exit':
      return explainExit(cause.exit, machine, image, true);
    case 'vm-entry':
      return {
        id: 'vm-entry',
        title: `VM entry ${cause.entry.number}: ${cause.entry.instruction}`,
        body: `The guest continues at ${place(image, cause.entry.guestRip)}.`,
      };
    case 'entry-failure':
      return explainEntryFailure(cause.failure, image, writersOf(machine));
    case 'vm-fail':
      return explainVmFail(cause.fail, image);
    case 'triple-fault':
      return explainTripleFault(cause.faults, machine, image);
    case 'vmx-abort':
      return {
        id: 'vmx-abort',
        title: `VMX abort ${cause.indicator}`,
        body: explainAbort(cause.explanation, machine, image),
      };
    case 'idle':
      return { id: 'idle', title: 'The processor waits for ever', body: cause.explanation };
    case 'unsimulated':
      return { id: 'unsimulated', title: 'Not simulated', body: cause.explanation };
    case 'internal-error':
      return { id: 'internal-error', title: 'Internal error', body: cause.explanation };
    case 'assertion':
      return { id: 'assertion', title: cause.text.split('\n')[0] ?? '', body: cause.text };
    case 'watch':
      return { id: 'watch', title: cause.text.split('\n')[0] ?? '', body: cause.text };
    case 'breakpoint':
      return cause.errors.length === 0
        ? undefined
        : { id: 'breakpoint', title: 'Breakpoint condition failed', body: cause.errors.join('\n') };
    default:
      return undefined;
  }
}

/** Guest RIP of an exit; outside 64-bit code with the linear address, which is where symbols are. */
export function guestPlace(exit: VmExit, machine: Machine, image: Image): string {
  const linear = guestLinear(exit, machine);
  return linear === exit.guestRip ? place(image, linear) : `${hex(exit.guestRip)}, linear ${place(image, linear)}`;
}

/** Linear address of the guest's RIP at an exit, while its VMCS is current; otherwise RIP itself. */
export function guestLinear(exit: VmExit, machine: Machine): bigint {
  if (machine.currentVmcs() !== exit.vmcs) return exit.guestRip;
  const rights = machine.readVmcs(vmcsEncoding('Guest CS access rights')) ?? 0n;
  const longMode =
    ((machine.readVmcs(vmcsEncoding('VM-entry controls')) ?? 0n) & controlMask('entry', 'IA-32e mode guest')) !== 0n;
  if (longMode && (rights & CS_LONG) !== 0n) return exit.guestRip;
  return BigInt.asUintN(32, (machine.readVmcs(vmcsEncoding('Guest CS base')) ?? 0n) + exit.guestRip);
}

/** L in the access rights of CS: 64-bit code. */
const CS_LONG = 0x2000n;

const HARDWARE_EXCEPTION = 3;

/** Why the guest's instruction faulted, where more is known than the exception's name. */
function exceptionCause(exit: VmExit, machine: Machine): string | undefined {
  const info = exit.interruptionInfo;
  if (machine.currentVmcs() !== exit.vmcs || ((info >>> 8) & 7) !== HARDWARE_EXCEPTION) return undefined;
  const fault = {
    vector: info & 0xff,
    error: info & 0x800 ? exit.interruptionError >>> 0 : undefined,
    rip: exit.guestRip,
    linear: guestLinear(exit, machine),
    cr2: undefined,
  };
  return simdCause(fault, machine, 'non-root');
}

/** The exit qualification in words; empty when it says nothing. */
export function qualificationText(exit: VmExit): string {
  return describeQualification(exit.reason & 0xffff, exit.qualification, exit.interruptionInfo);
}

/**
 * A VM exit.
 *
 * @param fresh the exit handler has not run yet, so the general registers still are the guest's
 */
export function explainExit(exit: VmExit, machine: Machine, image: Image, fresh: boolean): Explanation {
  const reason = exit.reason & 0xffff;
  const row = exitReason(reason);
  const lines: string[] = [];
  const qualification = qualificationText(exit);
  const operands = fresh ? operandText(exit, machine) : '';
  if (qualification !== '') lines.push(`Qualification: ${qualification} (${hex(exit.qualification)})`);
  if (operands !== '') lines.push(operands);
  lines.push(`Guest RIP: ${guestPlace(exit, machine, image)}`);
  if (row?.instruction === true) {
    const instruction = fresh ? guestInstruction(machine, exit) : undefined;
    lines.push(`Instruction: ${instruction === undefined ? '' : `${instruction}, `}${exit.instructionLength} bytes`);
  }
  if (exit.interruptionInfo >>> 31 === 1) {
    const error = exit.interruptionInfo & 0x800 ? `, error code ${hex(exit.interruptionError >>> 0)}` : '';
    lines.push(
      `Event: ${describeInterruption(EXIT_INTERRUPTION_INFORMATION, BigInt(exit.interruptionInfo >>> 0))}${error}`,
    );
    const cause = fresh ? exceptionCause(exit, machine) : undefined;
    if (cause !== undefined) lines.push(`Cause: ${cause}.`);
  }
  if (exit.idtVectoringInfo >>> 31 === 1) {
    const error = exit.idtVectoringInfo & 0x800 ? `, error code ${hex(exit.idtVectoringError >>> 0)}` : '';
    lines.push(
      `While delivering: ${describeInterruption(IDT_VECTORING_INFORMATION, BigInt(exit.idtVectoringInfo >>> 0))}${error}`,
    );
  }
  if (row?.class === 'memory') {
    lines.push(`Guest-physical address: ${hex(exit.guestPhysical)}`);
    if (reason === EPT_VIOLATION && (exit.qualification & 0x80n) !== 0n)
      lines.push(`Guest-linear address: ${hex(exit.guestLinear)}`);
  }
  const walk = fresh ? exitWalkText(exit, machine) : '';
  if (walk !== '') lines.push(walk);
  if (reason === TRIPLE_FAULT && fresh) lines.push(tripleFaultText(machine.faults(), machine, image, 'non-root'));
  return {
    id: `vm-exit-${row?.identifier ?? reason}`,
    title: `VM exit: ${exitReasonTitle(reason)}`,
    body: lines.join('\n'),
  };
}

const TRIPLE_FAULT = 2;
const EPT_VIOLATION = 48;

/** What the guest asked for in registers, for the exits whose meaning is there. */
export function operandText(exit: VmExit, machine: Machine): string {
  const low = (name: string): bigint => BigInt.asUintN(32, machine.readRegister(name) ?? 0n);
  const msr = (): string => {
    const index = Number(low('rcx'));
    return msrByIndex(index)?.name ?? `MSR ${hex(index)}`;
  };
  switch (exitReason(exit.reason)?.identifier) {
    case 'CPUID':
      return `CPUID leaf ${hex(low('rax'))}, subleaf ${hex(low('rcx'))}`;
    case 'RDMSR':
      return `RDMSR of ${msr()}`;
    case 'WRMSR':
      return `WRMSR of ${msr()} with ${hex((low('rdx') << 32n) | low('rax'))}`;
    case 'VMCALL':
      return `VMCALL with RAX ${hex(machine.readRegister('rax') ?? 0n)}`;
    case 'XSETBV':
      return `XSETBV of XCR${low('rcx')} with ${hex((low('rdx') << 32n) | low('rax'))}`;
    default:
      return '';
  }
}

function guestInstruction(machine: Machine, exit: VmExit): string | undefined {
  if (machine.side() !== 'root' || machine.currentVmcs() !== exit.vmcs) return undefined;
  const at = { space: { kind: 'linear', side: 'non-root' }, address: guestLinear(exit, machine) } as const;
  const decoded = instructionAt(machine, at, machine.codeBits('non-root'));
  return decoded === undefined || decoded.flow === 'invalid' ? undefined : decoded.text;
}

/** A failed VM entry: every check that does not hold, in the order in which the processor tests. */
export function explainEntryFailure(failure: EntryFailure, image: Image, writers: Writers): Explanation {
  const { checks } = failure;
  const count = checks.length === 1 ? '1 check fails' : `${checks.length} checks fail`;
  const head = `At ${place(image, failure.hostRip)}. The processor reports: ${outcomeText(failure.outcome)}.`;
  return {
    id: 'entry-failure',
    title: `${failure.instruction} failed: ${count}`,
    body: `${head}\n\n${checkList(checks, writers, image)}`,
  };
}

/** A VMX abort: what could not be done, and the VM exit in which it happened. */
function explainAbort(explanation: string, machine: Machine, image: Image): string {
  const exit = machine.lastExit();
  if (exit === undefined) return explanation;
  const { title, body } = explainExit(exit, machine, image, false);
  return `${explanation}\nIt happened during VM exit ${exit.number}, after the guest's state was saved.\n${title}\n${body}`;
}

export function explainVmFail(fail: VmFail, image: Image): Explanation {
  const row = fail.error === undefined ? undefined : vmInstructionError(fail.error);
  const kind = fail.error === undefined ? 'VMfailInvalid' : `VMfailValid, VM-instruction error ${fail.error}`;
  const lines = [
    `At ${place(image, fail.rip)}: ${kind}${row === undefined ? '' : ` (${row.text})`}.`,
    fail.explanation,
  ];
  if (row !== undefined && row.hint !== fail.explanation) lines.push(row.hint);
  return { id: 'vm-fail', title: `${fail.instruction} failed: ${kind}`, body: lines.join('\n') };
}

/** A triple fault of a side: the chain of faults that led there. */
export function explainTripleFault(
  faults: readonly FaultRecord[],
  machine: Machine,
  image: Image,
  side: Side = machine.side(),
): Explanation {
  return {
    id: 'triple-fault',
    title: 'Triple fault: the processor shut down',
    body: tripleFaultText(faults, machine, image, side),
  };
}

function tripleFaultText(faults: readonly FaultRecord[], machine: Machine, image: Image, side: Side): string {
  if (faults.length === 0) return 'An exception during the delivery of a double fault.';
  return `The faults that led there, first to last:\n${faultChainText(faultChain(faults, machine, side), image)}`;
}
