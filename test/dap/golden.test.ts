// Conversations as text: what a client sends and what comes back, compared with files in test/dap/golden/ that people have read.
// Numbers that only name something (ids, references) stand as #.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { launchedMachine, lineAfter, type MachineAdapter, whyNoBundle } from './machine-adapter.ts';

const skip = whyNoBundle();
const HERE = dirname(fileURLToPath(import.meta.url));
const THREAD = { threadId: 1 };

/** Names of fields whose values only name something, or are long and tested elsewhere. */
const NAMES = new Set(['id', 'frameId', 'variablesReference', 'targetId', 'valueLocationReference', 'sourceReference']);

function normalised(value: unknown): string {
  const named = (key: string, part: unknown): unknown =>
    NAMES.has(key) && typeof part === 'number' && part !== 0 ? '#' : part;
  // Line ends of the layout, not of texts: those are escaped.
  return JSON.stringify(value ?? {}, named, 1)
    .replace(/\n */g, ' ')
    .replace(/([{[]) /g, '$1')
    .replace(/ ([}\]])/g, '$1')
    .replace(/("hitBreakpointIds": )\[[\d, ]*\]/g, '$1"#"')
    .replace(/"(\w+)": /g, '$1: ');
}

class Transcript {
  readonly lines: string[] = [];
  readonly #adapter: MachineAdapter;
  #read: number;

  constructor(adapter: MachineAdapter) {
    this.#adapter = adapter;
    this.#read = adapter.messages.length;
  }

  /** Sends a request and notes it with its answer; with `until` also the events up to the one of this name. */
  async send(command: string, args: object = {}, until?: string): Promise<Record<string, unknown>> {
    this.lines.push(`→ ${command} ${normalised(args)}`);
    const event = until === undefined ? undefined : this.#adapter.event(until);
    const answer = await this.#adapter.raw(command, args);
    await event;
    for (const message of this.#adapter.messages.slice(this.#read)) {
      // What the program prints arrives in pieces that depend on the host's speed.
      if (message.event === 'ringside/console' || message.body?.category === 'stdout') continue;
      if (message.type === 'response')
        this.lines.push(
          `← ${message.success === true ? '' : `refused: ${message.message} `}${normalised(message.success === true ? message.body : {})}`,
        );
      else this.lines.push(`· ${message.event} ${normalised(message.body)}`);
    }
    this.#read = this.#adapter.messages.length;
    return answer.body ?? {};
  }

  async matches(name: string): Promise<void> {
    await expect(`${this.lines.join('\n')}\n`).toMatchFileSnapshot(join(HERE, 'golden', `${name}.txt`));
  }
}

describe.skipIf(skip !== undefined)('transcripts', () => {
  test('breakpoints on an exit, on data and on a line', async () => {
    const talk = new Transcript(await launchedMachine());
    await talk.send('setFunctionBreakpoints', {
      breakpoints: [{ name: 'exit:CPUID', condition: 'rax == 0x40000000' }, { name: 'nowhere' }],
    });
    await talk.send('continue', THREAD, 'stopped');
    await talk.send('exceptionInfo', THREAD);
    const { dataId } = await talk.send('dataBreakpointInfo', { name: 'GUEST_RIP' });
    await talk.send('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'write' }] });
    await talk.send('continue', THREAD, 'stopped');
    await talk.send('setDataBreakpoints', { breakpoints: [] });
    await talk.send('setFunctionBreakpoints', { breakpoints: [] });
    await talk.send('setBreakpoints', {
      source: { path: '/work/program.asm' },
      breakpoints: [{ line: lineAfter('guest_function', 'vmcall') }],
    });
    await talk.send('continue', THREAD, 'stopped');
    await talk.send('stackTrace', THREAD);
    await talk.send('continue', THREAD, 'terminated');
    await talk.matches('breakpoints');
  });

  test('the debug console', async () => {
    const talk = new Transcript(await launchedMachine());
    const say = (expression: string): Promise<unknown> => talk.send('evaluate', { expression, context: 'repl' });
    await say('break guest');
    await talk.send('continue', THREAD, 'stopped');
    await say('rcx = 5');
    await say('disasm rip 3');
    await say('dump nowhere');
    await say('no_such_name');
    await say('inject #UD');
    await say('break exit:any');
    await talk.send('continue', THREAD, 'stopped');
    await talk.send('completions', { text: 'break exit:CPU', column: 15 });
    await talk.matches('console');
  });

  test('mistakes', async () => {
    const talk = new Transcript(await launchedMachine());
    await talk.send('launch', { program: 'again.asm' });
    await talk.send('attach');
    await talk.send('stepBackwards');
    await talk.send('scopes', { frameId: 12345 });
    await talk.send('variables', { variablesReference: 12345 });
    await talk.send('readMemory', { memoryReference: 'somewhere', count: 4 });
    await talk.send('writeMemory', { memoryReference: 'hpa:0xffffff0', data: 'AAAA' });
    await talk.send('continue', { threadId: 9 });
    await talk.send('setVariable', { variablesReference: 1 });
    await talk.send('goto', { ...THREAD, targetId: 12345 });
    await talk.matches('mistakes');
  });
});
