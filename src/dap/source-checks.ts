// Are the sources that an editor shows those that the program was built from? Sums, sizes and times in the debug information tell, or else the
// times of the files themselves.

import { filesMatching, type Image } from '../program/image.ts';
import { disagreement } from '../program/source-stamps.ts';
import type { Connection } from './connection.ts';

const CHECKED = new WeakMap<Connection, Set<string>>();

/** Compares a source file with what the program says of it, once a session; says so in the debug console when they disagree. */
export async function checkSource(connection: Connection, image: Image, path: string): Promise<void> {
  const checked = CHECKED.get(connection) ?? new Set();
  CHECKED.set(connection, checked);
  if (checked.has(path)) return;
  checked.add(path);
  const [index] = filesMatching(image, path);
  const { files, stamps } = image.program.lines;
  const file = index === undefined ? undefined : files[index];
  const stamp = index === undefined ? undefined : stamps?.[index];
  const built = builtProgram(connection, image, file);
  if (file === undefined || stamp === undefined || built === undefined) return;
  const { readFile, modified } = connection.host;
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined) return;
  const now = { bytes, modified: await modified?.(file), programModified: await modified?.(built.path) };
  const differs = disagreement(stamp, now);
  if (differs === undefined) return;
  connection.event('output', {
    category: 'important',
    output: `${file} is not what ${built.name} was built from: ${differs}. Lines may be off. Build it again, or point "sourceMap" in launch.json at the right sources.\n`,
  });
}

/** The program that a source belongs to; an image that a frame is seen through may be several together. */
function builtProgram(
  connection: Connection,
  image: Image,
  file: string | undefined,
): { readonly path: string; readonly name: string } | undefined {
  const all = connection.debuggee?.session.images.all ?? [];
  const loaded =
    all.find((candidate) => candidate.image === image) ??
    all.find((candidate) => file !== undefined && candidate.image.program.lines.files.includes(file));
  // Sources that are assembled when they are read have no stamps: nothing was built before.
  if (loaded?.image.program.lines.stamps === undefined) return undefined;
  return { path: loaded.path, name: loaded.image.program.name };
}
