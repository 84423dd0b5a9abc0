// One debugging session: runs the machine in slices, decides at every stop whether the user wants it, tells the front end.

import type {
  EntryFailure,
  FaultRecord,
  Machine,
  RunOptions,
  Side,
  Stop,
  VmEntry,
  VmExit,
  VmFail,
} from '../machine/types.ts';
import type { Image } from '../program/image.ts';
import { addressOf } from '../program/image.ts';
import type { SourceMap } from '../program/source-map.ts';
import { loadMovableFile, loadSymbolFile } from '../program/symbol-file.ts';
import type { FileReader } from '../program/types.ts';
import {
  assertionText,
  type EnabledGroups,
  expectationText,
  placeAnnotations,
  type SessionAnnotations,
} from './annotations/points.ts';
import {
  allBreakpoints,
  type Breakpoint,
  breakpointAddresses,
  type BreakpointVerdict,
  createBreakpoints,
  meetBreakpoints,
  meetThese,
} from './breakpoints.ts';
import { createFilters, meetFilters, REASON_TABLE_SIZE, wantsEvent } from './exit-filters.ts';
import type { Context } from './expressions/names.ts';
import { currentPosition, type Position } from './position.ts';
import type { NamedSnapshot, SnapshotFiles } from './snapshots.ts';
import type { Moment } from '../machine/history/types.ts';
import { INTERRUPTED, type Journey, type Traveller } from './reverse/traveller.ts';
import { createImages, type ImageRequest, type Images, type ImageSelector, type LoadedImage } from './images.ts';
import type { Scheduler } from './scheduler.ts';
import { sourceScope } from './source/scope.ts';
import type { CodeFrame } from './stack.ts';
import { planStepInto } from './step-targets.ts';
import { type Granularity, type Plan, planStep, planStepRange, type StepKind, type Wanted } from './stepping.ts';
import {
  applyWatches,
  exitReasonsWanted,
  lookAfterwards,
  lookAtData,
  type Met,
  metByTransition,
  metByWatch,
  updateMapped,
  wantsEntries,
  wordsFor,
} from './watchpoints.ts';

/** Why the session stands still. */
export type Cause =
  | { readonly kind: 'entry' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'step' }
  /** The program ended. Going on ends the session. */
  | { readonly kind: 'end'; readonly status: number }
  /** Going back ended where the recorded past begins. */
  | { readonly kind: 'history-start' }
  /** Went to a moment that was asked for. */
  | { readonly kind: 'jump'; readonly text?: string }
  | { readonly kind: 'breakpoint'; readonly breakpoints: readonly Breakpoint[]; readonly errors: readonly string[] }
  /** Data or event breakpoints, with what happened. */
  | {
      readonly kind: 'watch';
      readonly breakpoints: readonly Breakpoint[];
      readonly text: string;
      readonly errors: readonly string[];
    }
  /** An annotation of a source does not hold. */
  | {
      readonly kind: 'assertion';
      readonly breakpoints: readonly Breakpoint[];
      readonly text: string;
      readonly errors: readonly string[];
    }
  | {
      readonly kind: 'vm-exit';
      readonly exit: VmExit;
      readonly breakpoints?: readonly Breakpoint[];
      readonly errors: readonly string[];
    }
  | {
      readonly kind: 'vm-entry';
      readonly entry: VmEntry;
      readonly breakpoints?: readonly Breakpoint[];
      readonly errors: readonly string[];
    }
  | { readonly kind: 'entry-failure'; readonly failure: EntryFailure; readonly errors: readonly string[] }
  | { readonly kind: 'vm-fail'; readonly fail: VmFail; readonly errors: readonly string[] }
  | { readonly kind: 'triple-fault'; readonly faults: readonly FaultRecord[]; readonly errors: readonly string[] }
  | {
      readonly kind: 'vmx-abort';
      readonly indicator: number;
      readonly explanation: string;
      readonly errors: readonly string[];
    }
  | { readonly kind: 'idle'; readonly explanation: string }
  | { readonly kind: 'unsimulated'; readonly explanation: string }
  /** A bug of the machine; the session stays usable. */
  | { readonly kind: 'internal-error'; readonly explanation: string };

