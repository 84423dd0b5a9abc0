// loadedSources, source, modules.

import { type Arguments, integer, optionalInteger, record } from '../arguments.ts';
import { type Answer, type Connection, type Handler, launched } from '../connection.ts';
import { noSourceText } from '../errors.ts';
import { listingText } from '../listings.ts';
import { moduleOf, sourcesOf } from '../modules.ts';

function loadedSources(connection: Connection, args: Arguments): Answer {
  const { session } = launched(connection, args.command);
  return { body: { sources: sourcesOf(connection, session.images.all) } };
}

function modules(connection: Connection, args: Arguments): Answer {
  const all = launched(connection, args.command).session.images.all;
  const start = Math.max(0, optionalInteger(args, 'startModule') ?? 0);
  const count = optionalInteger(args, 'moduleCount') ?? 0;
  const wanted = all.slice(start, count > 0 ? start + count : undefined);
  return { body: { modules: wanted.map((loaded) => moduleOf(connection, loaded)), totalModules: all.length } };
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
