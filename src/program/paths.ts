// Paths and URIs as text: the machine's user may be on any system, or in a browser.

/** The last part of a path or URI. */
export const baseName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** The part before the last separator, without it; empty when there is none. */
export const folderOf = (path: string): string => {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return end < 0 ? '' : path.slice(0, Math.max(end, 1));
};

/** True for `/x`, `C:\x`, `\\server\x` and `scheme:/x`. */
export const isAbsolute = (path: string): boolean => /^([/\\]|[A-Za-z][A-Za-z0-9+.-]*:[/\\])/.test(path);

/** `path` as seen from `folder`, with `.` and `..` resolved in the text. */
export function joinPath(folder: string, path: string): string {
  const whole = isAbsolute(path) || folder === '' ? path : `${folder}/${path}`;
  return normalPath(whole);
}

/** Removes `.`, `..` and doubled separators where the text alone tells how. Keeps the root, a drive or a URI's authority. */
export function normalPath(path: string): string {
  const root = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*\/?|[A-Za-z]:[/\\]|[/\\]+)/.exec(path)?.[0] ?? '';
  const separator = root.includes('\\') || (root === '' && path.includes('\\') && !path.includes('/')) ? '\\' : '/';
  const parts: string[] = [];
  for (const part of path.slice(root.length).split(/[/\\]+/)) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || root === '') parts.push(part);
  }
  return root + parts.join(separator);
}