export interface SessionEvents {
  /** The machine runs. */
  continued(): void;
  stopped(cause: Cause): void;
  /** The program ended through a test-exit port or a shutdown request. */
  ended(status: number): void;
  logged(text: string, breakpoint: Breakpoint): void;
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

/** Wall time after which the session lets the host handle messages, in milliseconds. */
const BREATH = 8;
/** Wall time between looks whether the code of pending breakpoints is mapped by now, in milliseconds. */
const PENDING_LOOK = 100;
const FIRST_SLICE = 50_000;
const SMALLEST_SLICE = 1_000;
const LARGEST_SLICE = 50_000_000;
/** While an image is looked for in memory. */
const SEARCHING_SLICE = 20_000;

export class Session {
  readonly machine: Machine;
  readonly images: Images;
  readonly breakpoints = createBreakpoints();
  readonly filters = createFilters();
  readonly annotations: SessionAnnotations;
  /** What the user keeps of moments, by name. */
  readonly snapshots = new Map<string, NamedSnapshot>();
  /** What commands added to the images of the launch. */
  readonly added: ImageRequest[] = [];
  /** Files of the user's; absent where there are none. */
  files: SnapshotFiles | undefined;
  readonly #options: SessionOptions;
  /** Where the program ended, and its status. */
  #programEnd: (Moment & { readonly status: number }) | undefined;
  readonly #contexts: Readonly<Record<Side, Context>>;
  #state: SessionState = 'ready';
  #cause: Cause | undefined;
  #pauseRequested = false;
  #paused: number | undefined;
  #disposed = false;
  #firstExitWanted: boolean;
  /** Going back, nothing is logged. */
  #quiet = false;
  #slice = FIRST_SLICE;
  /** The breakpoints at the current instruction had their say. */
  #arrivalJudged = false;
  /** Addresses of the user's breakpoints, and what the machine was told last. */
  #addresses: ReadonlySet<bigint> = new Set();
  #knownVersion = -1;
  /** What a watch tells before it happens had its say, and has not happened yet. */
  #watchJudged = false;
  #owners: readonly Breakpoint[] = [];
  #exitReasons: { readonly filters: Uint8Array | undefined; readonly wanted: Uint8Array | undefined } | undefined;
  #entriesWanted = false;
  /** Annotations about the instruction that comes next: it must cause a VM exit. */
  #expected: readonly Breakpoint[] = [];
  /** What was expected and did not happen. */
  #unmet: Cause | undefined;
  #temporary: readonly bigint[] | undefined;
  #withOwn = true;
  #setKey = '';
  #steppedFrom: Position | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.machine = options.machine;
    this.images = createImages(options.machine, options.image, options.path ?? options.image.program.name);
    this.#firstExitWanted = options.stopOnFirstVmExit;
    this.annotations = options.annotations ?? { bound: [], enabled: 'all' };
    placeAnnotations(this.breakpoints, this.annotations);
    this.#contexts = { root: this.#contextOf('root'), 'non-root': this.#contextOf('non-root') };
  }

  /** Adds an image; undefined while its place in memory is not found. Rejects with a ProgramError. */
  openImage({ path, address, selector }: ImageRequest): Promise<LoadedImage | undefined> {
    return address === 'find' ? this.followImage(path, selector) : this.addImage(path, address, selector);
  }

  /**
   * Reads the symbols and lines of another file. `address`: where its first byte lies in linear memory, when that is not where it was linked.
   * Rejects with a ProgramError.
   */
  async addImage(path: string, address: bigint | undefined, selector: ImageSelector): Promise<LoadedImage> {
    const { readFile, sourceMap, events } = this.#options;
    if (readFile === undefined) throw new Error('the session has no reader of files');
    const { program } = await loadSymbolFile(path, address, readFile, sourceMap);
    const loaded = this.images.add(path, program, selector);
    events.imagesChanged?.('new', loaded);
    return loaded;
  }

