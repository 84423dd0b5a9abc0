// Who wrote this? Back to the instruction, VM entry or VM exit that wrote memory, a register, an MSR or a VMCS field last.

import type { Moment } from '../../machine/history/types.ts';
import type { Watch } from '../../machine/types.ts';
import type { Subject } from '../subjects.ts';
import { shownValue } from '../watchpoints.ts';
import { createPast, goToPlace } from './past.ts';
import { searchBack } from './search.ts';
import { goTo, type Journey } from './traveller.ts';

const QUIET = { entryFailures: false, vmFails: false, tripleFaults: false } as const;

/** Back to just before the last write of something; where it was never written, nowhere. */
export function lastWrite(subject: Subject): Journey {
  return async (traveller) => {
    const { machine } = traveller;
    const { history } = machine;
    const origin = history.now();
    const own = machine.watches();
    traveller.setBreakpoints([], false);
    const refusal = machine.setWatches(subject.watches);
    if (refusal !== undefined) {
      machine.setWatches(own);
      return { kind: 'jump', text: refusal.explanation };
    }
    const page = physicalPage(subject.watches);
    const found = await searchBack(traveller, {
      options: QUIET,
      inclusive: true,
      accept: (stop) =>
        stop.kind === 'watch' && stop.hits.some((hit) => hit.access !== 'read')
          ? { before: stop.before, value: stop.before ? undefined : subject.read?.(machine) }
          : undefined,
      ...(page === undefined ? {} : { possible: (from: Moment, to: Moment) => history.mayHaveWritten(page, from, to) }),
    }).finally(() => machine.setWatches(own));
    if (found === undefined) {
      await goTo(traveller, origin);
      return { kind: 'jump', text: `${subject.text} was not written since the recorded past begins.` };
    }
    const { before } = found.what;
    const place = before ? undefined : await createPast(traveller).before(found.moment);
    if (place === undefined) await goTo(traveller, found.moment);
    else await goToPlace(traveller, place);
    const was = subject.read?.(machine);
    const is = found.what.value;
    const change =
      was === undefined || is === undefined
        ? ''
        : was === is
          ? ` It was ${shownValue(is)} already.`
          : ` It was ${shownValue(was)} and becomes ${shownValue(is)}.`;
    return { kind: 'jump', text: `The next step is the last that wrote ${subject.text}.${change}` };
  };
}

/** The one page that the watches lie in, when they are on one page of host-physical memory. */
function physicalPage(watches: readonly Watch[]): number | undefined {
  const [watch] = watches;
  if (watches.length !== 1 || watch?.kind !== 'memory' || watch.space !== 'host-physical') return undefined;
  const first = watch.address >> 12n;
  return (watch.address + BigInt(watch.size) - 1n) >> 12n === first ? Number(first) : undefined;
}
