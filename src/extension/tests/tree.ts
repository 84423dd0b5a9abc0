// The items of the Testing view: one a file, which is the test itself when the program as a whole is one, and below it its labels.
import * as vscode from 'vscode';
import type { TestFound } from '../../debugger/tests/events.ts';
import { shortPath, uriBeside } from '../places.ts';
import type { Chosen } from './run.ts';

export interface TestTree {
  add(uri: vscode.Uri): void;
  remove(uri: vscode.Uri): void;
  /** A file's tests are about to be told; those that are not, go at `end`. */
  begin(uri: vscode.Uri): void;
  found(uri: vscode.Uri, test: TestFound): void;
  problem(uri: vscode.Uri, message: string): void;
  end(uri: vscode.Uri, problem: string): void;
  /** The item of a test that a file has told of. */
  itemOf(file: vscode.TestItem, name: string): vscode.TestItem;
  /** What a request means: files, each with the names of the tests in it that were asked for. */
  chosen(request: vscode.TestRunRequest): Chosen[];
}

export function createTree(controller: vscode.TestController): TestTree {
  const fresh = new Map<string, vscode.TestItem[]>();
  const told = new Set<string>();

  function add(uri: vscode.Uri): vscode.TestItem {
    const id = uri.toString();
    const known = controller.items.get(id);
    if (known !== undefined) return known;
    const item = controller.createTestItem(id, shortPath(uri), uri);
    item.range = lineRange(1);
    controller.items.add(item);
    return item;
  }

  return {
    add: (uri) => void add(uri),
    remove: (uri) => controller.items.delete(uri.toString()),
    begin(uri) {
      add(uri).busy = true;
      fresh.set(uri.toString(), []);
    },
    found(uri, test) {
      const file = add(uri);
      told.add(uri.toString());
      file.error = undefined;
      if (test.whole) {
        file.label = test.name;
        file.description = shortPath(uri);
        return;
      }
      const source = test.path === undefined ? uri : uriBeside(uri, test.path);
      const id = `${uri}#${test.name}`;
      // An item that a run is about stays the same.
      const known = file.children.get(id);
      const same = known?.uri?.toString() === source.toString();
      const item = known !== undefined && same ? known : controller.createTestItem(id, test.name, source);
      item.range = lineRange(test.line ?? 1);
      fresh.get(uri.toString())?.push(item);
    },
    problem(uri, message) {
      told.add(uri.toString());
      add(uri).error = message;
    },
    end(uri, problem) {
      const id = uri.toString();
      const file = add(uri);
      file.busy = false;
      file.children.replace(fresh.get(id) ?? []);
      fresh.delete(id);
      if (!told.delete(id)) file.error = problem === '' ? 'It has no tests.' : problem;
    },
    itemOf: (file, name) => file.children.get(`${file.id}#${name}`) ?? file,
    chosen: (request) => chosenOf(controller, request),
  };
}

function chosenOf(controller: vscode.TestController, request: vscode.TestRunRequest): Chosen[] {
  const excluded = new Set(request.exclude?.map(({ id }) => id));
  const files = new Map<string, { file: vscode.TestItem; tests: Map<string, vscode.TestItem> }>();
  const take = (item: vscode.TestItem): void => {
    if (excluded.has(item.id)) return;
    const file = item.parent ?? item;
    const entry = files.get(file.id) ?? { file, tests: new Map<string, vscode.TestItem>() };
    files.set(file.id, entry);
    if (item.parent !== undefined) entry.tests.set(item.id, item);
    else for (const [, child] of item.children) take(child);
  };
  if (request.include === undefined) for (const [, item] of controller.items) take(item);
  else for (const item of request.include) take(item);
  return [...files.values()]
    .filter(({ file, tests }) => tests.size > 0 || file.children.size === 0)
    .map(({ file, tests }) => ({ file, tests: [...tests.values()] }));
}

const lineRange = (line: number): vscode.Range => new vscode.Range(line - 1, 0, line - 1, 0);
