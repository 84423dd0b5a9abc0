// The files whose symbols and lines a session knows: the program itself, and others that hold for one side or one address space. Each
// side is seen through a view of those that apply to it now.

import type { Machine, Side } from '../machine/types.ts';
import { type Image, filesMatching, imageOf } from '../program/image.ts';
import { type Extent, extentOf, mergedImage } from '../program/merge.ts';
import type { Peek } from '../program/object-file.ts';
import { normalPath } from '../program/paths.ts';
import type { MovableFile } from '../program/symbol-file.ts';
import type { Program } from '../program/types.ts';
import type { Expression } from './expressions/parser.ts';
import { readSideRegister } from './expressions/registers.ts';
import { anchorsOf, findDisplacement } from './relocation.ts';

/** Whose code an image is; without a side it holds for both. */
export const IMAGE_SIDES = ['host', 'guest', 'real-mode guest'] as const;
export type ImageSide = (typeof IMAGE_SIDES)[number];

export interface ImageSelector {
  readonly side?: ImageSide | undefined;
  /** The guest's VMCS: its host-physical address. */
  readonly vmcs?: bigint | undefined;
  /** The address space: CR3 without its low 12 bits. */
  readonly cr3?: bigint | undefined;
}

export interface LoadedImage {
  /** From 1; the program is 1. */
  readonly id: number;
  readonly path: string;
  readonly image: Image;
  readonly selector: ImageSelector;
  readonly extent: Extent;
}

/** What somebody asks for. */
export interface ImageRequest {
  readonly path: string;
  /** Linear address of its first byte; where it was linked when absent; `find`: wherever its code is met; or as the program tells while it runs. */
  readonly address: bigint | 'find' | ToldAddress | undefined;
  readonly selector: ImageSelector;
}

/** An expression of the hypervisor that tells where an image lies, once it is not 0. */
export interface ToldAddress {
  readonly text: string;
  readonly expression: Expression;
  /** The symbol of the image that lies there; its first byte otherwise. */
  readonly symbol: string | undefined;
}

/** An image of which is not known yet where it lies. */
export interface UnplacedImage {
  readonly id: number;
  readonly path: string;
  readonly file: MovableFile;
  readonly selector: ImageSelector;
  /** Without it its code is looked for. */
  readonly told?: ToldAddress | undefined;
}

export interface Images {
  /** The program first. */
  readonly all: readonly LoadedImage[];
  /** Those that are not found in memory yet. */
  readonly unplaced: readonly UnplacedImage[];
  /** What a side is seen through now. */
  view(side: Side): Image;
  /** The image that a source file belongs to: of several the one that names the path itself. */
  forSource(path: string): Image;
  /** The image that a function, a label or a line (`file:line`) is in. */
  forName(name: string): Image;
  add(path: string, program: Program, selector: ImageSelector): LoadedImage;
  /** An image that counts from when it is known where it lies. */
  follow(image: Omit<UnplacedImage, 'id'>): void;
  /**
   * Looks for the images that are not placed, `thoroughly` at what the stack and the interrupt-descriptor table lead to as well; adds and
   * answers those that were found. `ask` answers what an expression is, undefined when it is nothing yet.
   */
  place(ask: (expression: Expression) => bigint | undefined, thoroughly: boolean): readonly LoadedImage[];
  /** Forgets an image, or one that is not found yet. */
  remove(id: number): void;
  /** Memory as those see it for whom an image with this selector holds. */
  peek(selector: ImageSelector): Peek;
}

