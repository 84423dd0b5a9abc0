// One connection of a client, over any transport: requests in, responses and events out. Every request is answered,
// whatever it is, and in the order in which requests came.

import { DapError, badArguments, cancelled, internalError, notInitialized, unknownRequest } from './errors.ts';
import { readArguments } from './arguments.ts';
import type { AdapterHost, Connection } from './connection.ts';
import { createHandles } from './handles.ts';
import { isRecord } from './launch.ts';
import { handlerOf } from './requests/index.ts';
import { createTasks } from './tasks.ts';

/** The shape of VS Code's inline debug adapters, so that this class can be one. */
export class DebugAdapter {
  readonly #connection: Connection;
  readonly #listeners = new Set<(message: object) => void>();
  #sequence = 1;
  #queue: Promise<void> = Promise.resolve();

  constructor(host: AdapterHost) {
    this.#connection = {
      host,
      handles: createHandles(() => this.#connection.debuggee?.machine),
      places: createHandles(),
      tasks: createTasks(
        host.scheduler,
        () => this.#connection.client?.supportsProgressReporting === true,
        (event, body) => this.#connection.event(event, body),
      ),
      asked: {
        lines: new Map(),
        functions: undefined,
        instructions: undefined,
        data: undefined,
        exceptions: undefined,
      },
      client: undefined,
      debuggee: undefined,
      configurationDone: false,
      nextFrameId: 1,
      shown: { before: new Map(), now: new Map() },
      listings: [],
      openMemory: new Map(),
      event: (event, body) => this.#send({ type: 'event', event, ...(body === undefined ? {} : { body }) }),
    };
  }

  /** Registers a receiver of responses and events. */
  readonly onDidSendMessage = (listener: (message: object) => void): { dispose(): void } => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  /** Takes anything that came from the client. */
  handleMessage(message: unknown): void {
    if (!isRecord(message) || message.type !== 'request' || typeof message.command !== 'string') return;
    const command = message.command;
    const request = {
      seq: typeof message.seq === 'number' ? message.seq : 0,
      command,
      input: message.arguments,
    };
    // Heard at once, whatever waits: it is about what waits.
    if (command === 'cancel') {
      void this.#answer(request);
      return;
    }
    if (command === 'disconnect' || command === 'terminate') this.#connection.tasks.cancelAll();
    this.#queue = this.#queue.then(() => this.#answer(request));
  }

  /** Ends the session; nothing is sent any more. */
  dispose(): void {
    this.#listeners.clear();
    this.#connection.debuggee?.session.dispose();
  }

  async #answer(request: { seq: number; command: string; input: unknown }): Promise<void> {
    const { seq, command, input } = request;
    const respond = (rest: object): void => this.#send({ type: 'response', request_seq: seq, command, ...rest });
    let after: (() => void) | undefined;
    try {
      if (command !== 'cancel' && !this.#connection.tasks.enter(seq)) throw cancelled(command);
      const handler = handlerOf(command);
      if (handler === undefined) throw unknownRequest(command);
      if (this.#connection.client === undefined && command !== 'initialize' && command !== 'disconnect')
        throw notInitialized(command);
      const answer = await handler(this.#connection, readArguments(command, input));
      after = answer?.after;
      respond({ success: true, ...(answer?.body === undefined ? {} : { body: answer.body }) });
    } catch (thrown) {
      respond(errorBody(thrown, command));
    }
    try {
      after?.();
    } catch (thrown) {
      const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      this.#connection.event('output', { category: 'stderr', output: `${internalError(text).message}\n` });
    }
  }

  #send(message: object): void {
    const whole = { seq: this.#sequence++, ...message };
    for (const listener of this.#listeners) listener(whole);
  }
}

function errorBody(thrown: unknown, command: string): object {
  const error = thrown instanceof DapError ? thrown : unexpected(thrown, command);
  return {
    success: false,
    message: error.message,
    // Braces would be read as variables of the message.
    body: {
      error: {
        id: error.id,
        format: error.message.replace(/[{}]/g, (brace) => (brace === '{' ? '(' : ')')),
        showUser: error.showUser,
      },
    },
  };
}

function unexpected(thrown: unknown, command: string): DapError {
  // Deeply nested input runs into the engine's limits before any check sees it: the client's mistake, not a bug.
  if (thrown instanceof RangeError && /call stack|Invalid (?:string|array) length/i.test(thrown.message)) {
    return badArguments(command, 'it is too large or nested too deeply');
  }
  return internalError(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
}
