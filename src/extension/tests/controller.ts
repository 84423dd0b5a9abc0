// The Testing view: test files of the workspace, the tests in them, and profiles that run, debug and cover them.
import * as vscode from 'vscode';
import { debugTests } from './debug.ts';
import { ownFolder } from '../project/samples.ts';
import { type Chosen, runTests } from './run.ts';
import { listTests, type TestRunner } from './runner.ts';
import { isTestFile, TEST_GLOB } from './summary.ts';
import { createTree, type TestTree } from './tree.ts';

export function testController(
  context: vscode.ExtensionContext,
  debugType: string,
  runner: TestRunner,
): vscode.Disposable {
  const controller = vscode.tests.createTestController('ringside', 'Ringside');
  const tree = createTree(controller);
  const discovery = createDiscovery(context, controller, tree, runner);
  controller.resolveHandler = (item) => (item === undefined ? discovery.all() : undefined);
  controller.refreshHandler = () => discovery.all();
  const chosen = (request: vscode.TestRunRequest): Chosen[] => tree.chosen(request);
  controller.createRunProfile(
    'Run',
    vscode.TestRunProfileKind.Run,
    (request, token) => runTests(controller, tree, runner, request, chosen(request), token),
    true,
  );
  controller.createRunProfile(
    'Debug',
    vscode.TestRunProfileKind.Debug,
    (request, token) => debugTests(debugType, controller, request, chosen(request), token),
    true,
  );
  const covered = new WeakMap<vscode.FileCoverage, vscode.StatementCoverage[]>();
  const coverage = controller.createRunProfile(
    'Coverage',
    vscode.TestRunProfileKind.Coverage,
    (request, token) => runTests(controller, tree, runner, request, chosen(request), token, covered),
    true,
  );
  coverage.loadDetailedCoverage = async (_run, file) => covered.get(file) ?? [];
  return vscode.Disposable.from(controller, discovery);
}

/** Test files of a folder outside the workspace, in the order of their paths; none where there is no such folder. */
async function testsBelow(folder: vscode.Uri): Promise<vscode.Uri[]> {
  const entries = await vscode.workspace.fs.readDirectory(folder).then(undefined, () => []);
  const found = await Promise.all(
    entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(async ([name, type]) => {
        const uri = vscode.Uri.joinPath(folder, name);
        if ((type & vscode.FileType.Directory) !== 0) return testsBelow(uri);
        return isTestFile(name) ? [uri] : [];
      }),
  );
  return found.flat();
}

interface Discovery extends vscode.Disposable {
  all(): Promise<void>;
}

/** Looks for tests when the view first asks, and again for a file that changed. */
function createDiscovery(
  context: vscode.ExtensionContext,
  controller: vscode.TestController,
  tree: TestTree,
  runner: TestRunner,
): Discovery {
  const cancellation = new vscode.CancellationTokenSource();
  const watchers: vscode.Disposable[] = [];

  let last: Promise<void> = Promise.resolve();

  /** One after the other: a file is created and changed in one moment. */
  function list(files: readonly vscode.Uri[]): Promise<void> {
    last = last.then(() => listNow(files));
    return last;
  }

  async function listNow(files: readonly vscode.Uri[]): Promise<void> {
    for (const uri of files) tree.add(uri);
    for (const uri of files) tree.begin(uri);
    const problem = await listTests(
      runner,
      files,
      (uri, event) => {
        if (event.kind === 'test') tree.found(uri, event);
        if (event.kind === 'problem') tree.problem(uri, event.message);
      },
      cancellation.token,
    );
    for (const uri of files) tree.end(uri, problem);
  }

  function watch(): void {
    if (watchers.length > 0) return;
    const watcher = vscode.workspace.createFileSystemWatcher(TEST_GLOB);
    watchers.push(
      watcher,
      watcher.onDidCreate((uri) => list([uri])),
      watcher.onDidChange((uri) => list([uri])),
      watcher.onDidDelete((uri) => tree.remove(uri)),
    );
  }

  return {
    async all() {
      watch();
      const files = [
        ...(await vscode.workspace.findFiles(TEST_GLOB, '**/node_modules/**')),
        ...(await testsBelow(ownFolder(context))),
      ];
      const wanted = new Set(files.map(String));
      for (const [id] of controller.items) if (!wanted.has(id)) controller.items.delete(id);
      await list(files);
    },
    dispose() {
      cancellation.cancel();
      cancellation.dispose();
      for (const watcher of watchers) watcher.dispose();
    },
  };
}
