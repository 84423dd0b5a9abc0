// What the requests of one connection share.

import type { Context } from '../debugger/expressions/names.ts';
import type { Session } from '../debugger/session.ts';
import type { ViewRecord } from '../debugger/views/record.ts';
import type { Scheduler } from '../debugger/scheduler.ts';
import { type Frame, stackFrames } from '../debugger/stack.ts';
import type { Machine, Side } from '../machine/types.ts';
import type { Image } from '../program/image.ts';
import type { FileReader, Program } from '../program/types.ts';
import { type Arguments, integer } from './arguments.ts';
import { noSuchFrame, noSuchThread, notLaunched, notStopped } from './errors.ts';
import type { Handles } from './handles.ts';
import type { LaunchOptions } from './launch.ts';
import type { Listing } from './listings.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import type { PathFormat } from './paths.ts';
import type { Tasks } from './tasks.ts';

/** What the adapter needs from where it runs. */
export interface AdapterHost {
  readonly scheduler: Scheduler;
  readonly readFile: FileReader;
  /** When a file was last modified, in seconds since 1970; undefined where nobody knows. Absent where files have no times. */
  readonly modified?: (path: string) => Promise<number | undefined>;
  /** Writes text to a file, anew or at its end; absent where there are no files. Rejects with an Error whose message says why. */
  readonly writeFile?: (path: string, text: string, append: boolean) => Promise<void>;
  /** Writes a file of the user's; rejects as readFile does. Absent where there are no files. */
  readonly writeBytes?: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Rejects with an Error whose message says why. */
  createMachine(program: Program, settings: MachineSettings): Promise<Machine>;
}

/** What launch.json says of the machine. */
export interface MachineSettings {
  readonly ramSize: number;
  readonly processors: number;
  readonly profile: CapabilityProfile;
}

/** What the client said in `initialize`. */
export interface Client {
  readonly linesStartAt1: boolean;
  readonly columnsStartAt1: boolean;
  readonly pathFormat: PathFormat;
  readonly supportsInvalidatedEvent: boolean;
  readonly supportsMemoryEvent: boolean;
  readonly supportsProgressReporting: boolean;
  readonly supportsANSIStyling: boolean;
}

/** A program in its machine. */
export interface Debuggee {
  readonly options: LaunchOptions;
  readonly machine: Machine;
  /** What the side that runs is seen through. */
  readonly image: Image;
  readonly session: Session;
  /** What views show of the run so far. */
  readonly record: ViewRecord;
  /** Stack frames of the current stop, by id; empty while the machine runs. */
  readonly frames: Map<number, Frame>;
  /** The processor of each frame. */
  readonly frameProcessors: Map<number, number>;
  /** VM entries when failed checks were told as problems; undefined when none are. */
  problemsSince: number | undefined;
}

/** Breakpoints as they were asked for, to be bound again after a restart. */
export interface AskedBreakpoints {
  readonly lines: Map<string, Arguments>;
  functions: Arguments | undefined;
  instructions: Arguments | undefined;
  data: Arguments | undefined;
  exceptions: Arguments | undefined;
}

export interface Connection {
  readonly host: AdapterHost;
  readonly handles: Handles;
  /** Numbers of places in code: targets that were offered and locations of values. */
  readonly places: Handles;
  readonly tasks: Tasks;
  readonly asked: AskedBreakpoints;
  client: Client | undefined;
  debuggee: Debuggee | undefined;
  configurationDone: boolean;
  nextFrameId: number;
  /** Variables of the last stop, to mark what changed: text by path. */
  readonly shown: ShownValues;
  /** Code without source that the client was shown. */
  readonly listings: Listing[];
  /** Memory that the client has open, newest last. */
  readonly openMemory: Map<string, OpenMemory>;
  event(name: string, body?: object): void;
}

/** A range as the client asked for it. */
export interface OpenMemory {
  readonly memoryReference: string;
  readonly offset: number;
  readonly count: number;
}

export interface ShownValues {
  before: Map<string, string>;
  now: Map<string, string>;
}

/** A handler's answer: the response's body, and what to do once it is sent. */
export interface Answer {
  readonly body?: object;
  readonly after?: () => void;
}

export type Handler = (connection: Connection, args: Arguments) => Answer | undefined | Promise<Answer | undefined>;

/** The thread of the selected processor: processors are numbered from 0, threads from 1. */
export function threadOf(machine: Machine): number {
  return machine.processor() + 1;
}

