// ringside/snapshots, saveSnapshot, loadSnapshot, deleteSnapshot, diffSnapshots: named snapshots for views.

import {
  keepSnapshot,
  loadSnapshot,
  type SnapshotProblem,
  snapshotPair,
  unknownSnapshot,
} from '../../debugger/kept-snapshots.ts';
import { diffSnapshots, diffText } from '../../debugger/snapshot-diff.ts';
import type { NamedSnapshot } from '../../debugger/snapshots.ts';
import { type Arguments, optionalText, text } from '../arguments.ts';
import { type Answer, type Connection, type Handler, launched, stopped } from '../connection.ts';
import { badArguments, snapshotFailed } from '../errors.ts';
import type { SnapshotDiffBody, SnapshotRow, SnapshotsBody } from '../protocol.ts';
import { stateChanged } from './variables.ts';

function rowOf({ name, picture, machine }: NamedSnapshot): SnapshotRow {
  const { time, side, registers } = picture;
  return { name, time, side, rip: registers.rip ?? '0x0', pages: machine.pages.size };
}

function good<T extends object>(answer: T | SnapshotProblem): T {
  if ('error' in answer) throw snapshotFailed(answer.error);
  return answer;
}

function nameOf(args: Arguments): string {
  const name = text(args, 'name').trim();
  if (name === '') throw badArguments(args.command, '"name" is empty');
  return name;
}

/** Also while the machine runs. */
function snapshots(connection: Connection, args: Arguments): Answer {
  const { session } = launched(connection, args.command);
  return { body: { snapshots: [...session.snapshots.values()].map(rowOf) } satisfies SnapshotsBody };
}

async function saveSnapshot(connection: Connection, args: Arguments): Promise<Answer> {
  const { session } = stopped(connection, args.command);
  const { snapshot } = good(await keepSnapshot(session, nameOf(args), optionalText(args, 'path')));
  return { body: rowOf(snapshot), after: () => stateChanged(connection) };
}

async function load(connection: Connection, args: Arguments): Promise<Answer> {
  const { session } = stopped(connection, args.command);
  const loaded = good(await loadSnapshot(session, nameOf(args)));
  return { body: rowOf(loaded), after: () => stateChanged(connection) };
}

function deleteSnapshot(connection: Connection, args: Arguments): Answer {
  const { session } = launched(connection, args.command);
  const name = nameOf(args);
  if (!session.snapshots.delete(name)) throw snapshotFailed(unknownSnapshot(session.snapshots, name).error);
  return { after: () => stateChanged(connection) };
}

async function diff(connection: Connection, args: Arguments): Promise<Answer> {
  const { session } = stopped(connection, args.command);
  const found = diffSnapshots(...good(await snapshotPair(session, text(args, 'from'), optionalText(args, 'to'))));
  return { body: { text: diffText(found), diff: found } satisfies SnapshotDiffBody };
}

export const SNAPSHOT_REQUESTS = {
  'ringside/snapshots': snapshots,
  'ringside/saveSnapshot': saveSnapshot,
  'ringside/loadSnapshot': load,
  'ringside/deleteSnapshot': deleteSnapshot,
  'ringside/diffSnapshots': diff,
} satisfies Record<string, Handler>;
