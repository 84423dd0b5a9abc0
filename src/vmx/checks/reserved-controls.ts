// The check that all control words share: each bit is at a setting that the capability MSRs allow.

import { bitPositions, hex } from '../../spec/bits.ts';
import { CONTROL_WORDS, type ControlWord } from '../../spec/controls.ts';
import { msrByIndex } from '../../spec/msrs.ts';
import { allowedSettings, type CapabilityProfile } from '../capabilities.ts';
import { activated } from './state.ts';
import type { EntryState, SectionCheck } from './types.ts';

const settings = new WeakMap<CapabilityProfile, Map<ControlWord, ReturnType<typeof allowedSettings>>>();

function settingsOf(v: EntryState, word: ControlWord): ReturnType<typeof allowedSettings> {
  let words = settings.get(v.env.profile);
  if (words === undefined) {
    words = new Map();
    settings.set(v.env.profile, words);
  }
  let allowed = words.get(word);
  if (allowed === undefined) {
    allowed = allowedSettings(v.env.profile, word);
    words.set(word, allowed);
  }
  return allowed;
}

/** Bits of a control word that are wrong: 0 and must be 1, or 1 and must be 0. */
function wrongBits(v: EntryState, word: ControlWord): { readonly missing: bigint; readonly excess: bigint } {
  const value = v.field(CONTROL_WORDS[word].field);
  const { allowed0, allowed1 } = settingsOf(v, word);
  return { missing: allowed0 & ~value, excess: value & ~allowed1 };
}

function named(word: ControlWord, bits: bigint): string {
  const names = Object.entries(CONTROL_WORDS[word].bits)
    .filter(([, { bit }]) => ((bits >> BigInt(bit)) & 1n) === 1n)
    .map(([name]) => `“${name}”`);
  return names.length === 0 ? bitPositions(bits) : `${bitPositions(bits)} (${names.join(', ')})`;
}

/** The reserved-bits check of a control word. */
export function reservedControls(id: string, word: ControlWord): SectionCheck {
  const { field, capability, title, default1 } = CONTROL_WORDS[word];
  const msr = msrByIndex(capability.true ?? capability.msr)?.name ?? '';
  return {
    id,
    fields: [field],
    rule:
      default1 === 0n
        ? `${title}: bits that ${msr} does not offer must be 0`
        : `${title}: bits must be 1 where the low half of ${msr} is 1, and 0 where its high half is 0`,
    applies: (v) => activated(v, word),
    holds: (v) => {
      const { missing, excess } = wrongBits(v, word);
      return (missing | excess) === 0n;
    },
    fix: (v) => {
      const { missing, excess } = wrongBits(v, word);
      const { allowed0, allowed1 } = settingsOf(v, word);
      const steps = [
        missing === 0n ? '' : `set ${named(word, missing)}`,
        excess === 0n ? '' : `clear ${named(word, excess)}, which this processor does not support`,
      ].filter((step) => step !== '');
      return `${steps.join(' and ')}: ${hex((v.field(field) | allowed0) & allowed1)}`;
    },
  };
}
