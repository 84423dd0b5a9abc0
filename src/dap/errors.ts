// What a client or a launch.json can get wrong, as named functions: a code, what was wrong, what to do.

/** An error that is answered to the client; the session lives on. */
export class DapError extends Error {
  /** Stable number of the kind, for the protocol's `Message.id`. */
  readonly id: number;
  readonly code: string;
  /** False for answers that an editor should not pop up (a hover over a word that is no expression). */
  readonly showUser: boolean;

  constructor(id: number, code: string, message: string, showUser: boolean) {
    super(message);
    this.name = 'DapError';
    this.id = id;
    this.code = code;
    this.showUser = showUser;
  }
}

const shown = (id: number, code: string, message: string): DapError => new DapError(id, code, message, true);
const quiet = (id: number, code: string, message: string): DapError => new DapError(id, code, message, false);

export const unknownRequest = (command: string): DapError =>
  quiet(1001, 'unknown-request', `Ringside does not know the request "${command}".`);

export const badArguments = (command: string, what: string): DapError =>
  quiet(1002, 'bad-arguments', `The request "${command}" is malformed: ${what}.`);

export const notInitialized = (command: string): DapError =>
  quiet(1003, 'not-initialized', `"${command}" came before "initialize"; a session begins with "initialize".`);

export const alreadyInitialized = (): DapError =>
  quiet(1004, 'already-initialized', '"initialize" came twice; open another connection for another session.');

export const notLaunched = (command: string): DapError =>
  quiet(1005, 'not-launched', `"${command}" needs a program; send "launch" first.`);

export const alreadyLaunched = (): DapError =>
  shown(1006, 'already-launched', 'A program runs in this session already; use "restart", or another session.');

export const notStopped = (command: string, state: 'running' | 'ended'): DapError =>
  quiet(
    1007,
    'not-stopped',
    state === 'running'
      ? `"${command}" needs a machine that is stopped; it is running. Send "pause" first.`
      : `"${command}" needs a machine that is stopped; its program has ended. Send "restart" to begin it again.`,
  );

export const noAttach = (): DapError =>
  shown(1008, 'no-attach', 'There is nothing to attach to: Ringside brings its own machine. Use "request": "launch".');

export const noSuchFrame = (id: unknown): DapError =>
  quiet(1009, 'no-such-frame', `There is no stack frame ${String(id)} now; frames last until the machine runs on.`);

export const noSuchVariable = (reference: unknown): DapError =>
  quiet(1010, 'no-such-variable', `There is nothing under the variables reference ${String(reference)}.`);

export const noSuchThread = (id: unknown): DapError =>
  quiet(1011, 'no-such-thread', `There is no thread ${String(id)}; "threads" lists the logical processors.`);

export const badReference = (reference: unknown): DapError =>
  shown(
    1012,
    'bad-reference',
    `"${String(reference)}" is not an address; write for example 0x1000, gva:0x1000, gpa:0x1000, hpa:0x1000 or vmcs:0.`,
  );

export const expressionFailed = (message: string, showUser: boolean): DapError =>
  showUser ? shown(1013, 'expression', message) : quiet(1013, 'expression', message);

export const writeRefused = (message: string): DapError => shown(1014, 'write-refused', message);

export const tooMuch = (what: string, limit: number): DapError =>
  quiet(1015, 'too-much', `${what} is more than Ringside answers at once (${limit}); ask in parts.`);

export const noStopToExplain = (): DapError =>
  quiet(1016, 'nothing-to-explain', 'The machine is not stopped at an event that has an explanation.');

export const noSourceText = (): DapError =>
  quiet(1017, 'no-source-text', 'There is no such listing; sources with a path are files of the workspace.');

export const internalError = (text: string): DapError =>
  shown(1018, 'internal', `Ringside met a bug of its own: ${text}`);

/** The protocol's own word for it. */
export const cancelled = (command: string): DapError =>
  quiet(1021, 'cancelled', `cancelled: "${command}" was taken back.`);

export const noSuchTarget = (id: number): DapError =>
  quiet(1022, 'no-such-target', `There is no target ${id}; "gotoTargets" and "stepInTargets" offer them.`);

export const noSuchLocation = (reference: number): DapError =>
  quiet(1023, 'no-such-location', `There is no source location ${reference}.`);

export const unknownMode = (mode: string, known: readonly string[]): DapError =>
  quiet(1020, 'unknown-mode', `There is no breakpoint mode "${mode}" here; there are ${known.join(', ')}.`);

/** A command of the debug console that was used wrongly or could not do its work. */
export const commandFailed = (message: string): DapError => quiet(1019, 'command', message);

export const noSuchExit = (number: number): DapError =>
  shown(1024, 'no-such-exit', `VM exit ${number} is not in the timeline.`);

export const historyOff = (command: string): DapError =>
  shown(
    1025,
    'history-off',
    `${command} needs the recorded past, and launch.json switches recording off: remove "history": false.`,
  );

export const snapshotFailed = (message: string): DapError => shown(1026, 'snapshot', message);

export const missingProgram = (): DapError =>
  shown(
    1101,
    'missing-program',
    'launch.json has no "program"; name an .asm source, a multiboot ELF image or a flat binary.',
  );

export const badLaunchValue = (field: string, value: unknown, expected: string): DapError =>
  shown(
    1102,
    'bad-launch-value',
    `launch.json: "${field}" is ${JSON.stringify(value) ?? 'nothing'}; expected ${expected}.`,
  );

export const noSuchCapability = (setting: 'profile' | 'without', name: string, expected: string): DapError =>
  shown(
    1105,
    'no-such-capability',
    `launch.json: "${setting}" names "${name}", which is unknown; expected ${expected}.`,
  );

export const programFailed = (message: string): DapError => shown(1103, 'program', message);

export const testFailed = (problem: string): DapError =>
  shown(1106, 'test', `launch.json: "test" cannot be carried out: ${problem}.`);

export const machineFailed = (message: string): DapError =>
  shown(1104, 'machine', `The machine could not be made: ${message}`);
