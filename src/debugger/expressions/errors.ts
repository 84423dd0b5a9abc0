// What can be wrong with an expression: a value, with the place in the text.

export interface ExpressionError {
  readonly code: ExpressionErrorCode;
  /** What was wrong and what to do, in one sentence. */
  readonly message: string;
  /** Offset of the first character, from 0. */
  readonly position: number;
  readonly length: number;
}

export type ExpressionErrorCode =
  | 'bad-character'
  | 'bad-number'
  | 'unexpected-end'
  | 'unexpected-token'
  | 'unknown-name'
  | 'unavailable'
  | 'unreadable-memory'
  | 'division-by-zero'
  | 'not-assignable'
  | 'write-refused'
  | 'bad-arguments'
  | 'not-typed';

export type ExpressionResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ExpressionError };

/** Carries an ExpressionError out of nested parsing and evaluation; never leaves this folder. */
export class ExpressionFailure extends Error {
  readonly error: ExpressionError;
  constructor(error: ExpressionError) {
    super(error.message);
    this.error = error;
  }
}

export function fail(code: ExpressionErrorCode, message: string, position: number, length = 1): never {
  throw new ExpressionFailure({ code, message, position, length });
}

/** Runs `body`, turning an ExpressionFailure into a value; anything else is a bug and passes through. */
export function attempt<T>(body: () => T): ExpressionResult<T> {
  try {
    return { ok: true, value: body() };
  } catch (thrown) {
    if (thrown instanceof ExpressionFailure) return { ok: false, error: thrown.error };
    throw thrown;
  }
}

/** `message (at column 5)`: for places that cannot point into the text. */
export function errorText(error: ExpressionError): string {
  return `${error.message} (at column ${error.position + 1})`;
}
