// What the extension and the worker with the debug adapter say to each other. Types only.

/** Files that the worker needs before anything else. */
export interface WorkerFiles {
  /** core.wasm */
  readonly core: Uint8Array;
  /** iced_x86_bg.wasm, the disassembler's. */
  readonly disassembler: Uint8Array;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly files: WorkerFiles }
  /** A message of the Debug Adapter Protocol. */
  | { readonly kind: 'message'; readonly message: object }
  /** The answer to `read`: the file's bytes, or why it cannot be read. */
  | { readonly kind: 'file'; readonly id: number; readonly bytes: Uint8Array | undefined; readonly problem: string }
  /** The answer to `write`; an empty text: it was written. */
  | { readonly kind: 'written'; readonly id: number; readonly problem: string };

export type FromWorker =
  | { readonly kind: 'message'; readonly message: object }
  | { readonly kind: 'read'; readonly id: number; readonly path: string }
  | {
      readonly kind: 'write';
      readonly id: number;
      readonly path: string;
      readonly text: string;
      readonly append: boolean;
    };
