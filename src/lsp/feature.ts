// What a feature is to the server: the capabilities that it announces and the handlers that it registers.
import type { Connection, ServerCapabilities } from 'vscode-languageserver';
import type { Program } from './program.ts';
import type { SessionView, Shifts } from './session.ts';
import type { Workspace } from './workspace.ts';

export interface FeatureContext {
  readonly connection: Connection;
  readonly workspace: Workspace;
  /** The program and file index of a document, after its include files are there. */
  find(uri: string): Promise<{ readonly program: Program; readonly file: number } | undefined>;
  /** What the debug session knows at its last stop. */
  session(): SessionView | undefined;
  /** How lines have moved since the session began. */
  readonly shifts: Shifts;
}

export interface Feature {
  readonly capabilities: ServerCapabilities;
  register(context: FeatureContext): void;
}
