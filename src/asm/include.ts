// Finding the files that %include names.
import type { Assembly } from './assembly.ts';
import { linesOf } from './line-cache.ts';

export function include(
  a: Assembly,
  path: string,
  from: number,
): { file: number; lines: Assembly['files'][number]['lines'] } | undefined {
  const read = a.options.readInclude;
  if (read === undefined) return undefined;
  const folder = /^(.*[/\\])[^/\\]*$/.exec(a.files[from]?.path ?? '')?.[1] ?? '';
  const absolute = /^([/\\]|[A-Za-z]:[/\\]|[A-Za-z][\w+.-]*:\/\/)/.test(path);
  for (const candidate of absolute || folder === '' ? [path] : [normalized(folder + path), path]) {
    const known = a.files.findIndex((f) => f.path === candidate);
    if (known >= 0) return { file: known, lines: a.files[known]!.lines };
    const text = read(candidate);
    if (text === undefined) {
      a.missing.push(candidate);
      continue;
    }
    const file = a.files.length;
    a.files.push({ path: candidate, text, lines: linesOf(a.cache, candidate, text, file) });
    return { file, lines: a.files[file]!.lines };
  }
  return undefined;
}

/** The path without `.` and `name/..` parts. */
function normalized(path: string): string {
  const separator = path.includes('\\') && !path.includes('/') ? '\\' : '/';
  const out: string[] = [];
  for (const part of path.split(/[/\\]/)) {
    const last = out[out.length - 1];
    if (part === '.') continue;
    if (part === '..' && last !== undefined && last !== '..' && last !== '' && !last.endsWith(':')) out.pop();
    else out.push(part);
  }
  return out.join(separator);
}
