// Are the sources that an editor shows those that the program was built from? Compilers that write MD5 sums of their sources (DWARF 5) let it be told.

import { filesMatching, type Image } from '../program/image.ts';
import { md5 } from '../program/md5.ts';
import type { Connection } from './connection.ts';

const CHECKED = new WeakMap<Connection, Set<string>>();

/** Compares a source file with the sum in the program, once a session; says so in the debug console when they differ. */
export async function checkSource(connection: Connection, image: Image, path: string): Promise<void> {
  const checked = CHECKED.get(connection) ?? new Set();
  CHECKED.set(connection, checked);
  if (checked.has(path)) return;
  checked.add(path);
  const [index] = filesMatching(image, path);
  const { files, checksums } = image.program.lines;
  const expected = index === undefined ? undefined : checksums?.[index];
  if (index === undefined || expected === undefined) return;
  const file = files[index] ?? path;
  const bytes = await connection.host.readFile(file).catch(() => undefined);
  if (bytes === undefined || md5(bytes) === expected) return;
  connection.event('output', {
    category: 'important',
    output: `${file} is not what ${image.program.name} was built from: its MD5 sum differs, lines may be off. Build it again, or point "sourceMap" in launch.json at the right sources.\n`,
  });
}
