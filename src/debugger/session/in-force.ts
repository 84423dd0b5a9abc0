// What of the breakpoints and filters the machine was told: addresses, watches, exit reasons.

import type { Machine, RunOptions } from '../../machine/types.ts';
import { type Breakpoint, breakpointAddresses, type BreakpointTable } from '../breakpoints.ts';
import { type FilterTable, REASON_TABLE_SIZE, wantsEvent } from '../exit-filters.ts';
import type { Wanted } from '../stepping.ts';
import { applyWatches, exitReasonsWanted, lookAtData, wantsEntries } from '../watchpoints.ts';

export interface InForce {
  readonly machine: Machine;
  readonly breakpoints: BreakpointTable;
  readonly filters: FilterTable;
  /** Addresses of the user's breakpoints. */
  addresses: ReadonlySet<bigint>;
  /** Whose each of the machine's watches is. */
  owners: readonly Breakpoint[];
  entriesWanted: boolean;
  exitReasons: { readonly filters: Uint8Array | undefined; readonly wanted: Uint8Array | undefined } | undefined;
  /** Of the table that all this was made of. */
  version: number;
  temporary: readonly bigint[] | undefined;
  withOwn: boolean;
  /** The addresses that the machine was told last. */
  told: string;
}

export function createInForce(machine: Machine, breakpoints: BreakpointTable, filters: FilterTable): InForce {
  return {
    machine,
    breakpoints,
    filters,
    addresses: new Set(),
    owners: [],
    entriesWanted: false,
    exitReasons: undefined,
    version: -1,
    temporary: undefined,
    withOwn: true,
    told: '',
  };
}

/** After the table changed. Answers the breakpoints that the machine refuses. */
export function update(force: InForce): readonly Breakpoint[] {
  const { machine, breakpoints } = force;
  if (force.version === breakpoints.version) return [];
  force.version = breakpoints.version;
  force.addresses = new Set(breakpointAddresses(breakpoints));
  force.temporary = undefined;
  const { owners, refused } = applyWatches(machine, breakpoints);
  force.owners = owners;
  force.exitReasons = undefined;
  force.entriesWanted = wantsEntries(breakpoints);
  lookAtData(machine, breakpoints);
  return refused;
}

/** Linear addresses at which the machine stops, with those of the user's breakpoints or alone. */
export function setAddresses(force: InForce, temporary: readonly bigint[], withOwn = true): void {
  update(force);
  if (temporary === force.temporary && withOwn === force.withOwn) return;
  force.temporary = temporary;
  force.withOwn = withOwn;
  const addresses = withOwn ? [...force.addresses, ...temporary] : temporary;
  const key = addresses.join();
  if (key === force.told) return;
  force.told = key;
  force.machine.setBreakpoints([...new Set(addresses)]);
}

/** What the user's filters and breakpoints and a plan ask for. */
export function runOptions(force: InForce, wanted: Wanted | undefined, everyExit: boolean): Omit<RunOptions, 'limit'> {
  const { filters } = force;
  return {
    exitReasons: wanted?.exits === true || everyExit ? EVERY_REASON : reasons(force),
    entries: wanted?.entries === true || force.entriesWanted || wantsEvent(filters, 'entry'),
    entryFailures: wanted?.failures === true || wantsEvent(filters, 'entry-failure'),
    vmFails: wanted?.failures === true || wantsEvent(filters, 'vm-fail'),
    tripleFaults: true,
  };
}

function reasons(force: InForce): Uint8Array | undefined {
  const filters = force.filters.exitReasons;
  if (force.exitReasons === undefined || force.exitReasons.filters !== filters) {
    force.exitReasons = { filters, wanted: exitReasonsWanted(force.breakpoints, filters) };
  }
  return force.exitReasons.wanted;
}

const EVERY_REASON = new Uint8Array(REASON_TABLE_SIZE).fill(1);
