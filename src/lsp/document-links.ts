// Links on %include.
import type { DocumentLink } from 'vscode-languageserver';
import { outsideUri, rangeOfPlace } from './place.ts';
import type { Program } from './program.ts';

export function documentLinks(program: Program, file: number): DocumentLink[] {
  return program.trace.includes.flatMap((include) => {
    if (include.range.file !== file || include.file === undefined) return [];
    const range = rangeOfPlace(include.range);
    // The quotes are no part of the link.
    range.start.character += 1;
    range.end.character -= 1;
    return [{ range, target: outsideUri(program.root, program.assembly.files[include.file]!.path) }];
  });
}
