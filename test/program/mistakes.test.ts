// Mistakes in files that have no better place: each has its own error with a code, the file, and what to do.
import { describe, expect, it } from 'vitest';
import { ProgramError } from '../../src/program/errors.ts';
import { loadProgram } from '../../src/program/load.ts';
import { loadMovableFile, loadSymbolFile } from '../../src/program/symbol-file.ts';
import { filesReader, MEMORY } from './toolchain.ts';

interface Segment {
  readonly address: number;
  readonly size: number;
  /** Zero: cannot be executed. */
  readonly flags?: number;
}

const HEADER = 64;
const PROGRAM_HEADER = 56;

/** An executable ELF64 file for x86-64 (System V gABI, "ELF Header", "Program Header") with these segments to load. */
function elf(segments: readonly Segment[]): Uint8Array {
  const data = HEADER + segments.length * PROGRAM_HEADER;
  const bytes = new Uint8Array(data + Math.max(0, ...segments.map(({ size }) => size)));
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // EM_X86_64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(segments[0]?.address ?? 0), true);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setUint16(52, HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, segments.length, true);
  for (const [index, { address, size, flags = 5 }] of segments.entries()) {
    const at = HEADER + index * PROGRAM_HEADER;
    view.setUint32(at, 1, true); // PT_LOAD
    view.setUint32(at + 4, flags, true);
    for (const [offset, value] of [data, address, address, size, size, 1].entries())
      view.setBigUint64(at + 8 + 8 * offset, BigInt(value), true);
  }
  return bytes;
}

const TEXT = new TextEncoder().encode('hello');
const reader = (bytes: Uint8Array) => filesReader({ '/x/file': bytes, '/x/notes.txt': TEXT });
const loading = (segments: readonly Segment[]) =>
  loadProgram('/x/file', { ramSize: MEMORY, bits: 64 }, reader(elf(segments)));

describe('mistakes', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'not-a-symbol-file',
      () => loadSymbolFile('/x/notes.txt', undefined, reader(TEXT)),
      /^\/x\/notes\.txt: symbols .* Name the ELF file that the image was made from, before objcopy\.$/,
    ],
    [
      'not-movable',
      () => loadMovableFile('/x/notes.txt', reader(TEXT)),
      /^\/x\/notes\.txt: only an ELF file .* Name the address of its first byte instead\.$/,
    ],
    [
      'not-movable',
      () => loadMovableFile('/x/file', reader(elf([{ address: 0x200000, size: 16, flags: 6 }]))),
      /only an ELF file with code/,
    ],
    ['no-segments', () => loading([]), /^\/x\/file: no program header says what to load\. Link it into an executable/],
    [
      'segments-overlap',
      () =>
        loading([
          { address: 0x200000, size: 32 },
          { address: 0x200010, size: 32 },
        ]),
      /what it loads at 0x200000 and at 0x200010 overlaps in physical memory\. Check the load addresses/,
    ],
  ])('%s', async (code, mistake, text) => {
    const error = await mistake().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ProgramError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) });
  });

  it('segments side by side are none', async () => {
    const program = await loading([
      { address: 0x200000, size: 32 },
      { address: 0x200020, size: 32 },
    ]);
    expect(program.segments.map(({ address }) => address)).toEqual([0x200000, 0x200020]);
  });
});
