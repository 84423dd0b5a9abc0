// why: whether the instruction at an address would exit, and why a VM exit happened. Data here, words in text.ts.

import type { Machine, VmExit } from '../../machine/types.ts';
import { guestLinear } from '../explain.ts';
import { MAX_LENGTH } from '../instructions.ts';
import { eventVerdict } from './events.ts';
import { type Guest, guestOf, setting } from './guest.ts';
import { decodeForWhy, type WhyInstruction } from './instruction.ts';
import { effectiveAddress, RULES } from './rules.ts';
import type { WhyVerdict } from './types.ts';
import { stay } from './verdicts.ts';

export interface WhyAnswer {
  /** What it is about. */
  readonly subject: 'instruction' | 'exit';
  readonly address: bigint;
  readonly text: string;
  readonly verdict: WhyVerdict;
  /** What else could make it exit, in whole sentences. */
  readonly notes: readonly string[];
  readonly exit?: VmExit;
}

export type WhyResult =
  | { readonly ok: true; readonly answer: WhyAnswer }
  | { readonly ok: false; readonly error: string };

const NO_VMCS = 'There is no current VMCS: without one there is no guest and no VM-execution control.';

/** The guest's instruction at a linear address, as the controls and registers are now. */
export function whyInstruction(machine: Machine, address: bigint): WhyResult {
  if (machine.currentVmcs() === undefined) return { ok: false, error: NO_VMCS };
  const guest = guestOf(machine);
  const instruction = decodeForWhy(machine.peekLinear('non-root', address, MAX_LENGTH), address, guest.bits);
  if (instruction === undefined) {
    return { ok: false, error: `The guest's memory at 0x${address.toString(16)} cannot be read: walk shows why.` };
  }
  return {
    ok: true,
    answer: {
      subject: 'instruction',
      address,
      text: instruction.text,
      verdict: instructionVerdict(guest, instruction),
      notes: notesOf(guest, instruction),
    },
  };
}

/** A VM exit, whose VMCS is current. */
export function whyExit(machine: Machine, exit: VmExit): WhyResult {
  if (machine.currentVmcs() !== exit.vmcs) {
    return {
      ok: false,
      error: `VM exit ${exit.number} left another VMCS than the current one: its controls cannot be read.`,
    };
  }
  const guest = guestOf(machine);
  const address = guestLinear(exit, machine);
  const bytes = machine.peekLinear('non-root', address, MAX_LENGTH);
  const instruction = decodeForWhy(bytes, address, guest.bits);
  const event = eventVerdict(guest, exit);
  const verdict = event ?? (instruction === undefined ? undefined : instructionVerdict(guest, instruction));
  const reason = exit.reason & 0xffff;
  const agrees = verdict !== undefined && verdict.outcome.kind === 'exit' && verdict.outcome.reason === reason;
  const notes = agrees
    ? []
    : ['Registers, controls or bitmaps have changed since the VM exit: with what they are now it would not happen.'];
  return {
    ok: true,
    answer: {
      subject: 'exit',
      address,
      text: instruction?.text ?? '',
      verdict: verdict ?? stay('The guest’s instruction cannot be read any more.'),
      notes,
      exit,
    },
  };
}

/** What the rule of the instruction says. */
export function instructionVerdict(guest: Guest, instruction: WhyInstruction): WhyVerdict {
  const rule = RULES[instruction.mnemonic];
  const verdict = rule?.(guest, instruction);
  if (verdict !== undefined) return verdict;
  const memory =
    instruction.memory === undefined
      ? ''
      : ' What it reads or writes may still cause a page fault or an EPT violation.';
  return stay(`No VM-execution control is about this instruction.${memory}`, [], instruction.memory !== undefined);
}

function notesOf(guest: Guest, instruction: WhyInstruction): string[] {
  const notes: string[] = [];
  if (setting(guest, 'primary', 'monitor trap flag').on)
    notes.push('“Monitor trap flag” is 1: a VM exit follows the instruction in any case.');
  const address = effectiveAddress(guest, instruction);
  const walk = address === undefined ? undefined : guest.machine.walkLinear('non-root', address);
  if (walk !== undefined && !walk.result.ok && address !== undefined && instruction.mnemonic !== 'Lea') {
    notes.push(`Its memory operand is at 0x${address.toString(16)}: ${walk.result.explanation}.`);
  }
  return notes;
}
