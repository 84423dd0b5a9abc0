// Mistakes on the command line, as values with an exit status.

/** Ends the command with a message on standard error, without a stack trace. */
export class CommandError extends Error {
  readonly code: string;
  /** Exit status of the process. */
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
    this.status = status;
  }
}

/** Exit statuses beside the program's own. */
export const STATUS = {
  /** Something the user gave is wrong: files, options, source errors. */
  mistake: 1,
  usage: 2,
  /** The program is still running after --max-instructions. */
  limit: 124,
  /** Triple fault, VMX abort, or something that is not simulated. */
  broken: 125,
} as const;

export const usage = (message: string): CommandError =>
  new CommandError('usage', `${message} "ringside --help" tells more.`, STATUS.usage);

export const mistake = (code: string, message: string): CommandError => new CommandError(code, message, STATUS.mistake);

export const missingCore = (path: string): CommandError =>
  mistake('missing-core', `${path} is missing: build it with "npm run build".`);
