// Where sources are now, when that is not where they were when the program was built.
import { normalPath } from './paths.ts';

/** New folders (or files) by old ones; the longest old one that fits is taken. */
export type SourceMap = Readonly<Record<string, string>>;

export function mappedPath(path: string, map: SourceMap): string {
  const plain = forward(path);
  let best: string | undefined;
  for (const from of Object.keys(map)) {
    const old = forward(from).replace(/\/$/, '');
    const fits = plain === old || plain.startsWith(`${old}/`);
    if (fits && (best === undefined || old.length > forward(best).length)) best = from;
  }
  if (best === undefined) return path;
  const rest = plain.slice(forward(best).replace(/\/$/, '').length);
  return normalPath(`${map[best]}${rest}`);
}

const forward = (path: string): string => normalPath(path).replaceAll('\\', '/');
