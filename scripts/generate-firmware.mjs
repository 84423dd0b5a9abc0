// Assembles src/machine/firmware/rom.asm with NASM and writes rom.ts beside it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIRMWARE = join(dirname(fileURLToPath(import.meta.url)), '../src/machine/firmware');

/** The text of rom.ts. */
export function romModule() {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-'));
  try {
    const output = join(folder, 'rom.bin');
    execFileSync('nasm', ['-f', 'bin', '-o', output, join(FIRMWARE, 'rom.asm')]);
    const bytes = readFileSync(output);
    const entries = [...bytes.subarray(0, 1024)];
    const rows = [];
    for (let at = 1024; at < bytes.length; at += 16)
      rows.push([...bytes.subarray(at, at + 16)].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', '));
    // The 256 entries are a CALL each, whose displacement falls by 4: they are written down by that rule.
    const first = entries[1] | (entries[2] << 8);
    return [
      '// Generated from rom.asm by scripts/generate-firmware.mjs. Do not edit.',
      '',
      '/** Displacement of the first of 256 entries, each E8 (CALL), displacement, 90 (NOP). */',
      `export const ENTRY_DISPLACEMENT = ${first};`,
      '',
      '/** What follows the entries: pairs of vector and offset up to 0, the services, and the words that say what memory there is. */',
      '// biome-ignore format: bytes',
      'export const SERVICES: readonly number[] = [',
      ...rows.map((row) => `  ${row},`),
      '];',
      '',
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(FIRMWARE, 'rom.ts'), romModule());
