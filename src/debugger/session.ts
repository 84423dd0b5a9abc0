// One debugging session: what a front end asks for, and the states that it goes through. session/ does the work.

import type { Machine, Side } from '../machine/types.ts';
import { compareMoments } from '../machine/history/moments.ts';
import type { Moment } from '../machine/history/types.ts';
import type { Image } from '../program/image.ts';
import { type EnabledGroups, placeAnnotations, type SessionAnnotations } from './annotations/points.ts';
import { type Breakpoint, createBreakpoints } from './breakpoints.ts';
import { type Contexts, createContexts } from './contexts.ts';
import { createFilters } from './exit-filters.ts';
import type { Context } from './expressions/names.ts';
import { forgetFuture, forgetHits, noteDeparture } from './hits.ts';
import { createImages, type ImageRequest, type Images, type LoadedImage } from './images.ts';
import { currentPosition, type Position } from './position.ts';
import type { Journey } from './reverse/traveller.ts';
import type { Cause } from './session/cause.ts';
import { createInForce, type InForce, update } from './session/in-force.ts';
import { createRun, type Run, runSlices, type Wishes } from './session/slices.ts';
import { openImage, placeImages, removeImage, type SymbolFiles } from './session/symbol-files.ts';
import { countersOf, goOn, internalError } from './session/travelling.ts';
import type { SessionOptions, SessionState } from './session/types.ts';
import type { NamedSnapshot, SnapshotFiles } from './snapshots.ts';
import type { CodeFrame } from './stack.ts';
import { planStepInto } from './step-targets.ts';
import { type Granularity, type Plan, planStep, planStepRange, type StepKind } from './stepping.ts';
import { lookAtData, updateMapped } from './watchpoints.ts';

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
  readonly #contexts: Contexts;
  readonly #force: InForce;
  readonly #symbols: SymbolFiles;
  readonly #run: Run;
  readonly #wishes: Wishes = { pause: undefined, disposed: false };
  #state: SessionState = 'ready';
  #cause: Cause | undefined;
  /** Where the program ended, and its status. */
  #programEnd: (Moment & { readonly status: number }) | undefined;
  #steppedFrom: Position | undefined;

  constructor(options: SessionOptions) {
    const { machine, image, path, stopOnFirstVmExit, scheduler, events } = options;
    this.#options = options;
    this.machine = machine;
    this.images = createImages(machine, image, path ?? image.program.name);
    this.annotations = options.annotations ?? { bound: [], enabled: 'all' };
    placeAnnotations(this.breakpoints, this.annotations);
    this.#contexts = createContexts(machine, this.images);
    this.#force = createInForce(machine, this.breakpoints, this.filters);
    this.#symbols = { images: this.images, options, added: this.added, contexts: this.#contexts };
    machine.history.onCut = () => {
      forgetFuture(countersOf(this.#force), machine.history.now());
      events.pastChanged?.();
    };
    this.#run = createRun({
      judge: {
        machine,
        images: this.images,
        contexts: this.#contexts,
        force: this.#force,
        tell: (text, breakpoint) => events.logged(text, breakpoint),
        firstExitWanted: stopOnFirstVmExit,
        watchJudged: false,
        expected: [],
        unmet: undefined,
      },
      files: this.#symbols,
      scheduler,
      wishes: this.#wishes,
      tellMapped: () => this.#tellMapped(true),
    });
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

  /** What expressions are evaluated against: names mean what they mean in `frame`, or where the side stands. */
  context(side: Side = this.machine.side(), frame?: CodeFrame): Context {
    return this.#contexts(side, frame);
  }

  /**
   * Reads the symbols and lines of another file: from where its code is met in memory when its address is `find`. Answers undefined while
   * that is not found. Rejects with a ProgramError.
   */
  openImage(request: ImageRequest): Promise<LoadedImage | undefined> {
    return openImage(this.#symbols, request);
  }

  removeImage(id: number): void {
    removeImage(this.#symbols, id);
  }

  /** Switches groups of annotations. Answers how many found no room. */
  enableAnnotations(enabled: EnabledGroups): number {
    this.annotations.enabled = enabled;
    return placeAnnotations(this.breakpoints, this.annotations);
  }

  /** Puts the breakpoints in force and looks which are mapped. Answers those that changed. */
  applyBreakpoints(): readonly Breakpoint[] {
    const changed = update(this.#force);
    const mapped = updateMapped(this.machine, this.breakpoints);
    return [...changed, ...mapped];
  }

  /** From `ready`: stops at the entry, or runs. */
  start(): void {
    if (this.#state !== 'ready') return;
    if (this.#options.stopOnEntry) this.#stop({ kind: 'entry' });
    else void this.#go(undefined, false);
  }

  /**
   * From `stopped`: runs on. Answers false when the session is in another state. `alone`: the other processors stand still until
   * the next stop.
   */
  continue(alone = false): boolean {
    return this.#leave(alone, () => undefined);
  }

  /** From `stopped`: one step of the machine's selected processor; the others run meanwhile, unless it goes `alone`. Answers false in another state. */
  step(kind: StepKind, granularity: Granularity, alone = false): boolean {
    return this.#leave(alone, () => planStep(this.machine, this.image, kind, granularity));
  }

  /** From `stopped`: one step into the function at an address, which the statement calls. */
  stepInto(address: bigint, alone = false): boolean {
    const over = (): Plan => planStep(this.machine, this.image, 'over', 'instruction');
    return this.#leave(alone, () => planStepInto(this.machine, address, this.image, over));
  }

  /** From `stopped`: instructions of the selected processor until it stands outside a range of linear addresses. */
  stepRange(start: bigint, end: bigint, alone = false): boolean {
    return this.#leave(alone, () => planStepRange(this.machine, start, end));
  }

  /** From `stopped`: goes another way through time than forward. Answers false when the session is in another state. */
  travel(journey: Journey): boolean {
    if (this.#state !== 'stopped') return false;
    this.#depart();
    this.#options.events.continued();
    const { history } = this.machine;
    const origin = history.now();
    void goOn(this.#run, journey).then((cause) => {
      const now = history.now();
      if (compareMoments(now, origin) < 0) this.#options.events.wentBack?.(origin);
      this.#stop(cause);
    });
    return true;
  }

  /** The recorded past was replaced: nothing was met in it. */
  forgetHits(): void {
    forgetHits(countersOf(this.#force));
  }

  /** Stops a running machine at the end of its slice, to look at a processor (absent: the one that runs); nothing otherwise. */
  pause(processor?: number): void {
    if (this.#state === 'running') this.#wishes.pause = { processor };
  }

  /** Ends the session without a word; a running slice finishes first. */
  dispose(): void {
    this.#wishes.disposed = true;
    this.#state = 'ended';
  }

  #leave(alone: boolean, plan: () => Plan | undefined): boolean {
    if (this.#state !== 'stopped') return false;
    const { machine } = this;
    const all = Array.from({ length: machine.processors }, (_, processor) => processor);
    machine.hold(alone ? all.filter((processor) => processor !== machine.processor()) : []);
    void this.#go(plan());
    return true;
  }

  #depart(): void {
    this.#state = 'running';
    this.#cause = undefined;
    this.#wishes.pause = undefined;
  }

  /** `judged`: the breakpoints where it stands had their say. */
  async #go(plan: Plan | undefined, judged = true): Promise<void> {
    this.#depart();
    this.#steppedFrom = plan === undefined ? undefined : currentPosition(this.machine);
    this.#run.arrivalJudged = judged;
    this.applyBreakpoints();
    lookAtData(this.machine, this.breakpoints);
    this.#options.events.continued();
    const { time, events } = this.machine.history.now();
    noteDeparture(countersOf(this.#force), { time, events });
    if (this.#programEnd?.time === time && this.#programEnd.events === events)
      return this.#end(this.#programEnd.status);
    try {
      const outcome = await runSlices(this.#run, plan);
      if (outcome === undefined) return;
      if ('cause' in outcome) this.#stop(outcome.cause);
      else this.#programEnded(outcome.status);
    } catch (thrown) {
      this.#stop(internalError(thrown));
    }
  }

  #stop(cause: Cause): void {
    if (this.#wishes.disposed) return;
    this.#state = 'stopped';
    this.#cause = cause;
    this.machine.hold([]);
    this.machine.history.arrive();
    placeImages(this.#symbols);
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
    if (this.#wishes.disposed) return;
    this.#state = 'ended';
    this.#options.events.ended(status);
  }
}
