// Annotations of a program: those of all its sources, bound to addresses.

import type { Image } from '../../program/image.ts';
import { addressesOfLine, symbolAt } from '../../program/image.ts';
import type { FileReader } from '../../program/types.ts';
import { type Annotation, type AnnotationProblem, annotationsOf } from './annotations.ts';
import { languageOf } from './comments.ts';

export interface BoundAnnotation {
  readonly annotation: Annotation;
  readonly path: string;
  /** Line of the code that it is about: its own, or the next that code comes from. */
  readonly codeLine: number;
  /** Linear addresses before whose instruction it means something. Empty: no code comes from its line or after it. */
  readonly addresses: readonly bigint[];
}

export interface ProgramAnnotations {
  readonly bound: readonly BoundAnnotation[];
  readonly problems: readonly (AnnotationProblem & { readonly path: string })[];
}

/** Reads the sources that the line table names; a source that is not there has none. `progress` hears which part of them is read. */
export async function annotationsOfProgram(
  image: Image,
  readFile: FileReader,
  progress: (done: number) => Promise<void> = async () => {},
): Promise<ProgramAnnotations> {
  const bound: BoundAnnotation[] = [];
  const problems: (AnnotationProblem & { path: string })[] = [];
  const paths = [...new Set(image.program.lines.files)];
  for (const [index, path] of paths.entries()) {
    await progress(index / paths.length);
    const language = languageOf(path);
    const bytes = language === undefined ? undefined : await readFile(path).catch(() => undefined);
    if (language === undefined || bytes === undefined) continue;
    const found = annotationsOf(new TextDecoder().decode(bytes), language);
    problems.push(...found.problems.map((problem) => ({ ...problem, path })));
    for (const annotation of found.annotations) bound.push(bind(image, path, annotation, problems));
  }
  return { bound, problems };
}

function bind(
  image: Image,
  path: string,
  annotation: Annotation,
  problems: (AnnotationProblem & { path: string })[],
): BoundAnnotation {
  const place = addressesOfLine(image, path, annotation.line);
  if (place === undefined) {
    const { line, column } = annotation;
    problems.push({ path, line, column, message: `No code comes from this line or from one after it.` });
  }
  return { annotation, path, codeLine: place?.line ?? annotation.line, addresses: place?.addresses ?? [] };
}

/** `file.asm:12 (label+0x4)`: where an annotation stands. */
export function annotationPlace(image: Image, { annotation, path, addresses }: BoundAnnotation): string {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const [address] = addresses;
  const symbol = address === undefined ? undefined : symbolAt(image, address);
  const inside = symbol === undefined ? '' : ` in ${symbol.name}`;
  return `${name}:${annotation.line}${inside}`;
}
