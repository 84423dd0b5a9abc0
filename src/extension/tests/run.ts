// A run of tests: each file's by one process, results as they come.
import * as vscode from 'vscode';
import type { TestEnded, TestEvent } from '../../debugger/tests/events.ts';
import { uriBeside } from '../places.ts';
import type { TestRunner } from './runner.ts';
import { addLines, coverageOf, messagesOf, outputOf } from './summary.ts';
import type { TestTree } from './tree.ts';

/** A file and the tests in it that were asked for; none: the file is the test, or all that it may have. */
export interface Chosen {
  readonly file: vscode.TestItem;
  readonly tests: readonly vscode.TestItem[];
}

type Covered = WeakMap<vscode.FileCoverage, vscode.StatementCoverage[]>;

export async function runTests(
  controller: vscode.TestController,
  tree: TestTree,
  runner: TestRunner,
  request: vscode.TestRunRequest,
  chosen: readonly Chosen[],
  token: vscode.CancellationToken,
  covered?: Covered,
): Promise<void> {
  await saveAll(chosen);
  const run = controller.createTestRun(request);
  const lines = new Map<string, Map<number, number>>();
  for (const entry of chosen) for (const item of itemsOf(entry)) run.enqueued(item);
  for (const entry of chosen) {
    if (token.isCancellationRequested) break;
    await runFile(run, tree, runner, entry, token, covered === undefined ? undefined : lines);
  }
  for (const [source, sum] of lines) addCoverage(run, vscode.Uri.parse(source), sum, covered);
  run.end();
}

const itemsOf = ({ file, tests }: Chosen): readonly vscode.TestItem[] => (tests.length === 0 ? [file] : tests);

/** What runs is what is on disk: sources that were changed are saved, as before a debug session. */
async function saveAll(chosen: readonly Chosen[]): Promise<void> {
  if (chosen.length > 0) await vscode.workspace.saveAll(false);
}

async function runFile(
  run: vscode.TestRun,
  tree: TestTree,
  runner: TestRunner,
  entry: Chosen,
  token: vscode.CancellationToken,
  lines: Map<string, Map<number, number>> | undefined,
): Promise<void> {
  const { file, tests } = entry;
  const { uri } = file;
  if (uri === undefined) return;
  const left = new Map(itemsOf(entry).map((item) => [item.id, item]));
  const began = new Map<string, number>();
  const take = (event: TestEvent): void => {
    switch (event.kind) {
      case 'start': {
        const item = tree.itemOf(file, event.name);
        began.set(item.id, Date.now());
        run.started(item);
        break;
      }
      case 'result': {
        const item = tree.itemOf(file, event.name);
        left.delete(item.id);
        // It was run before its tests were known: they have told.
        left.delete(file.id);
        report(run, item, event, Date.now() - (began.get(item.id) ?? Date.now()));
        break;
      }
      case 'problem':
        for (const item of left.values()) run.errored(item, new vscode.TestMessage(event.message));
        left.clear();
        break;
      case 'coverage': {
        const source = uriBeside(uri, event.path).toString();
        const sum = lines?.get(source) ?? new Map<number, number>();
        addLines(sum, event.lines);
        lines?.set(source, sum);
        break;
      }
      case 'test':
    }
  };
  const maxInstructions = vscode.workspace.getConfiguration('ringside').get('test.maxInstructions', 20_000_000);
  const names = tests.map(({ label }) => label);
  const request = { paths: [uri.fsPath], names, list: false, coverage: lines !== undefined, maxInstructions };
  const problem = await runner(request, uri, take, token);
  for (const item of left.values()) {
    if (token.isCancellationRequested) run.skipped(item);
    else run.errored(item, new vscode.TestMessage(problem === '' ? 'The test gave no result.' : problem));
  }
}

function report(run: vscode.TestRun, item: vscode.TestItem, result: TestEnded, milliseconds: number): void {
  run.appendOutput(outputOf(result), undefined, item);
  if (result.passed) {
    run.passed(item, milliseconds);
    return;
  }
  const messages = messagesOf(result).map(({ text, path, line }) => {
    const message = new vscode.TestMessage(text);
    const uri = path === undefined || item.uri === undefined ? item.uri : uriBeside(item.uri, path);
    const position = path === undefined ? item.range?.start : new vscode.Position(line, 0);
    if (uri !== undefined && position !== undefined) message.location = new vscode.Location(uri, position);
    return message;
  });
  run.failed(item, messages, milliseconds);
}

function addCoverage(
  run: vscode.TestRun,
  source: vscode.Uri,
  sum: ReadonlyMap<number, number>,
  covered: Covered | undefined,
): void {
  const statements = coverageOf(sum).map(
    ({ line, executed }) => new vscode.StatementCoverage(executed, new vscode.Position(line, 0)),
  );
  const file = vscode.FileCoverage.fromDetails(source, statements);
  covered?.set(file, statements);
  run.addCoverage(file);
}
