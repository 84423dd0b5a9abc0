// Stops in words: VM exits with their qualification decoded, failed VM entries with every check, VMfail, fault chains.

import type { EntryFailure, FailedCheck, FaultRecord, Machine, VmExit, VmFail } from '../machine/types.ts';
import { type Image, lineAt, symbolAt } from '../program/image.ts';
import { EXCEPTIONS, vectorName } from '../spec/exceptions.ts';
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
import { exitReasonTitle } from './facts.ts';
import { hex, symbolText } from './format.ts';
import { instructionAt } from './instructions.ts';
import type { Cause } from './session.ts';

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
      return explainEntryFailure(cause.failure, image);
    case 'vm-fail':
      return explainVmFail(cause.fail, image);
    case 'triple-fault':
      return explainTripleFault(cause.faults, image);
    case 'vmx-abort':
      return { id: 'vmx-abort', title: `VMX abort ${cause.indicator}`, body: cause.explanation };
    case 'idle':
      return { id: 'idle', title: 'The processor waits for ever', body: cause.explanation };
    case 'unsimulated':
      return { id: 'unsimulated', title: 'Not simulated', body: cause.explanation };
    case 'internal-error':
      return { id: 'internal-error', title: 'Internal error', body: cause.explanation };
    case 'breakpoint':
      return cause.errors.length === 0
        ? undefined
        : { id: 'breakpoint', title: 'Breakpoint condition failed', body: cause.errors.join('\n') };
    default:
      return undefined;
  }
}

/** `0x100020 (guest+0x4, hello.asm:12)`. */
export function place(image: Image, address: bigint): string {
  const symbol = symbolAt(image, address);
  const line = lineAt(image, address);
  const words = [
    ...(symbol === undefined ? [] : [symbolText(symbol)]),
    ...(line === undefined ? [] : [`${line.path.replace(/^.*[/\\]/, '')}:${line.line}`]),
  ];
  return words.length === 0 ? hex(address) : `${hex(address)} (${words.join(', ')})`;
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
  return {
    id: `vm-exit-${row?.identifier ?? reason}`,
    title: `VM exit: ${exitReasonTitle(reason)}`,
    body: lines.join('\n'),
  };
}

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

/** A failed VM entry: all checks that do not hold, the one that the processor reports first. */
export function explainEntryFailure(failure: EntryFailure, image: Image): Explanation {
  const { outcome, checks } = failure;
  const reported =
    outcome.kind === 'vm-fail-valid'
      ? `VMfailValid, VM-instruction error ${outcome.error}${errorTitle(outcome.error)}`
      : `VM exit with reason ${outcome.reason & 0xffff} (${exitReasonTitle(outcome.reason)})${
          outcome.qualification === 0n ? '' : `, qualification ${outcome.qualification}`
        }`;
  const sorted = [...checks].sort((a, b) => Number(b.reported) - Number(a.reported));
  const count = checks.length === 1 ? '1 check fails' : `${checks.length} checks fail`;
  const title = `${failure.instruction} failed: ${count}`;
  const body = [
    `At ${place(image, failure.hostRip)}. The processor reports: ${reported}.`,
    ...sorted.map((check, index) => `\n${index + 1}. ${explainCheck(check)}`),
  ].join('\n');
  return { id: 'entry-failure', title, body };
}

function errorTitle(error: number): string {
  const row = vmInstructionError(error);
  return row === undefined ? '' : ` (${row.text})`;
}

/** One failed check: fields with values, rule, section, what would pass. */
export function explainCheck(check: FailedCheck): string {
  const fields = check.fields.map(
    (field) => `${field.name} = ${hex(field.value)}${field.bits === undefined ? '' : ` [${field.bits}]`}`,
  );
  return [
    `${fields.join(', ')}${check.reported ? '   ← reported by the processor' : ''}`,
    `   Rule: ${check.rule}`,
    `   SDM: ${check.citation}`,
    `   Fix: ${check.fix}`,
  ].join('\n');
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

export function explainTripleFault(faults: readonly FaultRecord[], image: Image): Explanation {
  const lines = faults.map((fault, index) => {
    const error = fault.error === undefined ? '' : `, error code ${hex(fault.error)}`;
    const address = fault.cr2 === undefined ? '' : `, address ${hex(fault.cr2)}`;
    return `${index + 1}. ${vectorName(fault.vector)}${exceptionTitle(fault.vector)}${error}${address} at ${place(image, fault.rip)}`;
  });
  const body =
    lines.length === 0
      ? 'An exception during the delivery of a double fault.'
      : `The faults that led there, first to last:\n${lines.join('\n')}`;
  return { id: 'triple-fault', title: 'Triple fault: the processor shut down', body };
}

function exceptionTitle(vector: number): string {
  const row = Object.values(EXCEPTIONS).find((candidate) => candidate.vector === vector);
  return row === undefined ? '' : ` (${row.name})`;
}
