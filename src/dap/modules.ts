// Images as the protocol's modules and loaded sources.

import { hex } from '../debugger/format.ts';
import { type LoadedImage, selectorText } from '../debugger/images.ts';
import type { Connection, Debuggee } from './connection.ts';
import { toClientPath } from './paths.ts';
import { bindAsked } from './requests/breakpoints.ts';
import { sourceOf } from './sources.ts';

/** The protocol's Module. */
export function moduleOf(connection: Connection, { id, path, image, selector, extent }: LoadedImage): object {
  const { program } = image;
  const segments = program.segments.filter(({ size }) => size > 0);
  const start = segments.length > 0 ? Math.min(...segments.map(({ address }) => address)) : extent.start;
  const end = segments.length > 0 ? Math.max(...segments.map(({ address, size }) => address + size)) : extent.end;
  const parts = [
    program.symbols.length === 0 ? 'no symbols' : `${program.symbols.length} symbols`,
    ...(program.lines.rows.length > 0 ? ['source lines'] : []),
    ...(program.debug === undefined ? [] : ['variables and types']),
  ];
  const whose = selectorText(selector);
  return {
    id,
    name: whose === '' ? program.name : `${program.name} (${whose})`,
    path: toClientPath(path, connection.client?.pathFormat ?? 'path'),
    symbolStatus: parts.join(', '),
    ...(end > 0 ? { addressRange: `${hex(start)} to ${hex(end)}` } : {}),
  };
}

/** Every source file that has code, of all images. */
export function sourcesOf(connection: Connection, images: readonly LoadedImage[]): object[] {
  const files = images.flatMap(({ image }) =>
    image.program.lines.files.filter((_, index) => image.rowsOfFile.has(index)),
  );
  return [...new Set(files)].map((path) => sourceOf(connection, path));
}

/** Tells the client of an image that came or went, and binds its breakpoints again. */
export function imagesChanged(
  connection: Connection,
  debuggee: Debuggee,
  reason: 'new' | 'removed',
  loaded: LoadedImage,
): void {
  connection.event('module', { reason, module: moduleOf(connection, loaded) });
  for (const source of sourcesOf(connection, [loaded])) connection.event('loadedSource', { reason, source });
  bindAsked(connection, debuggee, debuggee);
}
