// ringside/vmcs, setVmcsField, exits, exitTimeline, exitsCsv, translate, machine, lineExits: what the extension's views show.

import { errorText } from '../../debugger/expressions/errors.ts';
import { evaluateText } from '../../debugger/expressions/evaluator.ts';
import { exitPage, exitsCsv, reasonBars, timeline } from '../../debugger/views/exits.ts';
import { exitFilter } from '../../debugger/views/exit-filter.ts';
import { lineExits } from '../../debugger/views/line-exits.ts';
import { machineView } from '../../debugger/views/machine.ts';
import { filteredRows } from '../../debugger/views/record.ts';
import { translationView } from '../../debugger/views/translation.ts';
import { VMCS_AREAS, vmcsView } from '../../debugger/views/vmcs.ts';
import { walkAddress } from '../../debugger/walk.ts';
import { walkArguments } from '../../debugger/walk-arguments.ts';
import { writeChild } from '../../debugger/variables.ts';
import { type Arguments, integer, optionalInteger, optionalText, text } from '../arguments.ts';
import { type Answer, type Connection, type Debuggee, type Handler, launched, stopped } from '../connection.ts';
import { badArguments, expressionFailed, writeRefused } from '../errors.ts';
import { stateChanged, withoutWords } from './variables.ts';

const MAX_ROWS = 1000;
const MAX_PARTS = 4096;

function vmcs(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  return { body: vmcsView(debuggee, debuggee.record) };
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

/** `filter`: exit reasons, or an expression over `exit.*` of each exit. */
function matching(debuggee: Debuggee, args: Arguments): Uint32Array | undefined {
  const asked = optionalText(args, 'filter') ?? '';
  const filter = exitFilter(asked, debuggee.session.context());
  if ('error' in filter) throw expressionFailed(filter.error, false);
  return filteredRows(debuggee.record, asked, filter);
}

/** Rows and bars; also while the machine runs. */
function exits(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const { record, image, machine } = debuggee;
  const start = optionalInteger(args, 'start') ?? 0;
  const count = Math.min(MAX_ROWS, optionalInteger(args, 'count') ?? 100);
  const page = exitPage(record.exits, image, matching(debuggee, args), start, count);
  return {
    body: {
      ...page,
      happened: machine.exitCount(),
      time: machine.time(),
      bars: args.values.bars === false ? [] : reasonBars(record.exits),
    },
  };
}

function exitTimeline(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  const parts = integer(args, 'parts');
  if (parts < 1 || parts > MAX_PARTS) throw badArguments(args.command, `"parts" is not between 1 and ${MAX_PARTS}`);
  const from = optionalInteger(args, 'from') ?? 0;
  const to = optionalInteger(args, 'to') ?? debuggee.machine.time() + 1;
  return { body: timeline(debuggee.record.exits, matching(debuggee, args), from, Math.max(from + 1, to), parts) };
}

function csv(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  return { body: { csv: exitsCsv(debuggee.record.exits, debuggee.image, matching(debuggee, args)) } };
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

function machine(connection: Connection, args: Arguments): Answer {
  const debuggee = stopped(connection, args.command);
  return { body: machineView(debuggee.machine, debuggee.image) };
}

/** VM exits by source line. */
function exitsByLine(connection: Connection, args: Arguments): Answer {
  const debuggee = launched(connection, args.command);
  return { body: { lines: lineExits(debuggee.machine, debuggee.image) } };
}

export const VIEW_REQUESTS = {
  'ringside/vmcs': vmcs,
  'ringside/setVmcsField': setVmcsField,
  'ringside/exits': exits,
  'ringside/exitTimeline': exitTimeline,
  'ringside/exitsCsv': csv,
  'ringside/translate': translate,
  'ringside/machine': machine,
  'ringside/lineExits': exitsByLine,
} satisfies Record<string, Handler>;