  /**
   * Reads the symbols and lines of a file that was moved when it was loaded: they count from when its code is met in memory. Answers the
   * image when that is so now. Rejects with a ProgramError.
   */
  async followImage(path: string, selector: ImageSelector): Promise<LoadedImage | undefined> {
    const { readFile, sourceMap } = this.#options;
    if (readFile === undefined) throw new Error('the session has no reader of files');
    this.images.follow({ path, file: await loadMovableFile(path, readFile, sourceMap), selector });
    return this.#placeImages().find((loaded) => loaded.path === path);
  }

  #placeImages(): readonly LoadedImage[] {
    if (this.images.unplaced.length === 0) return [];
    const found = this.images.place();
    for (const loaded of found) this.#options.events.imagesChanged?.('new', loaded);
    return found;
  }

  removeImage(id: number): void {
    const loaded = this.images.all.find((candidate) => candidate.id === id);
    this.images.remove(id);
    const asked = this.added.findIndex(({ selector }) => selector === loaded?.selector);
    if (asked >= 0) this.added.splice(asked, 1);
    if (loaded !== undefined) this.#options.events.imagesChanged?.('removed', loaded);
  }

  /** What the side that runs is seen through. */
  get image(): Image {
    return this.images.view(this.machine.side());
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Why it stands still, while it is stopped. */
  get cause(): Cause | undefined {
    return this.#state === 'stopped' ? this.#cause : undefined;
  }

  /** Where the last step began; undefined when the machine ran on since. */
  get steppedFrom(): Position | undefined {
    return this.#steppedFrom;
  }

  /** Switches groups of annotations. Answers how many found no room. */
  enableAnnotations(enabled: EnabledGroups): number {
    this.annotations.enabled = enabled;
    return placeAnnotations(this.breakpoints, this.annotations);
  }

  /** From `ready`: stops at the entry, or runs. */
  start(): void {
    if (this.#state !== 'ready') return;
    if (this.#options.stopOnEntry) this.#stop({ kind: 'entry' });
    else void this.#run(undefined, false);
  }

  /**
   * From `stopped`: runs on. Answers false when the session is in another state. `alone`: the other processors stand still until
   * the next stop.
   */
  continue(alone = false): boolean {
    if (this.#state !== 'stopped') return false;
    this.#hold(alone);
    void this.#run(undefined);
    return true;
  }

  /** From `stopped`: one step of the machine's selected processor; the others run meanwhile, unless it goes `alone`. Answers false in another state. */
  step(kind: StepKind, granularity: Granularity, alone = false): boolean {
    if (this.#state !== 'stopped') return false;
    this.#hold(alone);
    void this.#run(planStep(this.machine, this.image, kind, granularity));
    return true;
  }

  /** From `stopped`: one step into the function at an address, which the statement calls. */
  stepInto(address: bigint, alone = false): boolean {
    if (this.#state !== 'stopped') return false;
    this.#hold(alone);
    const over = (): Plan => planStep(this.machine, this.image, 'over', 'instruction');
    void this.#run(planStepInto(this.machine, address, this.image, over));
    return true;
  }

  /** From `stopped`: instructions of the selected processor until it stands outside a range of linear addresses. */
  stepRange(start: bigint, end: bigint, alone = false): boolean {
    if (this.#state !== 'stopped') return false;
    this.#hold(alone);
    void this.#run(planStepRange(this.machine, start, end));
    return true;
  }

  /** From `stopped`: goes another way through time than forward. Answers false when the session is in another state. */
  travel(journey: Journey): boolean {
    if (this.#state !== 'stopped') return false;
    void this.#journey(journey);
    return true;
  }

  /** Stops a running machine at the end of its slice, to look at a processor (absent: the one that runs); nothing otherwise. */
  pause(processor?: number): void {
    if (this.#state !== 'running') return;
    this.#pauseRequested = true;
    this.#paused = processor;
  }

  #hold(alone: boolean): void {
    const { machine } = this;
    const all = Array.from({ length: machine.processors }, (_, processor) => processor);
    machine.hold(alone ? all.filter((processor) => processor !== machine.processor()) : []);
  }

  /** Ends the session without a word; a running slice finishes first. */
  dispose(): void {
    this.#disposed = true;
    this.#state = 'ended';
  }

  /** What expressions are evaluated against: names mean what they mean in `frame`, or where the side stands. */
  context(side: Side = this.machine.side(), frame?: CodeFrame): Context {
    if (frame !== undefined) return this.#contextOf(side, frame);
    return side === 'root' ? this.#contexts.root : this.#contexts['non-root'];
  }

  #contextOf(side: Side, frame?: CodeFrame): Context {
    const { machine, images } = this;
    return {
      machine,
      side,
      get image() {
        return images.view(side);
      },
      addressOf: (name) => addressOf(images.view(side), name),
      get source() {
        return sourceScope(machine, images.view(side), side, frame);
      },
      symbols: () => [...images.view(side).byName.keys()],
    };
  }

  async #journey(journey: Journey): Promise<void> {
    const { scheduler } = this.#options;
    const { history } = this.machine;
    this.#state = 'running';
    this.#cause = undefined;
    this.#pauseRequested = false;
    this.#options.events.continued();
    const origin = history.now();
    const counters = [...this.filters.active, ...allBreakpoints(this.breakpoints)].map(
      (counter) => [counter, counter.hits] as const,
    );
    const firstExitWanted = this.#firstExitWanted;
    this.#firstExitWanted = false;
    let breath = scheduler.now();
    const traveller: Traveller = {
      machine: this.machine,
      image: this.image,
      breathe: async () => {
        if (scheduler.now() - breath < BREATH) return;
        await scheduler.breathe();
        breath = scheduler.now();
        if (this.#pauseRequested || this.#disposed) throw INTERRUPTED;
      },
      setBreakpoints: (addresses, withOwn) => this.#setBreakpoints(addresses, withOwn),
      options: () => this.#runOptions(undefined),
      judge: (stop) => this.#judge(stop),
    };
    let cause: Cause;
    this.#quiet = true;
    try {
      cause = await journey(traveller);
    } catch (thrown) {
      if (thrown === INTERRUPTED) {
        history.goTo(origin);
        cause = { kind: 'pause' };
      } else {
        const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
        cause = { kind: 'internal-error', explanation: `Ringside met a bug of its own. ${text}` };
      }
    } finally {
      this.#quiet = false;
      this.#expected = [];
      this.#unmet = undefined;
      this.#watchJudged = false;
      this.#firstExitWanted = firstExitWanted;
      for (const [counter, hits] of counters) counter.hits = hits;
    }
    this.#setBreakpoints(NONE, true);
    history.arrive();
    this.#stop(cause);
  }

  /** `judged`: the breakpoints where it stands had their say. */
  async #run(plan: Plan | undefined, judged = true): Promise<void> {
    this.#state = 'running';
    this.#steppedFrom = plan === undefined ? undefined : currentPosition(this.machine);
    this.#cause = undefined;
    this.#pauseRequested = false;
    this.#arrivalJudged = judged;
    this.applyBreakpoints();
    lookAtData(this.machine, this.breakpoints);
    this.#options.events.continued();
    const { time, events } = this.machine.history.now();
    if (this.#programEnd?.time === time && this.#programEnd.events === events)
      return this.#end(this.#programEnd.status);
    try {
      await this.#slices(plan);
    } catch (thrown) {
      const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      this.#stop({ kind: 'internal-error', explanation: `Ringside met a bug of its own. ${text}` });
    }
  }

  async #slices(plan: Plan | undefined): Promise<void> {
    const { scheduler } = this.#options;
    let wanted = nextWanted(plan, undefined);
    const stepped = this.machine.processor();
    let breath = scheduler.now();
    let looked = breath;
    while (!this.#disposed) {
      const before = scheduler.now();
      const stop = this.#advance(wanted, stepped);
      const after = scheduler.now();
      if (stop.kind === 'shutdown') return this.#programEnded(stop.status);
      this.#placeImages();
      const waits = stop.kind === 'budget' && stop.waiting === true;
      if (stop.kind === 'budget' && ((wanted?.single !== true && this.#unmet === undefined) || waits)) {
        this.#arrivalJudged = false;
        this.#watchJudged = false;
        this.#adapt(after - before);
      } else {
        this.#arrivalJudged = true;
        this.#watchJudged = false;
        const cause = this.#judge(stop);
        if (cause !== undefined) return this.#stop(cause);
        // After a watch that is told before it happens nothing has happened yet: on over it, with the same aim. What other
        // processors met is no step of this one.
        if (plan !== undefined && !this.#watchJudged && this.machine.processor() === stepped) {
          wanted = nextWanted(plan, stop);
          if (wanted === undefined) return this.#stop({ kind: 'step' });
        }
      }
      if (after - breath < BREATH) continue;
      if (after - looked >= PENDING_LOOK) {
        looked = after;
        this.#tellMapped(true);
      }
      await scheduler.breathe();
      breath = scheduler.now();
      if (this.#pauseRequested && !this.#disposed) {
        if (this.#paused !== undefined) this.machine.select(this.#paused);
        return this.#stop({ kind: 'pause' });
      }
    }
  }

  #advance(wanted: Wanted | undefined, stepped: number): Stop {
    if (this.#expected.length > 0) return this.#stepExpecting();
    this.#setBreakpoints(wanted?.addresses ?? NONE);
    if (wanted?.single !== true) return this.machine.run(this.#forward(wanted));
    this.machine.select(stepped);
    return this.machine.step({
      honourWatches: true,
      skipWatch: this.#watchJudged,
      others: this.#forward(undefined),
    });
  }

  #forward(wanted: Wanted | undefined): RunOptions {
    return {
      ...this.#runOptions(wanted),
      limit: this.images.unplaced.length > 0 ? Math.min(this.#slice, SEARCHING_SLICE) : this.#slice,
      skipBreakpoint: this.#arrivalJudged,
      skipWatch: this.#watchJudged,
    };
  }

  /** What the user's filters and a plan ask for. */
  #runOptions(wanted: Wanted | undefined): Omit<RunOptions, 'limit'> {
    return {
      exitReasons: wanted?.exits === true || this.#firstExitWanted ? EVERY_REASON : this.#reasons(),
      entries: wanted?.entries === true || this.#entriesWanted || wantsEvent(this.filters, 'entry'),
      entryFailures: wanted?.failures === true || wantsEvent(this.filters, 'entry-failure'),
      vmFails: wanted?.failures === true || wantsEvent(this.filters, 'vm-fail'),
      tripleFaults: true,
    };
  }

  /** Puts the breakpoints in force and looks which are mapped. Answers those that changed. */
  applyBreakpoints(): readonly Breakpoint[] {
    const changed = this.#update();
    const mapped = updateMapped(this.machine, this.breakpoints);
    return [...changed, ...mapped];
  }

  #update(): readonly Breakpoint[] {
    if (this.#knownVersion === this.breakpoints.version) return [];
    this.#knownVersion = this.breakpoints.version;
    this.#addresses = new Set(breakpointAddresses(this.breakpoints));
    this.#temporary = undefined;
    const { owners, refused } = applyWatches(this.machine, this.breakpoints);
    this.#owners = owners;
    this.#exitReasons = undefined;
    this.#entriesWanted = wantsEntries(this.breakpoints);
    lookAtData(this.machine, this.breakpoints);
    return refused;
  }

  /** Exit reasons that filters and breakpoints look at. */
  #reasons(): Uint8Array | undefined {
    const filters = this.filters.exitReasons;
    if (this.#exitReasons === undefined || this.#exitReasons.filters !== filters) {
      this.#exitReasons = { filters, wanted: exitReasonsWanted(this.breakpoints, filters) };
    }
    return this.#exitReasons.wanted;
  }

  #setBreakpoints(temporary: readonly bigint[], withOwn = true): void {
    this.#update();
    if (temporary === this.#temporary && withOwn === this.#withOwn) return;
    this.#temporary = temporary;
    this.#withOwn = withOwn;
    const addresses = withOwn ? [...this.#addresses, ...temporary] : temporary;
    const key = addresses.join();
    if (key === this.#setKey) return;
    this.#setKey = key;
    this.machine.setBreakpoints([...new Set(addresses)]);
  }

  /** Slices of about half a breath, so that requests and pauses are served in time whatever the machine's speed is. */
  #adapt(milliseconds: number): void {
    const factor = Math.min(2, Math.max(0.05, (BREATH * 0.5) / Math.max(milliseconds, 0.01)));
    this.#slice = Math.min(LARGEST_SLICE, Math.max(SMALLEST_SLICE, Math.floor(this.#slice * factor)));
  }

  /** Whether the user wants to stand here; undefined: run on. */
  #judge(stop: Stop): Cause | undefined {
    const unmet = this.#unmet;
    this.#unmet = undefined;
    if (unmet !== undefined) return unmet;
    return this.#judgeEvent(stop) ?? this.#judgeArrival();
  }

  #judgeEvent(stop: Stop): Cause | undefined {
    if (stop.kind === 'budget' || stop.kind === 'breakpoint') return undefined;
    if (stop.kind === 'watch') return this.#judgeWatch(stop);
    const verdict = meetFilters(this.filters, stop, this.context());
    const own = this.#meet(metByTransition(this.breakpoints, stop));
    const errors = [...verdict.errors, ...own.errors];
    const breakpoints = own.stopping;
    const wanted = verdict.stopping.length > 0 || breakpoints.length > 0;
    switch (stop.kind) {
      case 'vm-exit': {
        const first = this.#firstExitWanted;
        this.#firstExitWanted = false;
        return wanted || first ? { kind: 'vm-exit', exit: stop.exit, breakpoints, errors } : undefined;
      }
      case 'vm-entry':
        return wanted ? { kind: 'vm-entry', entry: stop.entry, breakpoints, errors } : undefined;
      case 'entry-failure':
        return wanted ? { kind: 'entry-failure', failure: stop.failure, errors } : undefined;
      case 'vm-fail':
        return wanted ? { kind: 'vm-fail', fail: stop.fail, errors } : undefined;
      case 'triple-fault':
        return wanted
          ? { kind: 'triple-fault', faults: stop.faults, errors }
          : { kind: 'idle', explanation: SHUT_DOWN };
      case 'vmx-abort':
        return wanted
          ? { kind: 'vmx-abort', indicator: stop.indicator, explanation: stop.explanation, errors }
          : { kind: 'idle', explanation: SHUT_DOWN };
      case 'idle':
        return { kind: 'idle', explanation: stop.explanation };
      case 'unsimulated':
        return { kind: 'unsimulated', explanation: stop.explanation };
      default:
        return undefined;
    }
  }

  /** What was watched has happened, or is about to. Data whose change cannot be told before is looked at after one instruction. */
  #judgeWatch(stop: Stop & { kind: 'watch' }): Cause | undefined {
    this.#watchJudged = stop.before;
    const cause = this.#watchCause(metByWatch(this.machine, this.#owners, stop));
    if (cause !== undefined) return cause;
    const later = lookAfterwards(this.#owners, stop);
    if (later.length === 0) return undefined;
    const after = this.machine.step();
    this.#watchJudged = false;
    const read = stop.hits.every(({ access }) => access === 'read');
    const met = later.flatMap((breakpoint): Met[] => {
      const text = wordsFor(this.machine, breakpoint, read);
      return text === undefined ? [] : [{ breakpoint, text }];
    });
    return this.#watchCause(met) ?? this.#judgeEvent(after);
  }

  #watchCause(met: readonly Met[]): Cause | undefined {
    const verdict = this.#meet(met.map(({ breakpoint }) => breakpoint));
    if (verdict.stopping.length === 0) return undefined;
    const texts = met.filter(({ breakpoint }) => verdict.stopping.includes(breakpoint)).map(({ text }) => text);
    return { kind: 'watch', breakpoints: verdict.stopping, text: texts.join('\n'), errors: verdict.errors };
  }

  #meet(met: readonly Breakpoint[]): BreakpointVerdict {
    const verdict = meetThese(met, this.context());
    for (const log of verdict.logs) this.#log(log.text, log.breakpoint);
    return verdict;
  }

  /** One instruction, which is expected to cause a VM exit. */
  #stepExpecting(): Stop {
    const stop = this.machine.step({ honourWatches: true, skipWatch: this.#watchJudged });
    if ((stop.kind === 'watch' && stop.before) || (stop.kind === 'budget' && stop.waiting === true)) return stop;
    const expected = this.#expected;
    this.#expected = [];
    const reason = stop.kind === 'vm-exit' ? stop.exit.reason & 0xffff : undefined;
    const failed = expected.filter(({ annotation }) => {
      const wanted = annotation?.annotation;
      return wanted?.kind === 'expect-exit' && wanted.reason !== reason;
    });
    const texts = failed.flatMap(({ annotation }) =>
      annotation === undefined ? [] : [expectationText(this.image, annotation, reason)],
    );
    if (failed.length > 0) this.#unmet = { kind: 'assertion', breakpoints: failed, text: texts.join('\n'), errors: [] };
    return stop;
  }

  #judgeArrival(): Cause | undefined {
    if (this.#addresses.size === 0) return undefined;
    const { linear } = currentPosition(this.machine);
    if (!this.#addresses.has(linear)) return undefined;
    const verdict = meetBreakpoints(this.breakpoints, linear, this.context());
    for (const log of verdict.logs) this.#log(log.text, log.breakpoint);
    const { errors } = verdict;
    this.#expected = verdict.stopping.filter(({ annotation }) => annotation?.annotation.kind === 'expect-exit');
    const failed = verdict.stopping.filter(({ annotation }) => annotation?.annotation.kind === 'assert');
    const breakpoints = verdict.stopping.filter(({ annotation }) => annotation === undefined);
    if (failed.length > 0) {
      const texts = failed.flatMap(({ annotation }) =>
        annotation === undefined ? [] : [assertionText(this.image, annotation)],
      );
      return { kind: 'assertion', breakpoints: [...failed, ...breakpoints], text: texts.join('\n'), errors };
    }
    return breakpoints.length === 0 && errors.length === 0 ? undefined : { kind: 'breakpoint', breakpoints, errors };
  }

  #log(text: string, breakpoint: Breakpoint): void {
    if (!this.#quiet) this.#options.events.logged(text, breakpoint);
  }

  #stop(cause: Cause): void {
    if (this.#disposed) return;
    this.#state = 'stopped';
    this.#cause = cause;
    this.machine.hold([]);
    this.#placeImages();
    this.#tellMapped();
    this.#options.events.stopped(cause);
  }

  #tellMapped(pendingOnly = false): void {
    const changed = updateMapped(this.machine, this.breakpoints, pendingOnly);
    if (changed.length > 0) this.#options.events.breakpointsChanged?.(changed);
  }

  #programEnded(status: number): void {
    if (this.#options.stopAtEnd === true) {
      this.#programEnd = { ...this.machine.history.now(), status };
      this.#stop({ kind: 'end', status });
    } else this.#end(status);
  }

  #end(status: number): void {
    if (this.#disposed) return;
    this.#state = 'ended';
    this.#options.events.ended(status);
  }
}

const NONE: readonly bigint[] = [];
const EVERY_REASON = new Uint8Array(REASON_TABLE_SIZE).fill(1);
const SHUT_DOWN = 'The processor is in the shutdown state: only a reset would end it.';

function nextWanted(plan: Plan | undefined, stop: Stop | undefined): Wanted | undefined {
  if (plan === undefined) return undefined;
  const next = stop === undefined ? plan.next() : plan.next(stop);
  return next.done === true ? undefined : next.value;
}
