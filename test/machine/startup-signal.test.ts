// A start-up IPI: it exits from a guest that waits for it, and is lost everywhere else (SDM "SIPI").
import { describe, expect, it } from 'vitest';
import { ACTIVITY, EXIT_QUALIFICATION, EXIT_REASON, NON_ROOT, VMX_ON } from '../../src/core/layout.ts';
import type { Board } from '../../src/machine/devices/types.ts';
import type { Hardware } from '../../src/machine/hardware.ts';
import { takeSignals } from '../../src/machine/interrupts.ts';
import type { Core } from '../../src/vmx/processor.ts';

function processor(activity: number, guest: boolean): { hardware: Hardware; core: Core } {
  const buffer = new ArrayBuffer(0x10000);
  const core = { words: new Uint32Array(buffer), quads: new BigUint64Array(buffer) } as Core;
  core.words[VMX_ON >>> 2] = 1;
  core.words[NON_ROOT >>> 2] = guest ? 1 : 0;
  core.words[ACTIVITY >>> 2] = activity;
  const board = { takeInit: () => false, takeStartup: () => 0x9a } as unknown as Board;
  return { core, hardware: { core, board } as Hardware };
}

describe('a start-up IPI', () => {
  it('is a VM exit with its vector in the qualification when the guest waits for it', () => {
    const { core, hardware } = processor(3, true);
    expect(takeSignals(hardware)).toBe('vm-exit');
    expect(core.words[EXIT_REASON >>> 2]).toBe(4);
    expect(core.quads[EXIT_QUALIFICATION >>> 3]).toBe(0x9an);
  });

  it.each([
    ['active', 0, true],
    ['halted', 1, true],
    ['in VMX root operation', 0, false],
  ])('is lost while the processor is %s', (_state, activity, guest) => {
    expect(takeSignals(processor(activity, guest).hardware)).toBe('none');
  });
});
