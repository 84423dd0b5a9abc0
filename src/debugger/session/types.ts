// What a session is made of, and what it tells.

import type { Moment } from '../../machine/history/types.ts';
import type { Machine } from '../../machine/types.ts';
import type { Image } from '../../program/image.ts';
import type { SourceMap } from '../../program/source-map.ts';
import type { FileReader } from '../../program/types.ts';
import type { SessionAnnotations } from '../annotations/points.ts';
import type { Breakpoint } from '../breakpoints.ts';
import type { LoadedImage } from '../images.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Cause } from './cause.ts';

export interface SessionEvents {
  /** The machine runs. */
  continued(): void;
  stopped(cause: Cause): void;
  /** The program ended through a test-exit port or a shutdown request. */
  ended(status: number): void;
  logged(text: string, breakpoint: Breakpoint): void;
  /** The machine went back from a moment: what it logs and prints up to it was told before. */
  wentBack?(from: Moment): void;
  /** Something was changed at a past moment: what was recorded after it is forgotten. */
  pastChanged?(): void;
  /** Breakpoints became verified, or no longer are. */
  breakpointsChanged?(changed: readonly Breakpoint[]): void;
  /** The symbols and lines of a file were added or removed: source breakpoints may bind elsewhere. */
  imagesChanged?(how: 'new' | 'removed', image: LoadedImage): void;
}

export interface SessionOptions {
  readonly machine: Machine;
  readonly image: Image;
  /** Of the program, for lists of images. */
  readonly path?: string;
  /** For images that are added while the session goes on. */
  readonly readFile?: FileReader;
  readonly sourceMap?: SourceMap | undefined;
  readonly scheduler: Scheduler;
  readonly events: SessionEvents;
  readonly stopOnEntry: boolean;
  /** Stop once, at the first VM exit. */
  readonly stopOnFirstVmExit: boolean;
  /** Stand still where the program ends, so that one can look at it and go back. */
  readonly stopAtEnd?: boolean;
  /** Annotations of the sources, with the groups that are on. */
  readonly annotations?: SessionAnnotations | undefined;
}

export type SessionState = 'ready' | 'running' | 'stopped' | 'ended';
