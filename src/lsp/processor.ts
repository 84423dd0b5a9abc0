// The processor that hovers and lint go by: a profile without the capabilities that are switched off.
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { chooseProfile } from '../vmx/choose-profile.ts';

export interface ProcessorChoice {
  /** Name of a profile. */
  readonly profile: string;
  /** Capabilities that are switched off, by their names in the manual. */
  readonly without: readonly string[];
}

const chosen = new Map<string, CapabilityProfile>();

/** What is no profile or capability is left out: the debugger says so when it starts. */
export function processorOf({ profile, without }: ProcessorChoice): CapabilityProfile {
  const key = [profile, ...without].join('\n');
  let processor = chosen.get(key);
  if (processor === undefined) {
    processor = choose(profile, without);
    if (chosen.size > 50) chosen.clear();
    chosen.set(key, processor);
  }
  return processor;
}

function choose(profile: string, without: readonly string[]): CapabilityProfile {
  const choice = chooseProfile(profile, without);
  if (choice.ok) return choice.profile;
  if (choice.setting === 'without')
    return choose(
      profile,
      without.filter((name) => name !== choice.name),
    );
  return choose('recent-server', without);
}
