// What the extension and the worker with the machine say to each other. Types only.

import type { TestEvent } from '../debugger/tests/events.ts';

/** Files that the worker needs before anything else. */
export interface WorkerFiles {
  /** core.wasm */
  readonly core: Uint8Array;
  /** iced_x86_bg.wasm, the disassembler's. */
  readonly disassembler: Uint8Array;
}

/** Tests to list or to run: what `ringside test --json` is told by its arguments. */
export interface TestsRequest {
  readonly paths: readonly string[];
  /** Tests by their whole names; empty: all. */
  readonly names: readonly string[];
  /** Only where they are; nothing runs. */
  readonly list: boolean;
  readonly coverage: boolean;
  /** Instructions that one test may take. */
  readonly maxInstructions: number;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly files: WorkerFiles }
  /** A message of the Debug Adapter Protocol. */
  | { readonly kind: 'message'; readonly message: object }
  | { readonly kind: 'tests'; readonly request: TestsRequest }
  /** The answer to `read`: the file's bytes, or why it cannot be read. */
  | { readonly kind: 'file'; readonly id: number; readonly bytes: Uint8Array | undefined; readonly problem: string }
  /** The answer to `write`; an empty text: it was written. */
  | { readonly kind: 'written'; readonly id: number; readonly problem: string };

export type FromWorker =
  | { readonly kind: 'message'; readonly message: object }
  | { readonly kind: 'test'; readonly event: TestEvent }
  /** The last of a request for tests; `problem`: what went wrong beside the tests themselves, or an empty text. */
  | { readonly kind: 'tested'; readonly problem: string }
  | { readonly kind: 'read'; readonly id: number; readonly path: string }
  | {
      readonly kind: 'write';
      readonly id: number;
      readonly path: string;
      readonly text: string;
      readonly append: boolean;
    };
