// What the client tells the language server, on the desktop and in the browser: settings, files, the debug session.
import * as vscode from 'vscode';
import type { BaseLanguageClient, LanguageClientOptions } from 'vscode-languageclient';
import type {
  InitializationOptions,
  Launch,
  LaunchesParams,
  ReadFileParams,
  ReadFileResult,
  SessionState,
  SourcesResult,
} from '../lsp/protocol.ts';

const SOURCES = '**/*.{asm,nasm,inc,mac}';

export function languageClientOptions(extension: vscode.Uri): LanguageClientOptions {
  const initializationOptions: InitializationOptions = {
    // As plain data: the editor's object has functions, which do not cross to a worker.
    settings: JSON.parse(JSON.stringify(vscode.workspace.getConfiguration('ringside'))) as unknown,
    documentation: vscode.Uri.joinPath(extension, 'docs', 'lint.md').toString(),
    launches: launches(),
  };
  return {
    documentSelector: [{ language: 'nasm' }],
    initializationOptions,
    synchronize: {
      configurationSection: 'ringside',
      fileEvents: vscode.workspace.createFileSystemWatcher(SOURCES),
    },
  };
}

/** What the workspace's launch.json says for the programs that it names. */
function launches(): Launch[] {
  return (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => {
    const all = vscode.workspace.getConfiguration('launch', folder.uri).get<unknown>('configurations');
    const plain = JSON.parse(JSON.stringify(Array.isArray(all) ? all : [])) as Record<string, unknown>[];
    return plain.flatMap(({ type, program, profile, without, bits, defines }) => {
      if (type !== 'ringside' || typeof program !== 'string') return [];
      const uri = programUri(program, folder.uri);
      return uri === undefined ? [] : [{ program: uri.toString(), profile, without, bits, defines } as Launch];
    });
  });
}

/** Undefined: the program depends on what is open. */
function programUri(program: string, folder: vscode.Uri): vscode.Uri | undefined {
  const path = program.replaceAll('\\', '/').replace(/^\$\{workspaceFolder(:[^}]*)?\}\/?/, '');
  if (path.includes('${')) return undefined;
  if (/^[a-z][\w+.-]+:\/\//i.test(path)) return vscode.Uri.parse(path);
  if (/^([a-z]:)?\//i.test(path)) return folder.scheme === 'file' ? vscode.Uri.file(path) : folder.with({ path });
  return vscode.Uri.joinPath(folder, path);
}

/** Keeps the server informed of launch.json. */
export function serveLaunches(client: BaseLanguageClient): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((change) => {
    if (!change.affectsConfiguration('launch')) return;
    const params: LaunchesParams = { launches: launches() };
    void client.sendNotification('ringside/launches', params);
  });
}

/** Answers the server's questions for files, where it runs in a worker. */
export function serveFiles(client: BaseLanguageClient): void {
  client.onRequest('ringside/readFile', async ({ uri }: ReadFileParams): Promise<ReadFileResult> => {
    try {
      return { text: new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.parse(uri))) };
    } catch {
      return {};
    }
  });
  client.onRequest('ringside/sources', async (): Promise<SourcesResult> => {
    const found = await vscode.workspace.findFiles(SOURCES, '**/node_modules/**', 2000);
    return { uris: found.map((uri) => uri.toString()) };
  });
}

/** Tells the server at each stop what the debug session knows; an adapter that does not answer is not asked again. */
export function serveSession(client: BaseLanguageClient, debugType: string): vscode.Disposable {
  const silent = new Set<string>();
  const tell = async (session: vscode.DebugSession): Promise<void> => {
    if (silent.has(session.id)) return;
    try {
      const state: SessionState = await session.customRequest('ringside/language');
      await client.sendNotification('ringside/session', state);
    } catch {
      silent.add(session.id);
    }
  };
  return vscode.Disposable.from(
    vscode.debug.registerDebugAdapterTrackerFactory(debugType, {
      createDebugAdapterTracker: (session) => ({
        onDidSendMessage(message: { type?: string; event?: string }) {
          if (message.type === 'event' && message.event === 'stopped') void tell(session);
        },
      }),
    }),
    vscode.debug.onDidTerminateDebugSession((session) => {
      silent.delete(session.id);
      if (session.type === debugType) void client.sendNotification('ringside/session', null);
    }),
  );
}
