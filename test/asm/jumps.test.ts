// Sizes that depend on each other through labels: random programs give the same bytes as nasm.
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';
import { difference, hasNasm, nasm, random } from './nasm.ts';

const BASE = { 16: 'bx', 32: 'ebx', 64: 'rbx' } as const;
const LABELS = 250;

function program(bits: 16 | 32 | 64, seed: number): string {
  const below = random(seed);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const near = (i: number, reach: number): string =>
    `l${Math.min(Math.max(i + below(2 * reach) - reach, 0), LABELS - 1)}`;
  const lines = [`bits ${bits}`, 'org 0x100'];
  for (let i = 0; i < LABELS; i++) {
    lines.push(`l${i}:`);
    for (let n = 1 + below(4); n > 0; n--) {
      const after = `l${Math.min(LABELS - 1, i + below(12))}-l${Math.max(0, i - below(20))}`;
      switch (below(10)) {
        case 0:
        case 1:
        case 2:
          lines.push(`${pick(['jmp', 'jz', 'jnc', 'jg', 'call', 'jmp near', 'jnz near'])} ${near(i, 60)}`);
          break;
        case 3:
          lines.push(`add ${pick(['ax', 'ecx', 'bx', 'edx', 'al'])}, ${after}`);
          break;
        case 4:
          lines.push(`mov ${pick(['al', 'cl'])}, [${BASE[bits]}+${after}]`);
          break;
        case 5:
          lines.push(
            pick([`push ${near(i, 9)}-l0`, `mov word [${near(i, 9)}], 5`, 'align 4', `times 3 jz ${near(i, 3)}`]),
          );
          break;
        default:
          lines.push(
            pick([
              'nop',
              'cld',
              'mov eax, 5',
              `inc dword [${BASE[bits]}]`,
              'imul eax, ecx, 1000',
              'db 1,2,3',
              'resb 7',
            ]),
          );
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

describe.skipIf(!hasNasm())('jumps and labels', () => {
  const cases = [16, 32, 64].flatMap((bits) =>
    [1, 2, 3].map((n) => ({ bits: bits as 16 | 32 | 64, seed: n * 1000 + bits })),
  );
  it.each(cases)('$bits-bit code, seed $seed', ({ bits, seed }) => {
    const source = program(bits, seed);
    const oracle = nasm(source);
    expect(oracle.bytes, [...oracle.errors].slice(0, 3).join('\n')).toBeDefined();
    const ours = assemble('jumps.asm', source);
    expect(ours.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
    expect(difference(ours.bytes, oracle.bytes!)).toBeUndefined();
  });
});
