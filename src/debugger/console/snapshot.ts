// snapshot: the whole machine under a name, kept in this session or in a file; loaded again; compared.

import { SnapshotFileError } from '../../machine/history/file.ts';
import { plural } from '../format.ts';
import {
  diffText,
  type NamedSnapshot,
  packNamedSnapshot,
  takeNamedSnapshot,
  unpackNamedSnapshot,
} from '../snapshots.ts';
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
      return session.snapshots.delete(name) ? `"${name}" is forgotten.` : unknown(session.snapshots, name);
  }
}

function list(snapshots: ReadonlyMap<string, NamedSnapshot>): string {
  if (snapshots.size === 0) return 'No snapshot has a name yet.';
  return [...snapshots.values()]
    .map(({ name, picture, machine }) => `${name}: time ${picture.time}, ${plural(machine.pages.size, 'page')}`)
    .join('\n');
}

function unknown(snapshots: ReadonlyMap<string, NamedSnapshot>, name: string): { readonly error: string } {
  const names = [...snapshots.keys()].map((known) => `"${known}"`).join(', ');
  return { error: `There is no snapshot "${name}"${names === '' ? ' yet' : `; there are ${names}`}.` };
}

async function save({ session }: CommandContext, name: string, file: string | undefined): Promise<CommandAnswer> {
  const { files } = session;
  const taken = takeNamedSnapshot(session.machine, name);
  session.snapshots.set(name, taken);
  const text = `"${name}": time ${taken.picture.time}, ${plural(taken.machine.pages.size, 'page')} of memory.`;
  if (file === undefined) return text;
  if (files === undefined) return { error: `${text} Files cannot be written here.` };
  const bytes = await packNamedSnapshot(taken);
  try {
    await files.write(file, bytes);
  } catch (problem) {
    return { error: `${text} ${file} was not written: ${messageOf(problem)}.` };
  }
  return `${text} ${file}: ${plural(bytes.length, 'byte')}.`;
}

async function find({ session }: CommandContext, name: string): Promise<NamedSnapshot | { readonly error: string }> {
  const { files } = session;
  const known = session.snapshots.get(name);
  if (known !== undefined) return known;
  if (!/[./\\]/.test(name) || files === undefined) return unknown(session.snapshots, name);
  try {
    return await unpackNamedSnapshot(await files.read(name));
  } catch (problem) {
    if (problem instanceof SnapshotFileError) return { error: `${name}: ${problem.message}` };
    return { error: `${name} cannot be read: ${messageOf(problem)}.` };
  }
}

async function load(context: CommandContext, name: string): Promise<CommandAnswer> {
  const { session } = context;
  const found = await find(context, name);
  if ('error' in found) return found;
  const problem = session.machine.history.load(found.machine);
  if (problem !== undefined) return { error: problem };
  session.snapshots.set(found.name, found);
  return { text: `The machine is at "${found.name}", time ${found.picture.time}.`, changed: true };
}

async function diff(context: CommandContext, first: string, second: string | undefined): Promise<CommandAnswer> {
  const a = await find(context, first);
  if ('error' in a) return a;
  const b = second === undefined ? takeNamedSnapshot(context.session.machine, 'now') : await find(context, second);
  return 'error' in b ? b : diffText(a, b);
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
