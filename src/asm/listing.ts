// The listing: address, bytes and source text of every line.
import type { Assembly } from './assembly.ts';

const BYTES_PER_ROW = 10;

/** One row for each statement that gave bytes, and plain rows for the lines of the main file that gave none. */
export function listingText(a: Assembly, image: Uint8Array): string {
  const rows: string[] = [];
  const source = a.files[0]!.text.replace(/\r?\n$/, '').split(/\r?\n/);
  const byLine = new Map<number, typeof a.lines>();
  for (const record of a.lines) {
    if (record.range.file !== 0) continue;
    const list = byLine.get(record.range.line);
    if (list === undefined) byLine.set(record.range.line, [record]);
    else list.push(record);
  }
  source.forEach((text, index) => {
    const records = byLine.get(index + 1);
    if (records === undefined) {
      rows.push(`${String(index + 1).padStart(6)} ${''.padEnd(8 + 2 + BYTES_PER_ROW * 2)} ${text}`.trimEnd());
      return;
    }
    let first = true;
    for (const record of records) {
      const section = a.sections[record.section]!;
      const bytes = section.reserved
        ? []
        : [...image.subarray(section.fileOffset + record.offset, section.fileOffset + record.offset + record.length)];
      const chunks = Math.max(1, Math.ceil(bytes.length / BYTES_PER_ROW));
      for (let i = 0; i < chunks; i++) {
        const hex = section.reserved
          ? `<res ${record.length.toString(16).toUpperCase()}h>`
          : bytes
              .slice(i * BYTES_PER_ROW, (i + 1) * BYTES_PER_ROW)
              .map((b) => b.toString(16).toUpperCase().padStart(2, '0'))
              .join('');
        const address = (section.address + record.offset + i * BYTES_PER_ROW)
          .toString(16)
          .toUpperCase()
          .padStart(8, '0');
        const number = first ? String(index + 1).padStart(6) : ''.padStart(6);
        rows.push(`${number} ${address}  ${hex.padEnd(BYTES_PER_ROW * 2)} ${first ? text : ''}`.trimEnd());
        first = false;
      }
    }
  });
  return `${rows.join('\n')}\n`;
}
