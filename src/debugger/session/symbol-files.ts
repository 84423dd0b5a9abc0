// Images that are added to a session while it goes on, and those that are looked for in memory.

import { loadMovableFile, loadSymbolFile } from '../../program/symbol-file.ts';
import type { ImageRequest, Images, ImageSelector, LoadedImage } from '../images.ts';
import type { SessionOptions } from './types.ts';

export interface SymbolFiles {
  readonly images: Images;
  readonly options: SessionOptions;
  /** What commands added to the images of the launch. */
  readonly added: ImageRequest[];
}

/** Undefined while its place in memory is not found. Rejects with a ProgramError. */
export function openImage(
  files: SymbolFiles,
  { path, address, selector }: ImageRequest,
): Promise<LoadedImage | undefined> {
  return address === 'find' ? followImage(files, path, selector) : addImage(files, path, address, selector);
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
): Promise<LoadedImage | undefined> {
  const { images, options } = files;
  images.follow({ path, file: await loadMovableFile(path, readerOf(options), options.sourceMap), selector });
  return placeImages(files).find((loaded) => loaded.path === path);
}

function readerOf({ readFile }: SessionOptions): NonNullable<SessionOptions['readFile']> {
  if (readFile === undefined) throw new Error('the session has no reader of files');
  return readFile;
}

/** Those that are in memory by now count from here. Answers them. */
export function placeImages({ images, options }: SymbolFiles): readonly LoadedImage[] {
  if (images.unplaced.length === 0) return [];
  const found = images.place();
  for (const loaded of found) options.events.imagesChanged?.('new', loaded);
  return found;
}

export function removeImage({ images, added, options }: SymbolFiles, id: number): void {
  const loaded = images.all.find((candidate) => candidate.id === id);
  images.remove(id);
  const asked = added.findIndex(({ selector }) => selector === loaded?.selector);
  if (asked >= 0) added.splice(asked, 1);
  if (loaded !== undefined) options.events.imagesChanged?.('removed', loaded);
}
