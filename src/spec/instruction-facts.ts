// Facts of an instruction by its mnemonic: flags, registers it uses without naming them, accesses to operands, features.
import { FACT_ROWS } from './generated/instruction-facts.ts';

export interface InstructionFacts {
  readonly flagsRead: readonly string[];
  readonly flagsWritten: readonly string[];
  readonly flagsCleared: readonly string[];
  readonly flagsSet: readonly string[];
  readonly flagsUndefined: readonly string[];
  /** Needs CPL 0, or an IOPL that allows it. */
  readonly privileged: boolean;
  readonly implicitReads: readonly string[];
  readonly implicitWrites: readonly string[];
  /** Letters by number of operands: `wr` writes the first and reads the second; `b` both reads and writes. */
  readonly accesses: ReadonlyMap<number, string>;
  /** Alternatives; `+` stands for "and". Empty: every processor with 64-bit mode. */
  readonly features: readonly string[];
}

const words = (text: string): string[] => (text === '-' ? [] : text.split(' '));

let byMnemonic: Map<string, string> | undefined;

function rows(): Map<string, string> {
  if (byMnemonic !== undefined) return byMnemonic;
  byMnemonic = new Map();
  for (const row of FACT_ROWS.trim().split('\n')) {
    const names = row.slice(row.lastIndexOf('|') + 1);
    for (const name of names.split(' ')) byMnemonic.set(name, row);
  }
  return byMnemonic;
}

const cache = new Map<string, InstructionFacts>();

/** The facts of a mnemonic in lower case by the manual's name, or undefined. */
export function instructionFacts(mnemonic: string): InstructionFacts | undefined {
  const known = cache.get(mnemonic);
  if (known !== undefined) return known;
  const row = rows().get(mnemonic);
  if (row === undefined) return undefined;
  const [read, written, cleared, set, undefinedFlags, privileged, implicit, accesses, features] = row.split('|') as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const [reads, writes] = implicit.split(' > ') as [string, string];
  const facts: InstructionFacts = {
    flagsRead: words(read),
    flagsWritten: words(written),
    flagsCleared: words(cleared),
    flagsSet: words(set),
    flagsUndefined: words(undefinedFlags),
    privileged: privileged === 'privileged',
    implicitReads: words(reads),
    implicitWrites: words(writes),
    accesses: new Map(words(accesses).map((text) => [Number(text[0]), text.slice(1)])),
    // On processors without PAUSE it is a NOP: nobody needs to ask.
    features: words(features).filter((feature) => feature !== 'PAUSE'),
  };
  cache.set(mnemonic, facts);
  return facts;
}
