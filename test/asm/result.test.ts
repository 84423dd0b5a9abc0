// What the assembler answers besides bytes: symbols, lines, sections, entry, listing.
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/asm/assemble.ts';

const SOURCE = `        bits 64
        org 0x100000
%macro twice 1
        %1
        %1
%endmacro
FIVE    equ 5
start:  nop
.loop:  twice nop
        jmp .loop
section .data
value:  dq start
section .bss
space:  resb 16
`;

describe('the result', () => {
  const result = assemble('dir/main.asm', SOURCE);

  it('has no diagnostics', () => {
    expect(result.diagnostics).toEqual([]);
    expect(result.ok).toBe(true);
  });

  it('names every symbol with its address and place', () => {
    expect(
      result.symbols.map(({ name, address, kind, line, column }) => ({ name, address, kind, line, column })),
    ).toEqual([
      { name: 'FIVE', address: 5n, kind: 'constant', line: 7, column: 1 },
      { name: 'start', address: 0x100000n, kind: 'label', line: 8, column: 1 },
      { name: 'start.loop', address: 0x100001n, kind: 'label', line: 9, column: 1 },
      // The code is 5 bytes long, and sections are aligned to 4.
      { name: 'value', address: 0x100008n, kind: 'label', line: 12, column: 1 },
      { name: 'space', address: 0x100010n, kind: 'label', line: 14, column: 1 },
    ]);
  });

  it('gives each statement its line; what a macro wrote belongs to the call', () => {
    const rows = result.lines.map(({ address, length, line, instruction }) => [address, length, line, instruction]);
    expect(rows).toEqual([
      [0x100000, 1, 8, true],
      [0x100001, 1, 9, true],
      [0x100002, 1, 9, true],
      [0x100003, 2, 10, true],
      [0x100008, 8, 12, false],
      [0x100010, 16, 14, false],
    ]);
    expect(new Set(result.lines.map((l) => l.file))).toEqual(new Set(['dir/main.asm']));
  });

  it('lists the sections', () => {
    expect(result.sections).toEqual([
      { name: '.text', address: 0x100000, offset: 0, size: 5, reserved: false },
      { name: '.data', address: 0x100008, offset: 8, size: 8, reserved: false },
      { name: '.bss', address: 0x100010, offset: 16, size: 16, reserved: true },
    ]);
    expect(result.bytes.length).toBe(16);
  });

  it('enters at start, in the mode that holds there', () => {
    expect(result).toMatchObject({ origin: 0x100000, entry: 0x100000, bits: 64 });
  });

  it('prints a listing', () => {
    const listing = result.listing().split('\n');
    expect(listing[7]).toBe('     8 00100000  90                   start:  nop');
    expect(listing.filter((row) => row.includes('0010000'))).toHaveLength(5);
    expect(listing.at(-2)).toContain('<res 10h>');
  });
});

describe('defaults', () => {
  it.each([
    { source: 'nop', expected: { origin: 0x7c00, bits: 16, entry: 0x7c00 } },
    { source: 'bits 32\nnop', expected: { origin: 0x100000, bits: 32, entry: 0x100000 } },
    { source: 'bits 64\nnop\n_start: nop', expected: { origin: 0x100000, bits: 64, entry: 0x100001 } },
    { source: 'bits 16\nstart: nop\nbits 32\nnop', expected: { origin: 0x7c00, bits: 16, entry: 0x7c00 } },
    { source: 'org 0x500\nbits 32\nnop', expected: { origin: 0x500, bits: 32, entry: 0x500 } },
  ])('$source', ({ source, expected }) => {
    expect(assemble('a.asm', source)).toMatchObject(expected);
  });
});

describe('files', () => {
  const files: Record<string, string> = {
    'dir/lib/a.inc': '%include "b.inc"\na: dw b',
    'dir/lib/b.inc': 'b: dw 1',
    'dir/common.inc': 'c: dw 2\n oops',
  };
  const readInclude = (path: string): string | undefined => files[path];

  it('looks beside the including file, and names files by their path', () => {
    const result = assemble('dir/main.asm', '%include "lib/a.inc"\n dw a', { readInclude });
    expect(result.diagnostics).toEqual([]);
    expect(result.lines.map((l) => `${l.file}:${l.line}`)).toEqual([
      'dir/lib/b.inc:1',
      'dir/lib/a.inc:2',
      'dir/main.asm:2',
    ]);
  });

  it('takes parts such as .. out of paths, and reports in the file that is wrong', () => {
    const result = assemble('dir/lib/main.asm', '%include "../common.inc"', { readInclude });
    expect(result.diagnostics).toMatchObject([{ file: 'dir/common.inc', line: 2, column: 2, code: 'orphan-label' }]);
  });

  it('reads binary files in part', () => {
    const result = assemble('main.asm', 'incbin "x", 1, 2', { readBinary: () => Uint8Array.of(1, 2, 3, 4) });
    expect([...result.bytes]).toEqual([2, 3]);
  });

  it('takes definitions from outside', () => {
    expect([...assemble('main.asm', 'db VALUE + 1', { defines: { VALUE: '41' } }).bytes]).toEqual([42]);
  });
});

describe('numbers with a point', () => {
  /** Bits as the processor's own conversion gives them. */
  const double = (text: string): bigint => new BigUint64Array(Float64Array.of(Number(text)).buffer)[0]!;
  const single = (text: string): number => new Uint32Array(Float32Array.of(Number(text)).buffer)[0]!;

  it.each([
    '1.0',
    '0.1',
    '3.14159265358979',
    '1e-310',
    '4.9e-324',
    '1.7976931348623157e308',
    '123456789.0',
    '2.5e-8',
    '0.0',
  ])('%s', (text) => {
    const bytes = assemble('a.asm', `dq ${text}\ndd ${text}`).bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    expect(view.getBigUint64(0, true)).toBe(double(text));
    expect(view.getUint32(8, true)).toBe(single(text));
  });
});
