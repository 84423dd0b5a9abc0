// ringside/vmcs, setVmcsField, exits, exitPicture, exitsCsv, trace, translate, addressSpace, machine, lineExits: what the extension's views show.

import { errorText } from '../../debugger/expressions/errors.ts';
import { unknownSnapshot } from '../../debugger/kept-snapshots.ts';
import { evaluateText } from '../../debugger/expressions/evaluator.ts';
import {
  answerCsv,
  answerExits,
  answerPicture,
  type ExitSource,
  MOST_PARTS,
} from '../../debugger/views/exit-answers.ts';
import { addressSpaceView, SPACES, spaceMissing } from '../../debugger/views/address-space.ts';
import { labelExits } from '../../debugger/views/label-exits.ts';
import { lineExits } from '../../debugger/views/line-exits.ts';
import { machineView } from '../../debugger/views/machine.ts';
import { symbolNames } from '../../debugger/views/symbol-names.ts';
import { traceBlock, traceHeader } from '../../debugger/views/trace-file.ts';
import { translationView } from '../../debugger/views/translation.ts';
import { VMCS_AREAS, vmcsView } from '../../debugger/views/vmcs.ts';
import { walkAddress } from '../../debugger/walk.ts';
import { walkArguments } from '../../debugger/walk-arguments.ts';
import { writeChild } from '../../debugger/variables.ts';
import { firstExit } from '../../vmx/timeline.ts';
import { type Arguments, integer, optionalInteger, optionalText, text } from '../arguments.ts';
import { toBase64 } from '../base64.ts';
import { type Answer, type Connection, type Debuggee, type Handler, launched, stopped } from '../connection.ts';
import { badArguments, expressionFailed, snapshotFailed, writeRefused } from '../errors.ts';
import type { TracePieceBody } from '../protocol.ts';
import { stateChanged, withoutWords } from './variables.ts';

/** VM exits in a piece of a file. */
const TRACE_PIECE = 8192;

/** `snapshot`: the name of one to compare with. */
function vmcs(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const name = optionalText(args, 'snapshot');
  if (name === undefined) return { body: vmcsView(debuggee, debuggee.record) };
  const { snapshots } = debuggee.session;
  const snapshot = snapshots.get(name);
  if (snapshot === undefined) throw snapshotFailed(unknownSnapshot(snapshots, name).error);
  return { body: vmcsView(debuggee, debuggee.record, snapshot.picture.vmcs) };
}

/** Writes a field: a validated VMWRITE of an expression's value. */
function setVmcsField(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const area = text(args, 'area');
  if (!VMCS_AREAS.some(({ id }) => id === area)) throw badArguments(args.command, `there is no area "${area}"`);
  const value = evaluateText(withoutWords(text(args, 'value')), debuggee.session.context());
  if (!value.ok) throw expressionFailed(errorText(value.error), false);
  const written = writeChild(debuggee, area, text(args, 'name'), value.value.value);
  if ('error' in written) throw writeRefused(written.error);
  return { body: { value: written.row.value }, after: () => stateChanged(connection) };
}

function exitSource({ record, image, machine, session }: Debuggee): ExitSource {
  const { timeline } = machine.history;
  const context = session.context();
  return { timeline, symbolOf: symbolNames(image), context, time: machine.time(), memory: record };
}

function answered<T extends object>(answer: T | { readonly error: string }): Answer {
  if ('error' in answer) throw expressionFailed(answer.error, false);
  return { body: answer };
}

/** Rows and bars of the exits that pass `filter` (exit reasons, or an expression over `exit.*`); also while the machine runs. */
function exits(connection: Connection, args: Arguments): Answer {
  const source = exitSource(launched(connection, args.command));
  const start = optionalInteger(args, 'start') ?? 0;
  const count = optionalInteger(args, 'count') ?? 100;
  return answered(answerExits(source, optionalText(args, 'filter') ?? '', start, count, args.values.bars !== false));
}

function picture(connection: Connection, args: Arguments): Answer {
  const source = exitSource(launched(connection, args.command));
  const parts = integer(args, 'parts');
  if (parts < 1 || parts > MOST_PARTS) throw badArguments(args.command, `"parts" is not between 1 and ${MOST_PARTS}`);
  const from = optionalInteger(args, 'from') ?? 0;
  const to = optionalInteger(args, 'to') ?? source.time + 1;
  return answered(answerPicture(source, optionalText(args, 'filter') ?? '', from, to, parts));
}

function csv(connection: Connection, args: Arguments): Answer {
  const source = exitSource(launched(connection, args.command));
  return answered(answerCsv(source, optionalText(args, 'filter') ?? '', optionalInteger(args, 'start') ?? 0));
}

/** A piece of a `.vmtrace` file, before it is packed: without `from` its beginning, then exits from number `from` up to `to`. */
function trace(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const { timeline, symbolOf, time } = exitSource(debuggee);
  const from = optionalInteger(args, 'from');
  const last = Math.min(timeline.count, optionalInteger(args, 'to') ?? timeline.count);
  if (from === undefined) {
    const data = toBase64(traceHeader({ program: debuggee.options.program.split(/[\\/]/).at(-1) ?? '', time }));
    return { body: { data, next: firstExit(timeline), last } satisfies TracePieceBody };
  }
  const first = Math.max(from, firstExit(timeline));
  const to = Math.min(last, first + TRACE_PIECE - 1);
  const data = to < first ? '' : toBase64(traceBlock(timeline, symbolOf, first, to));
  return { body: { data, next: to + 1, last } satisfies TracePieceBody };
}

/** `address`: an expression and words for the access, as the console's walk takes them. */
function translate(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const words = text(args, 'address').trim().split(/\s+/);
  const request = walkArguments(words, debuggee.session.context());
  if (!request.ok) throw expressionFailed(request.error, false);
  const { start, access } = request.request;
  return { body: translationView(walkAddress(debuggee.machine, start, access)) };
}

/** What an address space maps, from the address `from` on: a piece, with where the `next` begins. */
function addressSpace(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  const asked = text(args, 'space');
  const space = SPACES.find((known) => known === asked);
  if (space === undefined) throw badArguments(args.command, `"space" is none of ${SPACES.join(', ')}`);
  const from = optionalText(args, 'from') ?? '0x0';
  if (!/^0x[0-9a-f]{1,16}$/i.test(from)) throw badArguments(args.command, `"from" is no address: ${from}`);
  const body = addressSpaceView(debuggee.machine, space, BigInt(from));
  if (body === undefined) throw expressionFailed(spaceMissing(space), false);
  return { body };
}

function machine(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  return { body: machineView(debuggee.machine, debuggee.image) };
}

/** VM exits by source line, and by label. */
function exitsByLine(connection: Connection, args: Arguments): Answer {
  const { machine, image, session } = launched(connection, args.command);
  const { images } = session;
  const labels = labelExits(machine, images.view('non-root'), images.view('root'));
  return { body: { lines: lineExits(machine, image), labels } };
}

export const VIEW_REQUESTS = {
  'ringside/vmcs': vmcs,
  'ringside/setVmcsField': setVmcsField,
  'ringside/exits': exits,
  'ringside/exitPicture': picture,
  'ringside/exitsCsv': csv,
  'ringside/trace': trace,
  'ringside/translate': translate,
  'ringside/addressSpace': addressSpace,
  'ringside/machine': machine,
  'ringside/lineExits': exitsByLine,
} satisfies Record<string, Handler>;
