// The named snapshots of a session: kept, written to files, loaded, found again. For the debug console and for views.

import { SnapshotFileError } from '../machine/history/file.ts';
import { plural } from './format.ts';
import type { Session } from './session.ts';
import { type NamedSnapshot, packNamedSnapshot, takeNamedSnapshot, unpackNamedSnapshot } from './snapshots.ts';

/** Why something could not be done, for people. */
export interface SnapshotProblem {
  readonly error: string;
}

export function snapshotText({ name, picture, machine }: NamedSnapshot): string {
  return `"${name}": time ${picture.time}, ${plural(machine.pages.size, 'page')} of memory.`;
}

export interface KeptSnapshot {
  readonly snapshot: NamedSnapshot;
  /** Bytes of the file that was written. */
  readonly fileSize?: number | undefined;
}

/** Keeps the present under a name, in place of what had it; with `file` also there. An error of the file leaves it kept. */
export async function keepSnapshot(
  session: Session,
  name: string,
  file: string | undefined,
): Promise<KeptSnapshot | SnapshotProblem> {
  const snapshot = takeNamedSnapshot(session.machine, name);
  session.snapshots.set(name, snapshot);
  if (file === undefined) return { snapshot };
  const kept = snapshotText(snapshot);
  if (session.files === undefined) return { error: `${kept} Files cannot be written here.` };
  const bytes = await packNamedSnapshot(snapshot);
  try {
    await session.files.write(file, bytes);
  } catch (problem) {
    return { error: `${kept} ${file} was not written: ${messageOf(problem)}.` };
  }
  return { snapshot, fileSize: bytes.length };
}

/** A snapshot by name, or by the path of a file. */
export async function findSnapshot(
  { files, snapshots }: Session,
  name: string,
): Promise<NamedSnapshot | SnapshotProblem> {
  const known = snapshots.get(name);
  if (known !== undefined) return known;
  if (!/[./\\]/.test(name) || files === undefined) return unknownSnapshot(snapshots, name);
  try {
    return await unpackNamedSnapshot(await files.read(name));
  } catch (problem) {
    if (problem instanceof SnapshotFileError) return { error: `${name}: ${problem.message}` };
    return { error: `${name} cannot be read: ${messageOf(problem)}.` };
  }
}

/** Replaces the machine's state; the recorded past begins anew. */
export async function loadSnapshot(session: Session, name: string): Promise<NamedSnapshot | SnapshotProblem> {
  const found = await findSnapshot(session, name);
  if ('error' in found) return found;
  const problem = session.machine.history.load(found.machine);
  if (problem !== undefined) return { error: problem };
  session.forgetHits();
  session.snapshots.set(found.name, found);
  return found;
}

/** Two snapshots, or one and the present, to be compared. */
export async function snapshotPair(
  session: Session,
  from: string,
  to: string | undefined,
): Promise<readonly [NamedSnapshot, NamedSnapshot] | SnapshotProblem> {
  const a = await findSnapshot(session, from);
  if ('error' in a) return a;
  const b = to === undefined ? takeNamedSnapshot(session.machine, 'now') : await findSnapshot(session, to);
  return 'error' in b ? b : [a, b];
}

export function unknownSnapshot(snapshots: ReadonlyMap<string, NamedSnapshot>, name: string): SnapshotProblem {
  const names = [...snapshots.keys()].map((known) => `"${known}"`).join(', ');
  return { error: `There is no snapshot "${name}"${names === '' ? ' yet' : `; there are ${names}`}.` };
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
