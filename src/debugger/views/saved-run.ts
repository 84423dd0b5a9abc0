// A `.vmtrace` file answers the requests of the VM exits view, without a session.

import type { Machine } from '../../machine/types.ts';
import { fail } from '../expressions/errors.ts';
import { answerCsv, answerExits, answerPicture, type ExitSource } from './exit-answers.ts';
import { readTrace, type TraceHeader } from './trace-file.ts';

/** What the view sends with its requests. */
interface Body {
  readonly filter?: string;
  readonly start?: number;
  readonly count?: number;
  readonly bars?: boolean;
  readonly from?: number;
  readonly to?: number;
  readonly parts?: number;
}

export interface SavedRun extends TraceHeader {
  /** The body of an answer, or `error`. */
  answer(request: string, body: Body): object;
}

/** Conditions know `exit.*` alone: there is no machine. */
function noMachine(): Machine {
  return new Proxy({} as Machine, {
    get: () => () => fail('unavailable', 'A saved run knows exit.* alone: there is no machine.', 0, 1),
  });
}

/** @param bytes the file, unpacked */
export function openSavedRun(bytes: Uint8Array): SavedRun | { readonly error: string } {
  const trace = readTrace(bytes);
  if ('error' in trace) return trace;
  const { timeline, symbolOf, time, program } = trace;
  const source: ExitSource = {
    timeline,
    symbolOf,
    time,
    context: { machine: noMachine(), side: 'root', addressOf: () => undefined },
    memory: { filtered: undefined },
  };
  return {
    program,
    time,
    answer(request, { filter = '', start = 0, count = 100, bars = true, from = 0, to = time + 1, parts = 100 }) {
      switch (request) {
        case 'ringside/exits':
          return answerExits(source, filter, start, count, bars);
        case 'ringside/exitPicture':
          return answerPicture(source, filter, from, to, parts);
        case 'ringside/exitsCsv':
          return answerCsv(source, filter, start);
        default:
          return { error: `A saved run does not answer ${request}: it has no machine.` };
      }
    },
  };
}
