// Sequences of random instructions, laid out in the code area of space.ts.

import { littleEndian } from './encoder.ts';
import { INSTRUCTIONS, type Row } from './instructions.ts';
import type { Writer } from './operands.ts';
import { below, between, chance, next, pick, type Random, value } from './random.ts';
import { BASE_16, BLOCK_RESERVED, CODE, CODE_BLOCK, DF, EXIT, type Mode, STACK, STATUS } from './space.ts';

export interface Item {
  readonly name: string;
  /** Offset and length in the sequence, what takes undefined flags away included. */
  readonly offset: number;
  readonly length: number;
  readonly undefinedFlags: number;
  readonly flagsLostByFault: boolean;
  readonly tagsLostByFault: boolean;
}

export interface Sequence {
  readonly address: number;
  readonly mode: Mode;
  readonly gsProfile: number;
  readonly flags: number;
  readonly registers: readonly bigint[];
  readonly bytes: readonly number[];
  readonly items: readonly Item[];
  /** The x87 and SSE registers to begin with, as FXSAVE stores them. */
  readonly state?: Uint8Array;
}

/** How sequences are made. */
export interface Recipe {
  readonly rows: readonly Row[];
  /** At most so many instructions of the rows in a sequence. */
  readonly most: number;
  readonly state?: (random: Random) => Uint8Array;
}

const INTEGER: Recipe = { rows: INSTRUCTIONS, most: 10 };

const LONGEST = 1024;

/** PUSHF, AND [stack pointer], ~flags, POPF: so that undefined flags do not spread. */
function clearFlags(mode: Mode, flags: number): number[] {
  const mask = littleEndian(BigInt(~flags), mode === 16 ? 2 : 4);
  if (mode === 64) return [0x9c, 0x48, 0x81, 0x24, 0x24, ...mask, 0x9d];
  if (mode === 32) return [0x9c, 0x81, 0x24, 0x24, ...mask, 0x9d];
  return [0x9c, 0x67, 0x81, 0x24, 0x24, ...mask, 0x9d];
}

function stackPointer(random: Random, mode: Mode): bigint {
  const linear = STACK + (chance(random, 95) ? 8 * between(random, 0x60, 0x1e0) : below(random, 0x1000));
  return BigInt(mode === 16 ? linear - BASE_16 : linear);
}

function initialRegisters(random: Random, mode: Mode): bigint[] {
  const registers: bigint[] = [];
  for (let i = 0; i < 16; i++) {
    if (i === 4) registers.push(stackPointer(random, mode));
    else if (mode === 64) registers.push(value(random));
    else registers.push(i < 8 ? BigInt.asUintN(32, value(random)) : 0n);
  }
  return registers;
}

/** Every row in turn, in random order, so that a run of some length meets each of them about as often. */
export interface Deck {
  readonly rows: readonly Row[];
  rest: Row[];
}

function draw(random: Random, deck: Deck, mode: Mode): Row {
  for (let tries = 0; tries < 50; tries++) {
    if (deck.rest.length === 0) deck.rest = [...deck.rows];
    const at = below(random, deck.rest.length);
    const row = deck.rest[at]!;
    if (!row.modes.includes(mode)) continue;
    deck.rest[at] = deck.rest.at(-1)!;
    deck.rest.pop();
    return row;
  }
  return pick(
    random,
    deck.rows.filter((row) => row.modes.includes(mode)),
  );
}

function sequenceAt(random: Random, deck: Deck, recipe: Recipe, start: number): Sequence {
  const mode = pick(random, [64, 64, 64, 32, 32, 16] as const);
  const gsProfile = below(random, 3);
  const w: Writer = { random, mode, gsProfile, bytes: [], start };
  const flags = 0x202 | (next(random) & STATUS) | (chance(random, 10) ? DF : 0);
  const registers = initialRegisters(random, mode);
  const items: Item[] = [];
  for (let count = between(random, 3, recipe.most); count > 0; count--) {
    const row = draw(random, deck, mode);
    const offset = w.bytes.length;
    const undefinedFlags = row.emit(w);
    if (undefinedFlags) w.bytes.push(...clearFlags(mode, undefinedFlags));
    items.push({
      name: row.name,
      offset,
      length: w.bytes.length - offset,
      undefinedFlags,
      flagsLostByFault: row.flagsLostByFault,
      tagsLostByFault: row.tagsLostByFault ?? false,
    });
  }
  const exit = start - ((start - CODE) % CODE_BLOCK) + EXIT[mode];
  const size = mode === 16 ? 2 : 4;
  w.bytes.push(0xe9, ...littleEndian(BigInt(exit - (start + w.bytes.length + 1 + size)), size));
  const state = recipe.state?.(random);
  return { address: start, mode, gsProfile, flags, registers, bytes: w.bytes, items, ...(state ? { state } : {}) };
}

/** `count` sequences one behind the other, so that many instructions cross pages; the result depends on the seed alone. */
export function generate(seed: number, count: number, recipe = INTEGER): Sequence[] {
  const random: Random = { state: seed };
  const deck: Deck = { rows: recipe.rows, rest: [] };
  const sequences: Sequence[] = [];
  let address = CODE + BLOCK_RESERVED;
  while (sequences.length < count) {
    if (((address - CODE) % CODE_BLOCK) + LONGEST > CODE_BLOCK)
      address += CODE_BLOCK + BLOCK_RESERVED - ((address - CODE) % CODE_BLOCK);
    const sequence = sequenceAt(random, deck, recipe, address);
    if (sequence.bytes.length > LONGEST) throw new Error(`a sequence of ${sequence.bytes.length} bytes`);
    sequences.push(sequence);
    address += sequence.bytes.length;
  }
  return sequences;
}

/** What memory holds before each sequence: noise, and stretches that repeat so that comparisons find equals. */
export function memoryPattern(seed: number, bytes: number): Uint8Array {
  const random: Random = { state: seed ^ 0x5bd1e995 };
  const pattern = new Uint8Array(bytes);
  for (let at = 0; at < bytes; ) {
    const length = between(random, 16, 160);
    const fill = pick(random, [-1, -1, 0, 0x55, 0xff]);
    for (let i = 0; i < length && at < bytes; i++, at++) pattern[at] = fill < 0 ? next(random) : fill;
  }
  return pattern;
}
