// Why a session stands still.

import type { EntryFailure, FaultRecord, VmEntry, VmExit, VmFail } from '../../machine/types.ts';
import type { Breakpoint } from '../breakpoints.ts';

/** Why the session stands still. */
export type Cause =
  | { readonly kind: 'entry' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'step' }
  /** The program ended. Going on ends the session. */
  | { readonly kind: 'end'; readonly status: number }
  /** Going back ended where the recorded past begins. */
  | { readonly kind: 'history-start' }
  /** Went to a moment that was asked for. */
  | { readonly kind: 'jump'; readonly text?: string }
  | { readonly kind: 'breakpoint'; readonly breakpoints: readonly Breakpoint[]; readonly errors: readonly string[] }
  /** Data or event breakpoints, with what happened. */
  | {
      readonly kind: 'watch';
      readonly breakpoints: readonly Breakpoint[];
      readonly text: string;
      readonly errors: readonly string[];
    }
  /** An annotation of a source does not hold. */
  | {
      readonly kind: 'assertion';
      readonly breakpoints: readonly Breakpoint[];
      readonly text: string;
      readonly errors: readonly string[];
    }
  | {
      readonly kind: 'vm-exit';
      readonly exit: VmExit;
      readonly breakpoints?: readonly Breakpoint[];
      readonly errors: readonly string[];
    }
  | {
      readonly kind: 'vm-entry';
      readonly entry: VmEntry;
      readonly breakpoints?: readonly Breakpoint[];
      readonly errors: readonly string[];
    }
  | { readonly kind: 'entry-failure'; readonly failure: EntryFailure; readonly errors: readonly string[] }
  | { readonly kind: 'vm-fail'; readonly fail: VmFail; readonly errors: readonly string[] }
  | { readonly kind: 'triple-fault'; readonly faults: readonly FaultRecord[]; readonly errors: readonly string[] }
  | {
      readonly kind: 'vmx-abort';
      readonly indicator: number;
      readonly explanation: string;
      readonly errors: readonly string[];
    }
  | { readonly kind: 'idle'; readonly explanation: string }
  | { readonly kind: 'unsimulated'; readonly explanation: string }
  /** A bug of the machine; the session stays usable. */
  | { readonly kind: 'internal-error'; readonly explanation: string };
