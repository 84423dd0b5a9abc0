// A GDB remote stub over one session: packets in, packets out. It knows no socket, so that any byte stream can carry it.
// Source: GDB manual, "GDB Remote Serial Protocol". The machine is in all-stop mode.

import { commandLine, runCommand, type Services } from '../debugger/console/console.ts';
import { evaluateShown } from '../debugger/evaluation.ts';
import { explainCause } from '../debugger/explain.ts';
import { errorText } from '../debugger/expressions/errors.ts';
import { place } from '../debugger/place.ts';
import { currentPosition } from '../debugger/position.ts';
import type { Session } from '../debugger/session.ts';
import type { Cause } from '../debugger/session/cause.ts';
import { readActions, type Resumption, SUPPORTED_ACTIONS } from './actions.ts';
import { backwards, backwardsStep } from './backwards.ts';
import {
  bytesOfHex,
  bytesOfLatin1,
  createPacketDecoder,
  encodePacket,
  hexOfBytes,
  hexOfText,
  type Incoming,
  PACKET_SIZE,
} from './packets.ts';
import { createGdbPoints } from './points.ts';
import { REGISTERS, registerHex, targetDescription, valueOfHex, writeGdbRegister } from './registers.ts';
import { describeThread, readThread, threadId, threadList } from './threads.ts';

/** Ends the connection after what was sent. */
export type SendBytes = (bytes: Uint8Array) => void;

const SIGINT = 2;
const SIGTRAP = 5;
/** Answers: an error number has no agreed meaning but that there was one. */
const BAD_REQUEST = 'E16';
const NOT_MAPPED = 'E0e';
const OK = 'OK';
const UNKNOWN = '';

const FEATURES = [
  `PacketSize=${PACKET_SIZE.toString(16)}`,
  'QStartNoAckMode+',
  'qXfer:features:read+',
  'vContSupported+',
  'swbreak+',
  'hwbreak+',
  'ReverseStep+',
  'ReverseContinue+',
].join(';');

export class GdbStub {
  readonly #session: Session;
  readonly #send: SendBytes;
  readonly #leave: (how: 'detach' | 'kill') => void;
  readonly #decoder;
  readonly #points;
  /** The processor that `c`, `s`, `bs` and `bc` speak of; undefined: the one that is selected. */
  #continued: number | undefined;
  /** The processor that stopped last. */
  #stoppedOn: number;
  #acknowledge = true;
  #lastSent: Uint8Array | undefined;
  #running = false;
  #exitStatus: number | undefined;
  /** A `monitor` command that sent the machine through time waits for it to arrive. */
  #arrived: ((cause: Cause) => void) | undefined;
  readonly #services: Services | undefined;
  #queue: Promise<void> = Promise.resolve();

  /** `leave` is called when the client detaches or kills the program. The session must be `ready` or `stopped`. */
  constructor(session: Session, send: SendBytes, leave: (how: 'detach' | 'kill') => void, services?: Services) {
    this.#session = session;
    this.#send = send;
    this.#leave = leave;
    this.#services = services;
    this.#points = createGdbPoints(session);
    this.#stoppedOn = session.machine.processor();
    this.#decoder = createPacketDecoder((incoming) => this.#take(incoming));
  }

