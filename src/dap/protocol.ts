// What Ringside adds to the protocol: bodies of its own requests and events. Types only, for the extension to share.
// Addresses and other 64-bit numbers are texts, `0x…`.

/** Event `ringside/problems`: failed VM-entry checks at source lines; replaces what was told before. */
export interface ProblemsBody {
  readonly problems: readonly Problem[];
}

export interface Problem {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
  /** Id of the check. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
}

/** Request `ringside/audit`: every VM-entry check on the current VMCS. The machine stands still. */
export interface AuditBody extends ProblemsBody {
  readonly text: string;
  /** As `Audit` of src/vmx/audit.ts; absent without a current VMCS. */
  readonly audit?: unknown;
}

/** Arguments of `ringside/walk`: `expression` as the console's `walk` takes it, with access words. */
export interface WalkArguments {
  readonly expression: string;
  readonly frameId?: number;
}

export interface WalkBody {
  readonly text: string;
  /** As `AddressWalk` of src/debugger/walk.ts. */
  readonly walk: unknown;
}

/** Arguments of `ringside/why`: an address of the guest; absent: the instruction that is about to run, or the last VM exit. */
export interface WhyArguments {
  readonly expression?: string;
  readonly frameId?: number;
}

export interface WhyBody {
  readonly text: string;
  /** As `WhyAnswer` of src/debugger/why/why.ts. */
  readonly answer: unknown;
}

/** Request `ringside/exitStatistics`. */
export interface ExitStatisticsBody {
  readonly text: string;
  /** As `StatisticsReport` of src/debugger/statistics.ts. */
  readonly report: unknown;
}

/** Request `ringside/trace`: a piece of a `.vmtrace` file before it is packed. */
export interface TracePieceBody {
  /** Base64. */
  readonly data: string;
  /** Number of the exit that the next piece begins with; above `last`: there is none. */
  readonly next: number;
  readonly last: number;
}

/** A named snapshot. */
export interface SnapshotRow {
  readonly name: string;
  /** Instructions since power-on. */
  readonly time: number;
  readonly side: 'root' | 'non-root';
  readonly rip: string;
  /** Pages of memory, of 4 KiB, that it holds. */
  readonly pages: number;
}

/** Request `ringside/snapshots`, oldest first; also while the machine runs. */
export interface SnapshotsBody {
  readonly snapshots: readonly SnapshotRow[];
}

/** Arguments of `ringside/saveSnapshot`, which answers a SnapshotRow. `path`: a file to write as well. */
export interface SaveSnapshotArguments {
  readonly name: string;
  readonly path?: string;
}

/** Arguments of `ringside/loadSnapshot` (answers a SnapshotRow) and `ringside/deleteSnapshot`. Load also takes the path of a file. */
export interface SnapshotArguments {
  readonly name: string;
}

/** Arguments of `ringside/diffSnapshots`: names or paths of files; without `to` the present. */
export interface DiffSnapshotsArguments {
  readonly from: string;
  readonly to?: string;
}

export interface SnapshotDiffBody {
  readonly text: string;
  /** As `SnapshotDiff` of src/debugger/snapshot-diff.ts. */
  readonly diff: unknown;
}
