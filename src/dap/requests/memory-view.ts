// ringside/memory: rows of memory for the memory view.

import { addressArgument } from '../../debugger/console/addresses.ts';
import { MOST_BYTES, memoryView, UNITS, WIDTHS } from '../../debugger/views/memory.ts';
import { type Arguments, optionalInteger, text } from '../arguments.ts';
import { type Answer, type Connection, type Handler, stopped } from '../connection.ts';
import { badArguments, expressionFailed } from '../errors.ts';

/** `address`: an expression, perhaps with a prefix; `offset`: bytes from there; `rows` of `width` bytes, 8 or 16; `unit`: 1, 2, 4 or 8 bytes. */
function memory(connection: Connection, args: Arguments): Answer {
  const { session, machine, record } = stopped(connection, args.command);
  const bytes = optionalInteger(args, 'width') ?? 16;
  const width = WIDTHS.find((known) => known === bytes);
  if (width === undefined) throw badArguments(args.command, `"width" is none of ${WIDTHS.join(', ')}`);
  const rows = optionalInteger(args, 'rows') ?? 16;
  if (rows < 1 || rows * width > MOST_BYTES)
    throw badArguments(args.command, `"rows" is not between 1 and ${MOST_BYTES / width}`);
  const size = optionalInteger(args, 'unit') ?? 1;
  const unit = UNITS.find((known) => known === size);
  if (unit === undefined) throw badArguments(args.command, `"unit" is none of ${UNITS.join(', ')}`);
  const at = addressArgument(text(args, 'address').trim(), { expressions: session.context() });
  if ('error' in at) throw expressionFailed(at.error, false);
  const side = at.space.kind === 'linear' ? at.space.side : machine.side();
  const offset = optionalInteger(args, 'offset') ?? 0;
  const image = session.images.view(side);
  return { body: memoryView(machine, image, record.memory, { at, offset, rows, width, unit }) };
}

export const MEMORY_VIEW_REQUESTS = { 'ringside/memory': memory } satisfies Record<string, Handler>;
