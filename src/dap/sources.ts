// Places in source files as the protocol writes them.

import { baseName } from '../program/paths.ts';
import { type Connection, toClientLine } from './connection.ts';
import { toClientPath } from './paths.ts';

/** The protocol's Source of a path. */
export function sourceOf(connection: Connection, path: string): object {
  return { name: baseName(path), path: toClientPath(path, connection.client?.pathFormat ?? 'path') };
}

/** `source` and `line` of a body; without a line only the source. */
export function locationOf(connection: Connection, path: string, line: number | undefined): object {
  return {
    source: sourceOf(connection, path),
    ...(line === undefined ? {} : { line: toClientLine(connection, line) }),
  };
}
