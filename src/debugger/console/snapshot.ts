// snapshot: the whole machine under a name, kept in this session or in a file; loaded again; compared.

import { plural } from '../format.ts';
import { keepSnapshot, loadSnapshot, snapshotPair, snapshotText, unknownSnapshot } from '../kept-snapshots.ts';
import { diffSnapshots, diffText } from '../snapshot-diff.ts';
import type { NamedSnapshot } from '../snapshots.ts';
import type { Command, CommandAnswer, CommandArguments, CommandContext } from './types.ts';

const ACTIONS = ['save', 'load', 'list', 'diff', 'delete'] as const;

export const SNAPSHOT: Command = {
  name: 'snapshot',
  usage: 'snapshot save NAME [FILE] | load NAME|FILE | list | diff NAME [NAME] | delete NAME',
  summary: 'keeps the whole machine under a name or in a file, goes back to it, compares two moments',
  help: `save NAME FILE   also writes a file, which another session or another machine loads
load             replaces the machine's state; the recorded past begins anew there
diff A B         registers, VMCS fields and memory that differ; without B: from A to now`,
  complete: ({ words }, { session }) => {
    const labels = words.length === 0 ? [...ACTIONS] : [...session.snapshots.keys()];
    return labels.map((label) => ({ label, kind: 'keyword' as const, detail: undefined }));
  },
  run: snapshot,
};

async function snapshot(context: CommandContext, { words }: CommandArguments): Promise<CommandAnswer> {
  const { session } = context;
  const [action, name, other] = words.map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
  if (action === undefined || action === 'list') return list(session.snapshots);
  if (!(ACTIONS as readonly string[]).includes(action))
    return { error: `"${action}" is none of ${ACTIONS.join(', ')}.` };
  if (name === undefined) return { error: `Name the snapshot: snapshot ${action} NAME.` };
  switch (action) {
    case 'save':
      return save(context, name, other);
    case 'load':
      return load(context, name);
    case 'diff':
      return diff(context, name, other);
    default:
      return session.snapshots.delete(name)
        ? { text: `"${name}" is forgotten.`, changed: true }
        : unknownSnapshot(session.snapshots, name);
  }
}

function list(snapshots: ReadonlyMap<string, NamedSnapshot>): string {
  if (snapshots.size === 0) return 'No snapshot has a name yet.';
  return [...snapshots.values()]
    .map(({ name, picture, machine }) => `${name}: time ${picture.time}, ${plural(machine.pages.size, 'page')}`)
    .join('\n');
}

async function save({ session }: CommandContext, name: string, file: string | undefined): Promise<CommandAnswer> {
  const kept = await keepSnapshot(session, name, file);
  if ('error' in kept) return kept;
  const about = snapshotText(kept.snapshot);
  const text = kept.fileSize === undefined ? about : `${about} ${file}: ${plural(kept.fileSize, 'byte')}.`;
  // Views list the snapshots.
  return { text, changed: true };
}

async function load({ session }: CommandContext, name: string): Promise<CommandAnswer> {
  const found = await loadSnapshot(session, name);
  if ('error' in found) return found;
  return { text: `The machine is at "${found.name}", time ${found.picture.time}.`, changed: true };
}

async function diff({ session }: CommandContext, from: string, to: string | undefined): Promise<CommandAnswer> {
  const pair = await snapshotPair(session, from, to);
  return 'error' in pair ? pair : diffText(diffSnapshots(...pair));
}
