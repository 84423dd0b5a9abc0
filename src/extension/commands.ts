// Commands of the title bar and the palette.
import * as vscode from 'vscode';
import type { AuditBody } from '../dap/protocol.ts';
import type { EntryProblems } from './diagnostics.ts';
import { launchProgram } from './configuration.ts';
import { programInView, programOf, shortPath } from './places.ts';

/** Debugs or runs the file that the command was called on, else the one in the editor. */
async function start(uri: vscode.Uri | undefined, options: vscode.DebugSessionOptions): Promise<void> {
  const file = uri ?? vscode.window.activeTextEditor?.document.uri ?? programInView();
  if (file === undefined) {
    void vscode.window.showErrorMessage('Ringside: open an assembly source or a multiboot ELF first.');
    return;
  }
  const folder = vscode.workspace.getWorkspaceFolder(file);
  const name = `Debug ${shortPath(file)}`;
  await vscode.debug.startDebugging(folder, launchProgram(programOf(file), name), options);
}

/** Asks the adapter for something outside the protocol's own requests, when a Ringside session runs. */
async function evaluateInConsole(debugType: string, expression: string): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== debugType) {
    void vscode.window.showErrorMessage('Ringside: no session is running. Press F5 on a program first.');
    return;
  }
  await vscode.commands.executeCommand('workbench.debug.action.focusRepl');
  const answer: { result?: string } = await session.customRequest('evaluate', { expression, context: 'repl' });
  vscode.debug.activeDebugConsole.appendLine(answer.result ?? '');
}

/** Asks the adapter to go through time as DAP has no request for. */
async function travel(debugType: string, request: string): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== debugType) {
    void vscode.window.showErrorMessage('Ringside: no session is running. Press F5 on a program first.');
    return;
  }
  await session.customRequest(request, { threadId: 1 }).then(undefined, (problem: unknown) => {
    void vscode.window.showErrorMessage(`Ringside: ${problem instanceof Error ? problem.message : String(problem)}`);
  });
}

/** The audit of the current VMCS in the debug console, and its failed checks as problems. */
async function auditVmcs(debugType: string, problems: EntryProblems): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== debugType) {
    void vscode.window.showErrorMessage('Ringside: no session is running. Press F5 on a program first.');
    return;
  }
  const answer: AuditBody = await session.customRequest('ringside/audit');
  await vscode.commands.executeCommand('workbench.debug.action.focusRepl');
  vscode.debug.activeDebugConsole.appendLine(answer.text);
  problems.show(session, answer.problems);
}

export function registerCommands(debugType: string, problems: EntryProblems): vscode.Disposable[] {
  return [
    vscode.commands.registerCommand('ringside.debugFile', (uri?: vscode.Uri) => start(uri, {})),
    vscode.commands.registerCommand('ringside.runFile', (uri?: vscode.Uri) => start(uri, { noDebug: true })),
    vscode.commands.registerCommand('ringside.auditVmcs', () => auditVmcs(debugType, problems)),
    vscode.commands.registerCommand('ringside.stepBackOver', () => travel(debugType, 'ringside/stepBackOver')),
    vscode.commands.registerCommand('ringside.stepBackOut', () => travel(debugType, 'ringside/stepBackOut')),
    vscode.commands.registerCommand('ringside.previousExit', () => travel(debugType, 'ringside/previousExit')),
    vscode.commands.registerCommand('ringside.explainStop', () => evaluateInConsole(debugType, 'explain')),
  ];
}
