// The language server: connects the features to a client. The only file that registers handlers.
import type { Connection, Diagnostic, InitializeResult, ServerCapabilities } from 'vscode-languageserver';
import { diagnosticsOf } from './diagnostics.ts';
import type { FeatureContext } from './feature.ts';
import { FEATURES } from './features.ts';
import { insideUri, outsideUri, resolvePath } from './place.ts';
import type { Program } from './program.ts';
import type {
  InitializationOptions,
  Launch,
  LaunchesParams,
  ReadFileParams,
  ReadFileResult,
  SessionState,
  SourcesResult,
} from './protocol.ts';
import { createSessionView, noteEdit, type SessionView, type Shifts } from './session.ts';
import { readSettings } from './settings.ts';
import { applyChange, linePrefix } from './text-sync.ts';
import {
  type FileHost,
  type Workspace,
  createWorkspace,
  fileIndex,
  loadWanted,
  programOf,
  rootOf,
  scanSources,
  touch,
  touchAll,
} from './workspace.ts';

/** Milliseconds between the last keystroke and the diagnostics' computation; several keys in a row cost one. */
const DELAY = 10;

interface Server {
  readonly connection: Connection;
  readonly workspace: Workspace;
  session: SessionView | undefined;
  readonly shifts: Shifts;
  documentation: string;
  /** URIs that have diagnostics, by the root that gave them. */
  readonly published: Map<string, Set<string>>;
  /** Roots whose diagnostics are due. */
  readonly due: Set<string>;
  timer: ReturnType<typeof setTimeout> | undefined;
  refreshes: boolean;
  ended: boolean;
}

/** Files through the client: for hosts that have none themselves. */
function clientFiles(connection: Connection): FileHost {
  return {
    async readFile(uri) {
      const params: ReadFileParams = { uri };
      const result: ReadFileResult = await connection.sendRequest('ringside/readFile', params);
      return result.text;
    },
    async sources() {
      const result: SourcesResult = await connection.sendRequest('ringside/sources');
      return result.uris;
    },
  };
}

/** Serves one client. `host`: where files come from; without it, from the client. */
export function serve(connection: Connection, host?: FileHost, documentation = ''): void {
  const server: Server = {
    connection,
    workspace: createWorkspace(host ?? clientFiles(connection)),
    session: undefined,
    shifts: new Map(),
    documentation,
    published: new Map(),
    due: new Set(),
    timer: undefined,
    refreshes: false,
    ended: false,
  };
  connection.onInitialize((params): InitializeResult => {
    const options = (params.initializationOptions ?? {}) as InitializationOptions;
    server.documentation = options.documentation ?? documentation;
    server.refreshes = params.capabilities.workspace?.inlayHint?.refreshSupport === true;
    server.workspace.settings = readSettings(options.settings, server.documentation);
    server.workspace.launches = launchesOf(options.launches);
    const capabilities: ServerCapabilities = { textDocumentSync: { openClose: true, change: 2 } };
    for (const feature of FEATURES) Object.assign(capabilities, feature.capabilities);
    return { capabilities, serverInfo: { name: 'Ringside' } };
  });
  connection.onDidChangeConfiguration(({ settings }) => {
    const sent = settings as { ringside?: unknown } | undefined;
    server.workspace.settings = readSettings(sent?.ringside ?? sent, server.documentation);
    touchAll(server.workspace);
    publishLater(server, [...server.workspace.open.keys()]);
  });
  connection.onNotification('ringside/launches', ({ launches }: LaunchesParams) => {
    server.workspace.launches = launchesOf(launches);
    touchAll(server.workspace);
    publishLater(server, [...server.workspace.open.keys()]);
  });
  documents(server);
  connection.onNotification('ringside/session', (state: SessionState | null) => {
    // Lines of a session are those of its beginning.
    if (state === null || server.session === undefined) server.shifts.clear();
    server.session = state === null ? undefined : createSessionView(state);
    if (server.refreshes) connection.languages.inlayHint.refresh().then(undefined, ignore);
  });
  const context: FeatureContext = {
    connection,
    workspace: server.workspace,
    find: (uri) => find(server, uri),
    session: () => server.session,
    shifts: server.shifts,
  };
  for (const feature of FEATURES) feature.register(context);
  connection.onShutdown(() => {
    server.ended = true;
    if (server.timer !== undefined) clearTimeout(server.timer);
  });
  connection.listen();
}