  /** Bytes that came from the client. */
  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
  }

  /** The machine stopped; told to the client when it waits for that. */
  stopped(cause: Cause): void {
    this.#stoppedOn = this.#session.machine.processor();
    this.#arrived?.(cause);
    this.#arrived = undefined;
    if (!this.#running) return;
    this.#running = false;
    const explanation = explainCause(cause, this.#session.machine, this.#session.image);
    // Of a watchpoint GDB speaks itself.
    if (explanation !== undefined && !(cause.kind === 'watch' && this.#points.met(cause.breakpoints) !== ''))
      this.print(`${explanation.title}\n${explanation.body}\n`, true);
    this.#reply(this.#stopReply());
  }

  /** The program ended. */
  ended(status: number): void {
    this.#exitStatus = status & 0xff;
    if (!this.#running) return;
    this.#running = false;
    this.#reply(this.#stopReply());
  }

  /** Text for the client's console. The protocol allows it only while the machine runs. */
  print(text: string, force = false): void {
    if (this.#running || force) this.#reply(`O${hexOfText(text)}`);
  }

  #take(incoming: Incoming): void {
    switch (incoming.kind) {
      case 'interrupt':
        // It may come with the packet that sets the machine going.
        if (this.#session.state === 'running') this.#session.pause();
        else this.#queue = this.#queue.then(() => this.#session.pause());
        break;
      case 'resend':
        if (this.#lastSent !== undefined && this.#acknowledge) this.#send(this.#lastSent);
        break;
      case 'damaged':
        this.#send(bytesOfLatin1('-'));
        break;
      case 'packet':
        if (this.#acknowledge) this.#send(bytesOfLatin1('+'));
        this.#queue = this.#queue
          .then(async () => {
            const answer = await this.#answer(incoming.data);
            if (answer !== undefined) this.#reply(answer);
          })
          .catch((thrown: unknown) => {
            const text = thrown instanceof Error ? thrown.message : String(thrown);
            this.#reply(`E.Ringside met a bug of its own: ${text}`);
          });
    }
  }

  #reply(text: string): void {
    this.#lastSent = encodePacket(text);
    this.#send(this.#lastSent);
  }

  /** The answer to a packet; undefined when it comes later or not at all. */
  #answer(data: string): string | undefined | Promise<string> {
    const rest = data.slice(1);
    switch (data[0]) {
      case '?':
        return this.#stopReply();
      case 'g':
        return REGISTERS.map((register) => registerHex(this.#session.machine, register)).join('');
      case 'G':
        return this.#writeAll(rest);
      case 'p':
        return this.#readOne(rest);
      case 'P':
        return this.#writeOne(rest);
      case 'm':
        return this.#readMemory(rest);
      case 'M':
        return this.#writeMemory(rest, bytesOfHex);
      case 'X':
        return this.#writeMemory(rest, bytesOfLatin1);
      case 'Z':
        return this.#breakpoint(rest, true);
      case 'z':
        return this.#breakpoint(rest, false);
      case 'c':
        return this.#resume({ ...PLAIN, kind: 'continue', processor: this.#continued });
      case 's':
        return this.#resume({ ...PLAIN, kind: 'step', processor: this.#continued });
      case 'b':
        return this.#back(data);
      case 'H':
        return this.#chooseThread(data[1], data.slice(2));
      case 'T':
        return typeof readThread(this.#session.machine, rest) === 'number' ? OK : BAD_REQUEST;
      case 'D':
        this.#reply(OK);
        this.#leave('detach');
        return undefined;
      case 'k':
        this.#leave('kill');
        return undefined;
      case 'v':
        return this.#verbose(data);
      case 'q':
      case 'Q':
        return this.#query(data);
      default:
        return UNKNOWN;
    }
  }

  #stopReply(): string {
    if (this.#exitStatus !== undefined) return `W${this.#exitStatus.toString(16).padStart(2, '0')}`;
    const cause = this.#session.cause;
    const thread = `thread:${threadId(this.#stoppedOn)};`;
    if (cause?.kind === 'pause') return `T${two(SIGINT)}${thread}`;
    return `T${two(SIGTRAP)}${this.#reason(cause)}${thread}`;
  }

  /** What a stop reply says of a cause that GDB has a word for. */
  #reason(cause: Cause | undefined): string {
    switch (cause?.kind) {
      case 'breakpoint':
        return 'swbreak:;';
      case 'watch':
        return this.#points.met(cause.breakpoints);
      case 'history-start':
        return 'replaylog:begin;';
      default:
        return '';
    }
  }

  #resume({ kind, start, end, processor, alone }: Resumption): string | undefined {
    const session = this.#session;
    return this.#go(() => {
      if (processor !== undefined) session.machine.select(processor);
      if (kind === 'step') return session.step('in', 'instruction', alone);
      return kind === 'range' ? session.stepRange(start, end, alone) : session.continue(alone);
    });
  }

  /** `bs` and `bc`. */
  #back(data: string): string | undefined {
    if (data !== 'bs' && data !== 'bc') return UNKNOWN;
    const session = this.#session;
    if (!session.machine.history.recording) return BAD_REQUEST;
    return this.#go(() => {
      if (this.#continued !== undefined) session.machine.select(this.#continued);
      return session.travel(data === 'bs' ? backwardsStep : backwards);
    });
  }

  /** The answer to what sets the machine going; undefined: it comes with the next stop. */
  #go(action: () => boolean): string | undefined {
    if (this.#exitStatus !== undefined) return this.#stopReply();
    if (this.#session.state !== 'stopped') return BAD_REQUEST;
    this.#running = true;
    if (action()) return undefined;
    this.#running = false;
    return BAD_REQUEST;
  }

  #verbose(data: string): string | undefined {
    if (data === 'vCont?') return SUPPORTED_ACTIONS;
    if (data.startsWith('vKill')) {
      this.#reply(OK);
      this.#leave('kill');
      return undefined;
    }
    if (!data.startsWith('vCont;')) return UNKNOWN;
    const wanted = readActions(this.#session.machine, data);
    return wanted === undefined ? BAD_REQUEST : this.#resume(wanted);
  }

  /** `Hg` chooses whose registers and memory are meant, `Hc` who goes. */
  #chooseThread(operation: string | undefined, text: string): string {
    const { machine } = this.#session;
    const thread = readThread(machine, text);
    if (thread === undefined) return BAD_REQUEST;
    if (operation === 'c') this.#continued = typeof thread === 'number' ? thread : undefined;
    else if (typeof thread === 'number' && this.#session.state !== 'running') machine.select(thread);
    return OK;
  }

  #query(data: string): string | Promise<string> {
    const name = /^[^:;,]*/.exec(data)?.[0];
    switch (name) {
      case 'qSupported':
        return FEATURES;
      case 'QStartNoAckMode':
        this.#acknowledge = false;
        return OK;
      case 'qXfer':
        return transfer(data);
      case 'qC':
        return `QC${threadId(this.#session.machine.processor())}`;
      case 'qfThreadInfo':
        return threadList(this.#session.machine);
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo':
        return this.#threadInfo(data.slice('qThreadExtraInfo,'.length));
      case 'qAttached':
        return '1';
      case 'qSymbol':
        return OK;
      case 'qRcmd':
        return this.#monitor(new TextDecoder().decode(bytesOfHex(data.slice('qRcmd,'.length)) ?? new Uint8Array()));
      default:
        return UNKNOWN;
    }
  }

  #threadInfo(text: string): string {
    const { machine } = this.#session;
    const thread = readThread(machine, text);
    return typeof thread === 'number' ? hexOfText(describeThread(machine, thread)) : BAD_REQUEST;
  }

  /** `monitor TEXT`: a command of the debug console, or an expression. */
  async #monitor(text: string): Promise<string> {
    const context = this.#session.context();
    const line = commandLine(text);
    if (line !== undefined) {
      const answer = await runCommand(line, this.#session, context, this.#services);
      const text = 'error' in answer ? answer.error : answer.text;
      if (this.#session.state !== 'running') return hexOfText(`${text}\n`);
      const cause = await new Promise<Cause>((resolve) => {
        this.#arrived = resolve;
      });
      return hexOfText([text, this.#arrivalText(cause), MOVED, ''].join('\n'));
    }
    const shown = evaluateShown(text, context);
    return hexOfText(`${shown.ok ? shown.value.text : errorText(shown.error)}\n`);
  }

  /** Where a journey led, and what it found. */
  #arrivalText(cause: Cause): string {
    const { machine, image } = this.#session;
    const words = cause.kind === 'jump' ? cause.text : explainCause(cause, machine, image)?.title;
    const where = `Time ${machine.time()}, at ${place(image, currentPosition(machine).linear)}.`;
    return [...(words === undefined ? [] : [words]), where].join('\n');
  }

  #readOne(rest: string): string {
    const register = REGISTERS[Number.parseInt(rest, 16)];
    return register === undefined ? BAD_REQUEST : registerHex(this.#session.machine, register);
  }

  #writeOne(rest: string): string {
    const [number = '', text = ''] = rest.split('=');
    const register = REGISTERS[Number.parseInt(number, 16)];
    const value = valueOfHex(text);
    if (register === undefined || value === undefined) return BAD_REQUEST;
    return writeGdbRegister(this.#session.machine, register, value) === undefined ? OK : BAD_REQUEST;
  }

  /** GDB sends all registers back with one changed: those that are as they were are not written. */
  #writeAll(rest: string): string {
    const { machine } = this.#session;
    let at = 0;
    let answer = OK;
    for (const register of REGISTERS) {
      const text = rest.slice(at, at + register.bits / 4);
      at += register.bits / 4;
      if (text.length < register.bits / 4) break;
      if (text.toLowerCase() === registerHex(machine, register)) continue;
      const value = valueOfHex(text);
      if (register.source === undefined) continue;
      if (value === undefined || writeGdbRegister(machine, register, value) !== undefined) answer = BAD_REQUEST;
    }
    return answer;
  }

  #readMemory(rest: string): string {
    const range = rangeOf(rest);
    if (range === undefined) return BAD_REQUEST;
    const { machine } = this.#session;
    const bytes = machine.peekLinear(machine.side(), range.address, Math.min(range.length, PACKET_SIZE / 4));
    return bytes.length === 0 && range.length > 0 ? NOT_MAPPED : hexOfBytes(bytes);
  }

  #writeMemory(rest: string, decode: (text: string) => Uint8Array | undefined): string {
    const colon = rest.indexOf(':');
    const range = rangeOf(rest.slice(0, colon));
    const bytes = decode(rest.slice(colon + 1));
    if (colon < 0 || range === undefined || bytes === undefined || bytes.length !== range.length) return BAD_REQUEST;
    const { machine } = this.#session;
    const written = machine.pokeLinear(machine.side(), range.address, bytes);
    return written === bytes.length ? OK : NOT_MAPPED;
  }

  #breakpoint(rest: string, set: boolean): string {
    const changed = this.#points.change(rest, set);
    if (changed === undefined) return UNKNOWN;
    return changed ? OK : BAD_REQUEST;
  }
}

const MOVED = 'GDB does not know yet that the machine is elsewhere; say: maintenance flush register-cache';
const PLAIN = { start: 0n, end: 0n, alone: false } as const;

const two = (value: number): string => value.toString(16).padStart(2, '0');

function rangeOf(text: string): { address: bigint; length: number } | undefined {
  const match = /^([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,8})$/.exec(text);
  if (match === null) return undefined;
  return { address: BigInt(`0x${match[1]}`), length: Number.parseInt(match[2] as string, 16) };
}

/** `qXfer:features:read:target.xml:OFFSET,LENGTH`. */
function transfer(data: string): string {
  const match = /^qXfer:features:read:target\.xml:([0-9a-fA-F]+),([0-9a-fA-F]+)$/.exec(data);
  if (match === null) return /^qXfer:features:read:/.test(data) ? 'E00' : UNKNOWN;
  const offset = Number.parseInt(match[1] as string, 16);
  const length = Number.parseInt(match[2] as string, 16);
  const text = targetDescription();
  const part = text.slice(offset, offset + length);
  return `${offset + length < text.length ? 'm' : 'l'}${part}`;
}
