// Tasks of the type "ringside" in tasks.json: a command of Ringside's command line, which comes with the extension. For the desktop alone.
import * as vscode from 'vscode';
import type { CommandLine } from './command-line.ts';

const TYPE = 'ringside';
const MATCHERS = ['$ringside', '$ringside-test'];

export function ringsideTasks(ringside: CommandLine): vscode.Disposable {
  const make = (definition: vscode.TaskDefinition, scope: vscode.WorkspaceFolder | vscode.TaskScope, name: string) => {
    const given: readonly unknown[] = Array.isArray(definition['args']) ? definition['args'] : [];
    const args = [...ringside.args, String(definition['command']), ...given.map(String)];
    const execution = new vscode.ProcessExecution(ringside.command, args, { env: { ...ringside.env } });
    return new vscode.Task(definition, scope, name, 'Ringside', execution, MATCHERS);
  };
  return vscode.tasks.registerTaskProvider(TYPE, {
    provideTasks: () =>
      (vscode.workspace.workspaceFolders ?? []).map((folder) => {
        const task = make({ type: TYPE, command: 'test', args: [folder.uri.fsPath] }, folder, 'test all');
        task.group = vscode.TaskGroup.Test;
        return task;
      }),
    resolveTask: ({ definition, scope, name }) => make(definition, scope ?? vscode.TaskScope.Workspace, name),
  });
}
