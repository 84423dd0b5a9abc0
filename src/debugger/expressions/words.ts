// Names of what the machine records and counts, beside registers, fields and symbols.

/** Names of the last VM exit; `exit.*` speaks of the recorded exit, whatever the current VMCS is now. */
export const EXIT_EXPRESSIONS = [
  'exit.reason',
  'exit.qualification',
  'exit.length',
  'exit.instruction_info',
  'exit.interruption_info',
  'exit.interruption_error',
  'exit.idt_vectoring_info',
  'exit.idt_vectoring_error',
  'exit.guest_linear',
  'exit.guest_physical',
  'exit.number',
  'exit.processor',
  'exit.time',
  'exit.rip',
  'exit.vmcs',
] as const;
export const ENTRY_EXPRESSIONS = [
  'entry.number',
  'entry.time',
  'entry.rip',
  'entry.host_rip',
  'entry.injected',
  'entry.vmcs',
] as const;
export const OTHER_EXPRESSIONS = ['cpu', 'hits', 'time', 'exits', 'entries', 'vmcs', 'root'] as const;

/** Whether a name, in lower case, is one of a record or count: it can be read, and never assigned to. */
export function isRecorded(lower: string): boolean {
  return /^(?:exit|entry)\./.test(lower) || (OTHER_EXPRESSIONS as readonly string[]).includes(lower);
}
