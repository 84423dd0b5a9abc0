// Words that the debug console understands beside expressions.

import { explainCause, explainExit } from './explain.ts';
import type { Session } from './session.ts';

interface Command {
  readonly name: string;
  readonly summary: string;
  readonly run: (session: Session) => string;
}

const COMMANDS: readonly Command[] = [
  { name: 'help', summary: 'what the debug console understands', run: () => HELP },
  { name: 'explain', summary: 'why the machine stopped, in words', run: explainStop },
];

const HELP = `Expressions: registers (rax, eax, guest.rip, host.cr3), VMCS fields (GUEST_CR0, GUEST_CR0.PG), MSRs (IA32_EFER),
exit.reason and other exit.* and entry.*, exit reasons (CPUID, EPT_VIOLATION), symbols, memory (qword[rsp], dword[gpa:0x1000]),
the operators of C, and assignments (rax = 1, GUEST_RIP += exit.length). A notation may follow: rax,d (x d s b o).
Addresses: plain numbers are linear addresses of the frame's side; gva: hva: guest- and host-linear, gpa: guest-physical,
hpa: host-physical, vmcs: bytes of the current VMCS region.
Commands: explain (why the machine stopped), help.`;

export function commandNames(): readonly { readonly name: string; readonly summary: string }[] {
  return COMMANDS;
}

/** The answer to a command; undefined when the text is not one. */
export function runCommand(text: string, session: Session): string | undefined {
  const name = text.trim().toLowerCase();
  return COMMANDS.find((command) => command.name === name)?.run(session);
}

function explainStop(session: Session): string {
  const { machine, image, cause } = session;
  const exit = machine.lastExit();
  const explanation =
    (cause === undefined ? undefined : explainCause(cause, machine, image)) ??
    (exit === undefined ? undefined : explainExit(exit, machine, image, false));
  if (explanation === undefined) return 'There was no VM exit yet, and no failure: nothing to explain.';
  return `${explanation.title}\n${explanation.body}`;
}
