// vCont packets as the GDB manual defines them: the leftmost action that names a thread holds for it.
import { describe, expect, test } from 'vitest';
import { readActions } from '../../src/gdb/actions.ts';
import type { Machine } from '../../src/machine/types.ts';

const machine = { processors: 2 } as Machine;

describe('vCont', () => {
  test.each([
    ['vCont;c', 'continue', undefined, false],
    ['vCont;s:2;c', 'step', 1, false],
    ['vCont;c:-1', 'continue', undefined, false],
    ['vCont;s:1', 'step', 0, true],
    ['vCont;c:2', 'continue', 1, true],
    ['vCont;C05:1;c', 'continue', 0, false],
    ['vCont;S05:2', 'step', 1, true],
    ['vCont;r1000,1010:1;c', 'range', 0, false],
  ] as const)('%s', (packet, kind, processor, alone) => {
    expect(readActions(machine, packet)).toMatchObject({ kind, processor, alone });
  });

  test('the range of r', () => {
    expect(readActions(machine, 'vCont;rffffffff80001000,ffffffff80001010:1')).toMatchObject({
      start: 0xffffffff80001000n,
      end: 0xffffffff80001010n,
    });
  });

  test.each(['vCont;', 'vCont;s:3', 'vCont;x:1', 'vCont;r10:1', 'vCont;c:1;?'])('%s is refused', (packet) => {
    expect(readActions(machine, packet)).toBeUndefined();
  });
});
