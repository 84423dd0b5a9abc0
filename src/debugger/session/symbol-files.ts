// Images that are added to a session while it goes on, and those that are looked for in memory.

import { loadMovableFile, loadSymbolFile } from '../../program/symbol-file.ts';
import { noSuchSymbol } from '../../program/errors.ts';
import { evaluate } from '../expressions/evaluator.ts';
import type { ImageRequest, Images, ImageSelector, LoadedImage, ToldAddress } from '../images.ts';
import type { Contexts } from '../contexts.ts';
import type { SessionOptions } from './types.ts';

export interface SymbolFiles {
  readonly images: Images;
  readonly options: SessionOptions;
  /** What commands added to the images of the launch. */
  readonly added: ImageRequest[];
  readonly contexts: Contexts;
}

/** Undefined while its place in memory is not found. Rejects with a ProgramError. */
export function openImage(
  files: SymbolFiles,
  { path, address, selector }: ImageRequest,
): Promise<LoadedImage | undefined> {
  if (address === 'find') return followImage(files, path, selector, undefined);
  return typeof address === 'object'
    ? followImage(files, path, selector, address)
    : addImage(files, path, address, selector);
}

async function addImage(
  { images, options }: SymbolFiles,
  path: string,
  address: bigint | undefined,
  selector: ImageSelector,
): Promise<LoadedImage> {
  const { program } = await loadSymbolFile(path, address, readerOf(options), options.sourceMap, images.peek(selector));
  const loaded = images.add(path, program, selector);
  options.events.imagesChanged?.('new', loaded);
  return loaded;
}

async function followImage(
  files: SymbolFiles,
  path: string,
  selector: ImageSelector,
  told: ToldAddress | undefined,
): Promise<LoadedImage | undefined> {
  const { images, options } = files;
  const file = await loadMovableFile(path, readerOf(options), options.sourceMap);
  if (told?.symbol !== undefined && file.linked(told.symbol) === undefined) throw noSuchSymbol(path, told.symbol);
  images.follow({ path, file, selector, told });
  return placeImages(files).find((loaded) => loaded.selector === selector);
}

function readerOf({ readFile }: SessionOptions): NonNullable<SessionOptions['readFile']> {
  if (readFile === undefined) throw new Error('the session has no reader of files');
  return readFile;
}

/** Those that are in memory by now count from here. Answers them. `thoroughly`: what the stack and the interrupt-descriptor table lead to is looked at as well. */
export function placeImages({ images, options, contexts }: SymbolFiles, thoroughly = true): readonly LoadedImage[] {
  if (images.unplaced.length === 0) return [];
  const found = images.place((expression) => {
    const told = evaluate(expression, contexts('root'));
    return told.ok ? told.value.value : undefined;
  }, thoroughly);
  for (const loaded of found) options.events.imagesChanged?.('new', loaded);
  return found;
}

export function removeImage({ images, added, options }: SymbolFiles, id: number): void {
  const loaded = images.all.find((candidate) => candidate.id === id);
  const forgotten = loaded ?? images.unplaced.find((candidate) => candidate.id === id);
  images.remove(id);
  const asked = added.findIndex(({ selector }) => selector === forgotten?.selector);
  if (asked >= 0) added.splice(asked, 1);
  if (loaded !== undefined) options.events.imagesChanged?.('removed', loaded);
}
