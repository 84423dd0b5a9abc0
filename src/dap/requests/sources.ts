// loadedSources, source, modules.

import { type Arguments, integer, optionalInteger, record } from '../arguments.ts';
import { type Answer, type Connection, type Handler, launched } from '../connection.ts';
import { hex } from '../../debugger/format.ts';
import { noSourceText } from '../errors.ts';
import { listingText } from '../listings.ts';
import { toClientPath } from '../paths.ts';
import { sourceOf } from '../sources.ts';

function loadedSources(connection: Connection, args: Arguments): Answer {
  const { image } = launched(connection, args.command);
  const files = image.program.lines.files.filter((_, index) => image.rowsOfFile.has(index));
  return { body: { sources: [...new Set(files)].map((path) => sourceOf(connection, path)) } };
}

function modules(connection: Connection, args: Arguments): Answer {
  const { image, options } = launched(connection, args.command);
  const { program } = image;
  const start = program.segments.reduce((least, segment) => Math.min(least, segment.address), Number.POSITIVE_INFINITY);
  const end = program.segments.reduce((most, segment) => Math.max(most, segment.address + segment.size), 0);
  const lines = program.lines.rows.length > 0 ? ', source lines' : '';
  return {
    body: {
      modules: [
        {
          id: 1,
          name: program.name,
          path: toClientPath(options.program, connection.client?.pathFormat ?? 'path'),
          symbolStatus: program.symbols.length === 0 ? 'no symbols' : `${program.symbols.length} symbols${lines}`,
          ...(end > 0 ? { addressRange: `${hex(start)} to ${hex(end)}` } : {}),
        },
      ],
      totalModules: 1,
    },
  };
}

function source(connection: Connection, args: Arguments): Answer {
  const given =
    args.values.source === undefined ? undefined : optionalInteger(record(args, 'source'), 'sourceReference');
  const reference = given ?? integer(args, 'sourceReference');
  const listing = connection.listings[reference - 1];
  if (listing === undefined) throw noSourceText();
  return { body: { content: listingText(listing), mimeType: 'text/x-asm' } };
}

export const SOURCE_REQUESTS = {
  loadedSources,
  modules,
  source,
} satisfies Record<string, Handler>;
