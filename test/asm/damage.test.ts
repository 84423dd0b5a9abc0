// Damaged sources: whatever stands in them, the assembler answers with diagnostics inside the file and never throws.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';
import { random } from './nasm.ts';

const CORPUS = fileURLToPath(new URL('./corpus', import.meta.url));
const ROUNDS = 25;
const PIECES = [
  '%',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"',
  '`',
  '\\',
  '$',
  '%%',
  '%1',
  '%macro m 1\n',
  '%endmacro\n',
  '%if 0\n',
  '%endif\n',
  ' times 9 ',
  ' equ ',
  'eax',
  '-',
  '0x',
  '\n',
  '\0',
  'é',
  'struc s\n',
];

function damage(source: string, below: (n: number) => number): string {
  let text = source;
  for (let i = 1 + below(4); i > 0; i--) {
    const at = below(text.length);
    const kind = below(3);
    if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + below(12));
    else if (kind === 1) text = text.slice(0, at) + PIECES[below(PIECES.length)]! + text.slice(at);
    else {
      const from = below(text.length);
      text = text.slice(0, at) + text.slice(from, from + below(40)) + text.slice(at);
    }
  }
  return text;
}

describe('damaged sources', () => {
  it.each(readdirSync(CORPUS))('%s', (name) => {
    const source = readFileSync(join(CORPUS, name), 'utf8');
    const below = random(name.length * 7919);
    for (let round = 0; round < ROUNDS; round++) {
      const text = damage(source, below);
      const result = assemble(name, text);
      const lines = text.split('\n').length;
      expect(result.ok).toBe(!result.diagnostics.some((d) => d.severity === 'error'));
      for (const d of result.diagnostics) {
        expect(d.line).toBeGreaterThanOrEqual(1);
        expect(d.line).toBeLessThanOrEqual(lines);
        expect(d.endColumn).toBeGreaterThan(d.column);
        expect(d.message).not.toMatch(/undefined|\[object/);
      }
      expect(result.listing().length).toBeGreaterThan(0);
    }
  });
});
