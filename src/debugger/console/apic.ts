// apic, ioapic and pic: the interrupt controllers, without a side effect.

import { type InterruptRow, ioApicRows, localApicRows, picRows, rowText, virtualApicRows } from '../interrupt-rows.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

export const APIC: Command = {
  name: 'apic',
  usage: 'apic [PROCESSOR]',
  summary: 'the local APIC: priorities, interrupts that wait and are in service, LVT, timer; and the virtual APIC',
  help: `Registers are shown as software would read them; looking changes nothing. IRR, ISR and TMR are lists of vectors.
With “use TPR shadow” the virtual-APIC page of the current VMCS follows: VTPR, and with virtual-interrupt delivery RVI, SVI, VIRR and VISR.
PROCESSOR is a number; without it, the one that the debugger looks at.`,
  run: apic,
};

export const IOAPIC: Command = {
  name: 'ioapic',
  usage: 'ioapic',
  summary: 'the I/O APIC: its pins that are not masked',
  help: 'A redirection entry in words: vector, delivery, destination, trigger, and whether the line is up.',
  run: ({ session }) => lines(ioApicRows(session.machine.peekInterrupts().ioApic)),
};

export const PIC: Command = {
  name: 'pic',
  usage: 'pic',
  summary: 'the two 8259 interrupt controllers: inputs that ask, in service, open',
  help: '',
  run: ({ session }) => lines(picRows(session.machine.peekInterrupts().pics)),
};

function apic({ session: { machine } }: CommandContext, { words }: CommandArguments): CommandAnswer {
  const [word] = words;
  const selected = machine.processor();
  const wanted = word === undefined ? selected : Number(word);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted >= machine.processors) {
    return { error: `"${word}" is no processor: there are ${machine.processors}, numbered from 0.` };
  }
  try {
    machine.select(wanted);
    const virtual = virtualApicRows(machine);
    const shown = `Local APIC of CPU ${wanted}\n${lines(localApicRows(machine))}`;
    return virtual === undefined ? shown : `${shown}\nVirtual APIC of the current VMCS\n${lines(virtual)}`;
  } finally {
    machine.select(selected);
  }
}

function lines(rows: readonly InterruptRow[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map((row) => `  ${row.name.padEnd(width)}  ${rowText(row)}`).join('\n');
}
