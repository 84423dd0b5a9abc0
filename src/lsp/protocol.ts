// What the language server and the extension say to each other beside the protocol's own messages. Types only.

/** `ringside/readFile`, server to client: the text of a file, in the browser, where the server has no files itself. */
export interface ReadFileParams {
  readonly uri: string;
}
export interface ReadFileResult {
  readonly text?: string;
}

/** `ringside/sources`, server to client: URIs of the NASM sources in the workspace. */
export interface SourcesResult {
  readonly uris: readonly string[];
}

/** `ringside/session`, client to server: what a debug session knows at its last stop; null when it ended. */
export interface SessionState {
  /** Values of registers by lower-case name, as hexadecimal with 0x. */
  readonly registers: Readonly<Record<string, string>>;
  /** VM exits so far, by the source line of the instruction that caused them. */
  readonly exits: readonly ExitCount[];
}
export interface ExitCount {
  /** Path or URI of the source as the debugger names it. */
  readonly source: string;
  /** From 1. */
  readonly line: number;
  readonly count: number;
  /** Most frequent exit reason in words. */
  readonly reason?: string;
}

/** `ringside/launches`, client to server: what launch.json says for the programs that it names. */
export interface LaunchesParams {
  readonly launches: readonly Launch[];
}
export interface Launch {
  /** URI of the program. */
  readonly program: string;
  readonly profile?: string;
  readonly without?: readonly string[];
  readonly bits?: number;
  readonly defines?: Readonly<Record<string, string>>;
}

/** Initialization options of the client. */
export interface InitializationOptions {
  readonly settings?: unknown;
  /** URI of docs/lint.md. */
  readonly documentation?: string;
  readonly launches?: readonly Launch[];
}