/** The processor of the thread that a request names. */
export function processorOf(args: Arguments, machine: Machine | undefined): number {
  const thread = integer(args, 'threadId');
  if (thread < 1 || thread > (machine?.processors ?? 1)) throw noSuchThread(thread);
  return thread - 1;
}

export function launched(connection: Connection, command: string): Debuggee {
  if (connection.debuggee === undefined) throw notLaunched(command);
  return connection.debuggee;
}

/** The debuggee, when its machine stands still: state may be read and changed. */
export function stopped(connection: Connection, command: string): Debuggee {
  const debuggee = launched(connection, command);
  const { state } = debuggee.session;
  if (state === 'running' || state === 'ended') throw notStopped(command, state);
  return debuggee;
}

/** The frames of the selected processor at this stop, with ids. `anew`: something was written; frames are found again and keep the ids of their places. */
export function currentFrames(connection: Connection, debuggee: Debuggee, anew = false): Map<number, Frame> {
  const { frames, frameProcessors, machine } = debuggee;
  const processor = machine.processor();
  const known = new Map([...frames].filter(([id]) => frameProcessors.get(id) === processor));
  if (known.size > 0 && !anew) return known;
  const ids = [...known.keys()];
  for (const id of ids) frames.delete(id);
  known.clear();
  for (const [index, frame] of framesOf(debuggee).entries()) {
    const id = ids[index] ?? connection.nextFrameId++;
    known.set(id, frame);
    frames.set(id, frame);
    frameProcessors.set(id, processor);
  }
  return known;
}

/** A frame by its id; its processor becomes the selected one. */
export function frameOf(debuggee: Debuggee, id: number | undefined): Frame | undefined {
  const frame = id === undefined ? undefined : debuggee.frames.get(id);
  const processor = id === undefined ? undefined : debuggee.frameProcessors.get(id);
  if (frame !== undefined && processor !== undefined) debuggee.machine.select(processor);
  return frame;
}

function framesOf({ machine, session }: Debuggee): Frame[] {
  const side = machine.side();
  return stackFrames(machine, session.images.view(side), session.images.view(side === 'root' ? 'non-root' : 'root'));
}

/** The side that a request's frame belongs to; without a frame the side that runs. */
export function sideOfFrame(debuggee: Debuggee, frameId: number | undefined): Side {
  if (frameId === undefined || frameId === 0) return debuggee.machine.side();
  const frame = frameOf(debuggee, frameId);
  if (frame === undefined) throw noSuchFrame(frameId);
  return frame.side;
}

/** What names mean in a frame; without one, or in a label, where its side stands. */
export function contextOfFrame(debuggee: Debuggee, id: number | undefined): Context {
  const side = sideOfFrame(debuggee, id);
  const frame = frameOf(debuggee, id);
  return debuggee.session.context(side, frame?.kind === 'code' ? frame : undefined);
}

const MAX_OPEN_MEMORY = 16;

/** Remembers a range that the client has read, so that it can be told when the contents may have changed. */
export function rememberMemory(connection: Connection, range: OpenMemory): void {
  const key = `${range.memoryReference} ${range.offset} ${range.count}`;
  connection.openMemory.delete(key);
  connection.openMemory.set(key, range);
  const [oldest] = connection.openMemory.keys();
  if (connection.openMemory.size > MAX_OPEN_MEMORY && oldest !== undefined) connection.openMemory.delete(oldest);
}

/** Tells the client to read its open memory again. */
export function memoryChanged(connection: Connection): void {
  if (connection.client?.supportsMemoryEvent !== true) return;
  for (const range of connection.openMemory.values()) connection.event('memory', { ...range });
}

/** Forgets what was true only at this stop. */
export function forgetStop(connection: Connection): void {
  connection.debuggee?.frames.clear();
  connection.debuggee?.frameProcessors.clear();
  for (const [path, value] of connection.shown.now) connection.shown.before.set(path, value);
  connection.shown.now.clear();
}

export function toClientLine(connection: Connection, line: number): number {
  return connection.client?.linesStartAt1 === false ? line - 1 : line;
}

export function fromClientLine(connection: Connection, line: number): number {
  return connection.client?.linesStartAt1 === false ? line + 1 : line;
}

export function toClientColumn(connection: Connection, column: number): number {
  return connection.client?.columnsStartAt1 === false ? column - 1 : column;
}
