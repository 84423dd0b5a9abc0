// What a `vCont` packet asks for, in all-stop mode: one thread steps at most, and the others run with it or stand still.
// Source: GDB manual, "Packets", vCont.

import type { Machine } from '../machine/types.ts';
import { readThread } from './threads.ts';

export interface Resumption {
  readonly kind: 'continue' | 'step' | 'range';
  /** Of `range`: the first linear address in it, and the first behind it. */
  readonly start: bigint;
  readonly end: bigint;
  /** The processor that is to go; undefined: the one that is selected. */
  readonly processor: number | undefined;
  /** The others stand still. */
  readonly alone: boolean;
}

export const SUPPORTED_ACTIONS = 'vCont;c;C;s;S;r';

const ACTION = /^([cs]|[CS][0-9a-fA-F]{2}|r([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,16}))(?::([^:]+))?$/;

/** `vCont;s:2;c`: undefined when it is not understood. */
export function readActions(machine: Machine, packet: string): Resumption | undefined {
  const actions = packet
    .split(';')
    .slice(1)
    .map((action) => ACTION.exec(action));
  const read = actions.flatMap((match): Resumption[] => {
    const thread = match?.[4] === undefined ? 'all' : readThread(machine, match[4]);
    if (match === null || thread === undefined) return [];
    const letter = (match[1] as string)[0]?.toLowerCase();
    return [
      {
        kind: letter === 'r' ? 'range' : letter === 's' ? 'step' : 'continue',
        start: BigInt(`0x${match[2] ?? '0'}`),
        end: BigInt(`0x${match[3] ?? '0'}`),
        processor: typeof thread === 'number' ? thread : undefined,
        alone: false,
      },
    ];
  });
  if (read.length === 0 || read.length < actions.length) return undefined;
  const chosen = read.find(({ kind }) => kind !== 'continue') ?? read[0];
  const going = new Set(read.map(({ processor }) => processor));
  const alone = machine.processors > 1 && going.size === 1 && !going.has(undefined);
  return chosen === undefined ? undefined : { ...chosen, alone };
}