/** Of several configurations for one program the first counts. */
const launchesOf = (launches: readonly Launch[] = []): ReadonlyMap<string, Launch> =>
  new Map([...launches].reverse().map((launch) => [insideUri(launch.program), launch]));

function documents(server: Server): void {
  const { connection, workspace } = server;
  connection.onDidOpenTextDocument(({ textDocument }) => {
    const uri = insideUri(textDocument.uri);
    workspace.open.set(uri, textDocument.text);
    touch(workspace, uri);
    publishLater(server, [uri], 0);
    void scanSources(workspace).then(() => publishLater(server, [uri]), ignore);
  });
  connection.onDidChangeTextDocument(({ textDocument, contentChanges }) => {
    const uri = insideUri(textDocument.uri);
    let text = workspace.open.get(uri) ?? '';
    for (const change of contentChanges) {
      if (server.session !== undefined && 'range' in change) {
        const { start, end } = change.range;
        noteEdit(server.shifts, uri, start, end, change.text, linePrefix(text, start));
      }
      text = applyChange(text, change);
    }
    workspace.open.set(uri, text);
    touch(workspace, uri);
    publishLater(server, [uri]);
  });
  connection.onDidCloseTextDocument(({ textDocument }) => {
    const uri = insideUri(textDocument.uri);
    workspace.read.set(uri, workspace.open.get(uri));
    workspace.open.delete(uri);
    workspace.read.delete(uri);
    touch(workspace, uri);
    const root = rootOf(workspace, uri);
    if (![...workspace.open.keys()].some((open) => rootOf(workspace, open) === root)) {
      workspace.programs.delete(root);
      clear(server, root);
    } else publishLater(server, [root]);
  });
  connection.onDidChangeWatchedFiles(({ changes }) => {
    workspace.scanned = false;
    for (const change of changes) {
      const uri = insideUri(change.uri);
      workspace.read.delete(uri);
      touch(workspace, uri);
    }
    publishLater(server, [...workspace.open.keys()]);
  });
}

const ignore = (): void => undefined;

function publishLater(server: Server, uris: readonly string[], delay = DELAY): void {
  if (server.ended) return;
  for (const uri of uris) server.due.add(uri);
  if (server.timer !== undefined) clearTimeout(server.timer);
  server.timer = setTimeout(() => {
    server.timer = undefined;
    const due = [...server.due];
    server.due.clear();
    const roots = new Set(
      due.filter((uri) => server.workspace.open.has(uri)).map((uri) => rootOf(server.workspace, uri)),
    );
    for (const root of roots) publish(server, root);
    void loadWanted(server.workspace).then((found) => {
      if (found) publishLater(server, [...server.workspace.open.keys()], 0);
    }, ignore);
  }, delay);
}

/** Sends the diagnostics of all files of a program. */
function publish(server: Server, root: string): void {
  const found = programOf(server.workspace, root);
  if (found === undefined) return;
  const { program } = found;
  const before = server.published.get(root) ?? new Set<string>();
  const now = new Set<string>();
  for (const [path, file] of program.files) {
    const uri = resolvePath(root, path);
    // An open file with a program of its own has its diagnostics from there.
    if (uri !== root && rootOf(server.workspace, uri) !== root) continue;
    now.add(uri);
    send(server, root, uri, diagnosticsOf(program, file));
  }
  for (const uri of before) if (!now.has(uri)) send(server, root, uri, []);
  server.published.set(root, now);
}

function send(server: Server, root: string, uri: string, diagnostics: Diagnostic[]): void {
  server.connection.sendDiagnostics({ uri: outsideUri(root, uri), diagnostics }).then(undefined, ignore);
}

function clear(server: Server, root: string): void {
  for (const uri of server.published.get(root) ?? []) send(server, root, uri, []);
  server.published.delete(root);
}

/** Reads the include files that are missing, so that the first answers are whole. */
async function find(server: Server, uri: string): Promise<{ program: Program; file: number } | undefined> {
  let found = programOf(server.workspace, uri);
  for (let round = 0; round < 8; round++) {
    if (server.workspace.wanted.size === 0 && server.workspace.loading === undefined) break;
    if (await loadWanted(server.workspace)) publishLater(server, [...server.workspace.open.keys()], 0);
    found = programOf(server.workspace, uri);
  }
  if (found === undefined) return undefined;
  const file = fileIndex(found.program, insideUri(uri));
  return file === undefined ? undefined : { program: found.program, file };
}
