// The places where a processor stood, from now backwards: found in pieces by running each piece again, step by step. Places of
// other processors, which run between, are left out.

import type { Moment } from '../../machine/history/types.ts';
import type { DecodedInstruction } from '../instructions.ts';
import { currentPosition, instructionHere, type Position } from '../position.ts';
import { before, goTo, type Traveller } from './traveller.ts';

/** Where a processor stood, just before it ran on. */
export interface Place {
  readonly processor: number;
  readonly moment: Moment;
  readonly position: Position;
  /** The instruction that runs next. */
  readonly instruction: DecodedInstruction | undefined;
}

const FIRST_PIECE = 16;
const LARGEST_PIECE = 4096;

export interface Past {
  /** The place before a moment; undefined at the start of what is recorded. Moves the machine. */
  before(moment: Moment): Promise<Place | undefined>;
}

export function createPast(traveller: Traveller): Past {
  const processor = traveller.machine.processor();
  /** Oldest first, without gaps, up to the moment `end`. */
  let places: Place[] = [];
  let end: Moment = { time: -1, events: 0 };
  let size = FIRST_PIECE;
  return {
    async before(moment) {
      const sameEnd = !before(end, moment) && !before(moment, end);
      let index = sameEnd ? places.length : places.findIndex((place) => !before(place.moment, moment));
      if (index <= 0) {
        const follows = places[0] !== undefined && index === 0 && !before(moment, places[0].moment);
        size = follows ? Math.min(4 * size, LARGEST_PIECE) : FIRST_PIECE;
        places = await piece(traveller, processor, moment, size);
        end = moment;
        index = places.length;
      }
      traveller.machine.select(processor);
      return places[index - 1];
    },
  };
}

export function placeHere(traveller: Traveller): Place {
  const { machine } = traveller;
  const position = currentPosition(machine);
  const instruction = instructionHere(machine, position);
  return { processor: machine.processor(), moment: machine.history.now(), position, instruction };
}

/** Goes to where a processor stood, and looks at that processor. */
export async function goToPlace(traveller: Traveller, { moment, processor }: Place): Promise<void> {
  await goTo(traveller, moment);
  traveller.machine.select(processor);
}

/** The places of some `size` instructions before a moment; more when nothing happened meanwhile. Empty: there is no past. */
async function piece(traveller: Traveller, processor: number, end: Moment, size: number): Promise<Place[]> {
  const { machine } = traveller;
  const { history } = machine;
  const first = history.first();
  let until = end;
  for (let length = size; ; length *= 4) {
    if (!before(first, until)) return [];
    const time = Math.max(first.time, until.time - length);
    await goTo(traveller, time === first.time ? first : { time, events: 0 });
    const { from, until: idleUntil } = history.idle();
    if (idleUntil === machine.time() && from < idleUntil && from > first.time) {
      // In the middle of a wait: the place is where it began.
      until = { time: from, events: Number.MAX_SAFE_INTEGER };
      await goTo(traveller, { time: Math.max(first.time, from - length), events: 0 });
    }
    const places: Place[] = [];
    while (before(history.now(), until)) {
      // The processor's turn may come with the next step.
      machine.select(processor);
      const place = placeHere(traveller);
      const idle = history.idle();
      const waiting = idle.until === place.moment.time && idle.from < idle.until && place.moment.time > first.time;
      history.quietly(() => history.step());
      if (!waiting && machine.processor() === processor) places.push(place);
      const now = history.now();
      if (!before(place.moment, now)) break;
      await traveller.breathe();
    }
    if (places.length > 0) return places;
    if (time === first.time) return [];
  }
}