export function createImages(machine: Machine, main: Image, path: string): Images {
  const first: LoadedImage = { id: 1, path, image: main, selector: {}, extent: extentOf(main.program) };
  let all: readonly LoadedImage[] = [first];
  let nextId = 2;
  let unplaced: readonly UnplacedImage[] = [];
  const views = new Map<string, Image>();
  const add = (file: string, program: Program, selector: ImageSelector, id = nextId++): LoadedImage => {
    const applying = (): boolean => applies(machine, machine.side(), selector);
    const image: Image = { ...imageOf(program), applies: applying };
    const loaded: LoadedImage = { id, path: file, image, selector, extent: extentOf(program) };
    all = [...all, loaded];
    views.clear();
    return loaded;
  };
  return {
    get all() {
      return all;
    },
    get unplaced() {
      return unplaced;
    },
    view(side) {
      if (all.length === 1) return main;
      const applying = all.filter(({ selector }) => applies(machine, side, selector));
      const key = applying.map(({ id }) => id).join();
      let view = views.get(key);
      if (view === undefined) {
        // The more an image says about where it holds, the more it counts; the program counts least.
        const ranked = applying.toSorted((a, b) => rank(b) - rank(a));
        view = ranked.length === 0 ? main : mergedImage(ranked.map(({ image }) => image.program));
        views.set(key, view);
      }
      return view;
    },
    forSource(source) {
      const wanted = normalPath(source).replaceAll('\\', '/');
      const named = all.filter(({ image }) => filesMatching(image, source).length > 0);
      const exact = named.find(({ image }) =>
        image.program.lines.files.some((file) => normalPath(file).replaceAll('\\', '/') === wanted),
      );
      return (exact ?? named[0] ?? first).image;
    },
    forName(name) {
      const path = /^(.+):\d+$/.exec(name)?.[1];
      const named = all.find(({ image }) => image.byName.has(name));
      const source = path === undefined ? undefined : all.find(({ image }) => filesMatching(image, path).length > 0);
      return (named ?? source ?? first).image;
    },
    add,
    follow: (image) => {
      unplaced = [...unplaced, { ...image, id: nextId++ }];
    },
    place(ask, thoroughly) {
      const found: LoadedImage[] = [];
      const looked = new Map<Side, ReadonlySet<bigint>>();
      const anchors = (side: Side): ReadonlySet<bigint> => {
        const known = looked.get(side) ?? anchorsOf(machine, side, thoroughly);
        looked.set(side, known);
        return known;
      };
      for (const waiting of unplaced) {
        const program =
          waiting.told === undefined
            ? programInMemory(machine, waiting, all, anchors)
            : programTold(machine, waiting, waiting.told, ask);
        if (program === undefined) continue;
        unplaced = unplaced.filter((other) => other !== waiting);
        found.push(add(waiting.path, program, waiting.selector, waiting.id));
      }
      return found;
    },
    remove(id) {
      if (id === first.id) return;
      all = all.filter((candidate) => candidate.id !== id);
      unplaced = unplaced.filter((candidate) => candidate.id !== id);
      views.clear();
    },
    peek: ({ side }) => peekOf(machine, side === undefined ? machine.side() : side === 'host' ? 'root' : 'non-root'),
  };
}

/** Memory as a side sees it. */
const peekOf =
  (machine: Machine, side: Side): Peek =>
  (address, length) =>
    machine.peekLinear(side, address, length);

/** The program where an expression says that it lies. */
function programTold(
  machine: Machine,
  { file, selector }: UnplacedImage,
  { expression, symbol }: ToldAddress,
  ask: (expression: Expression) => bigint | undefined,
): Program | undefined {
  const [address, linked] = [ask(expression), file.linked(symbol)];
  if (address === undefined || address === 0n || linked === undefined) return undefined;
  const side: Side = selector.side === undefined || selector.side === 'host' ? 'root' : 'non-root';
  const displacement = BigInt.asUintN(64, address - linked);
  return file.at(displacement, peekOf(machine, side));
}

/** The program where its code lies now. A copy of a file that is known already is another one: where that one lies does not count. */
function programInMemory(
  machine: Machine,
  { path, file, selector }: UnplacedImage,
  all: readonly LoadedImage[],
  anchors: (side: Side) => ReadonlySet<bigint>,
): Program | undefined {
  const copies = all.filter((other) => other.path === path);
  const isKnown = (displacement: bigint): boolean =>
    copies.some(({ extent }) =>
      file.code.some(({ linear }) => {
        const start = BigInt.asUintN(64, linear + displacement);
        return start >= extent.start && start < extent.end;
      }),
    );
  for (const side of ['root', 'non-root'] as const) {
    if (!applies(machine, side, selector)) continue;
    const displacement = findDisplacement(machine, side, file.code, isKnown, anchors(side));
    if (displacement !== undefined) return file.at(displacement, peekOf(machine, side));
  }
  return undefined;
}

const rank = ({ id, selector }: LoadedImage): number =>
  (id === 1 ? 0 : 1) +
  (selector.side === undefined ? 0 : 2) +
  (selector.vmcs === undefined ? 0 : 4) +
  (selector.cr3 === undefined ? 0 : 4);

/** Whether an image holds for a side as it is now. */
function applies(machine: Machine, side: Side, { side: wanted, vmcs, cr3 }: ImageSelector): boolean {
  if (wanted === 'host' && side !== 'root') return false;
  if (wanted === 'guest' || wanted === 'real-mode guest') {
    if (side !== 'non-root') return false;
    const realMode = ((readSideRegister(machine, side, 'cr0') ?? 0n) & 1n) === 0n;
    if ((wanted === 'real-mode guest') !== realMode) return false;
  }
  if (vmcs !== undefined && (side !== 'non-root' || machine.currentVmcs() !== vmcs)) return false;
  return cr3 === undefined || ((readSideRegister(machine, side, 'cr3') ?? 0n) & ~0xfffn) === (cr3 & ~0xfffn);
}

/** `guest code, VMCS 0x1000`: for whom an image holds, in words; empty for both sides. */
export function selectorText({ side, vmcs, cr3 }: ImageSelector): string {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  const parts = [
    ...(side === undefined ? [] : [side]),
    ...(vmcs === undefined ? [] : [`VMCS ${hex(vmcs)}`]),
    ...(cr3 === undefined ? [] : [`CR3 ${hex(cr3)}`]),
  ];
  return parts.join(', ');
}
