// Why a VM exit happened that no instruction asked for: the control, the bitmap, the state behind it.

import type { VmExit } from '../../machine/types.ts';
import { hex } from '../format.ts';
import { type Guest, setting } from './guest.ts';
import type { Decider, WhyVerdict } from './types.ts';
import { exceptionDecider, exit } from './verdicts.ts';

const NMI = 2;

/** The verdict about an exit by an event; undefined for exits that an instruction asks for. */
export function eventVerdict(guest: Guest, event: VmExit): WhyVerdict | undefined {
  const reason = event.reason & 0xffff;
  if ((event.reason & 0x80000000) !== 0) {
    return exit(reason, 'The VM entry failed; a VM-entry failure loads the host state as a VM exit does.');
  }
  switch (reason) {
    case 0:
      return exceptionVerdict(guest, event);
    case 1:
      return byPin(guest, reason, 'external-interrupt exiting', 'An external interrupt exits');
    case 2:
      return exit(reason, 'A triple fault exits always: an exception during the delivery of a double fault.');
    case 3:
      return exit(reason, 'An INIT signal exits always.');
    case 7:
      return byPrimary(
        guest,
        reason,
        'interrupt-window exiting',
        'The guest could take an interrupt (RFLAGS.IF is 1 and nothing blocks)',
      );
    case 8:
      return byPrimary(guest, reason, 'NMI-window exiting', 'The guest has no virtual-NMI blocking');
    case 9:
      return exit(reason, 'A task switch exits always.');
    case 37:
      return byPrimary(guest, reason, 'monitor trap flag', 'One instruction ran, or an event was delivered');
    case 43:
      return byPrimary(
        guest,
        reason,
        'use TPR shadow',
        `The virtual task priority fell below the TPR threshold ${guest.field('TPR threshold')}`,
      );
    case 44:
      return bySecondary(
        guest,
        reason,
        'virtualize APIC accesses',
        `The guest accessed the APIC-access page ${hex(guest.field('APIC-access address'))}`,
      );
    case 45:
      return bySecondary(
        guest,
        reason,
        'virtual-interrupt delivery',
        `The guest ended interrupt ${hex(event.qualification & 0xffn)}, whose bit in the EOI-exit bitmap is 1`,
      );
    case 48:
      return bySecondary(guest, reason, 'enable EPT', 'The EPT does not allow the access; walk shows where it ends');
    case 49:
      return bySecondary(guest, reason, 'enable EPT', 'An EPT entry is misconfigured; walk shows which');
    case 52:
      return byPin(guest, reason, 'activate VMX-preemption timer', 'The VMX-preemption timer counted down to 0');
    case 56:
      return bySecondary(
        guest,
        reason,
        'APIC-register virtualization',
        `The guest wrote APIC register ${hex(event.qualification & 0xfffn)}, which the processor does not virtualize`,
      );
    case 62:
      return bySecondary(guest, reason, 'enable PML', 'The page-modification log is full (PML index out of range)');
    default:
      return undefined;
  }
}

function exceptionVerdict(guest: Guest, event: VmExit): WhyVerdict {
  const info = event.interruptionInfo >>> 0;
  const vector = info & 0xff;
  if (((info >>> 8) & 7) === NMI) return byPin(guest, 0, 'NMI exiting', 'An NMI exits');
  const error = event.interruptionError >>> 0;
  const { words, deciders } = exceptionDecider(guest, vector, error);
  return exit(0, `The exception exits because ${words}.`, deciders);
}

function byPin(guest: Guest, reason: number, name: Parameters<typeof setting<'pin'>>[2], what: string): WhyVerdict {
  return because(reason, setting(guest, 'pin', name).decider, name, what);
}

function byPrimary(
  guest: Guest,
  reason: number,
  name: Parameters<typeof setting<'primary'>>[2],
  what: string,
): WhyVerdict {
  return because(reason, setting(guest, 'primary', name).decider, name, what);
}

function bySecondary(
  guest: Guest,
  reason: number,
  name: Parameters<typeof setting<'secondary'>>[2],
  what: string,
): WhyVerdict {
  return because(reason, setting(guest, 'secondary', name).decider, name, what);
}

function because(reason: number, decider: Decider, name: string, what: string): WhyVerdict {
  const changed = decider.value === '1' ? '' : ' (the control has changed since)';
  return exit(reason, `${what}, and “${name}” is ${decider.value}${changed}.`, [decider]);
}
