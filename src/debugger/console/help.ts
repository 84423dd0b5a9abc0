// help: what the debug console understands.

import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

const EXPRESSIONS = `Expressions: registers (rax, eax, guest.rip, host.cr3), VMCS fields (GUEST_CR0, GUEST_CR0.PG), MSRs (IA32_EFER),
exit.reason and other exit.* and entry.*, exit reasons (CPUID, EPT_VIOLATION), symbols, memory (qword[rsp], dword[gpa:0x1000]),
the operators of C, and assignments (rax = 1, GUEST_RIP += exit.length). A notation may follow: rax,d (x d s b o).
Addresses: plain numbers are linear addresses of the frame's side; gva: hva: guest- and host-linear, gpa: guest-physical,
hpa: host-physical, vmcs: bytes of the current VMCS region.`;

export const HELP: Command = {
  name: 'help',
  usage: 'help [COMMAND]',
  summary: 'what the debug console understands, or one command of it',
  help: 'NAME -help says the same as help NAME.',
  whileRunning: true,
  complete: (typed, { commands }) =>
    typed.words.length > 0
      ? []
      : commands.map(({ name, summary }) => ({ label: name, kind: 'function', detail: summary })),
  run: help,
};

function help({ commands }: CommandContext, { words }: CommandArguments): CommandAnswer {
  const [wanted] = words;
  if (wanted === undefined) {
    const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
    const rows = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
    return `${EXPRESSIONS}\nCommands (NAME -help says more):\n${rows.join('\n')}`;
  }
  const command = commands.find(({ name }) => name === wanted.toLowerCase());
  return command === undefined
    ? { error: `There is no command "${wanted}"; help alone lists all of them.` }
    : commandHelp(command);
}

/** Usage, summary and help of a command. */
export function commandHelp({ usage, summary, help: more }: Command): string {
  return `${usage}: ${summary}.${more === '' ? '' : `\n${more}`}`;
}
