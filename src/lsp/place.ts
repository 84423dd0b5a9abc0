// Places: the assembler counts lines and columns from 1, the protocol from 0. URIs: the assembler joins paths as they are
// written, so all URIs are kept decoded inside and encoded on their way out.
import type { Location, Position, Range } from 'vscode-languageserver';
import type { SourceRange } from '../asm/tokens.ts';
import { type Program, uriOf } from './program.ts';

export function rangeOfPlace(place: SourceRange): Range {
  return {
    start: { line: place.line - 1, character: place.column - 1 },
    end: { line: place.line - 1, character: place.end - 1 },
  };
}

export const wholeLine = (line: number, length = 0): Range => ({
  start: { line: line - 1, character: 0 },
  end: { line: line - 1, character: length },
});

export function locationOf(program: Program, place: SourceRange): Location {
  return { uri: outsideUri(program.root, uriOf(program, place)), range: rangeOfPlace(place) };
}

export function insideUri(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}

const SCHEME = /^[A-Za-z][\w+.-]+:\/\//;

/** A path as the assembler asks for it, to the URI of the file: relative ones belong to the folder of the main file. */
export function resolvePath(root: string, path: string): string {
  if (SCHEME.test(path)) return path;
  const authority = /^[A-Za-z][\w+.-]+:\/\/[^/]*/.exec(root)?.[0] ?? '';
  if (path.startsWith('/')) return authority + path;
  if (/^[A-Za-z]:[/\\]/.test(path)) return `${authority}/${path.replaceAll('\\', '/')}`;
  const folder = root.slice(authority.length).replace(/[^/]*$/, '');
  const out: string[] = [];
  for (const part of (folder + path.replaceAll('\\', '/')).split('/')) {
    if (part === '.') continue;
    if (part === '..' && out.length > 1) out.pop();
    else out.push(part);
  }
  return authority + out.join('/');
}

/** The URI that a client knows the file by. */
export function outsideUri(root: string, path: string): string {
  const uri = resolvePath(root, path);
  const scheme = SCHEME.exec(uri)?.[0] ?? '';
  return (
    scheme +
    uri
      .slice(scheme.length)
      .split('/')
      .map((part) => encodeURIComponent(part).replaceAll('%3A', ':'))
      .join('/')
  );
}

export const lineOf = (position: Position): number => position.line + 1;
export const columnOf = (position: Position): number => position.character + 1;
