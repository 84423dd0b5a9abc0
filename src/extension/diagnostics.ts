// Failed VM-entry checks as problems on the lines of the VMWRITEs to blame, while the session lasts.
import * as vscode from 'vscode';
import type { Problem, ProblemsBody } from '../dap/protocol.ts';
import { rootOf, uriBeside } from './places.ts';

const SOURCE = 'Ringside';
const SEVERITIES = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
} as const;

export interface EntryProblems {
  readonly disposable: vscode.Disposable;
  show(session: vscode.DebugSession, problems: readonly Problem[]): void;
}

/** Shows what a session tells of failed checks; a session's problems go with it. */
export function entryProblems(debugType: string): EntryProblems {
  const collection = vscode.languages.createDiagnosticCollection(debugType);
  const bySession = new Map<string, { readonly root: vscode.Uri; readonly problems: readonly Problem[] }>();
  const refresh = (): void => {
    collection.clear();
    for (const { root, problems } of bySession.values()) {
      for (const problem of problems) {
        const file = uriBeside(root, problem.path);
        collection.set(file, [...(collection.get(file) ?? []), diagnosticOf(problem)]);
      }
    }
  };
  const show = (session: vscode.DebugSession, problems: readonly Problem[]): void => {
    if (problems.length === 0) bySession.delete(session.id);
    else bySession.set(session.id, { root: rootOf(session) ?? vscode.Uri.file('/'), problems });
    refresh();
  };
  const disposable = vscode.Disposable.from(
    collection,
    vscode.debug.onDidReceiveDebugSessionCustomEvent((event) => {
      if (event.session.type !== debugType || event.event !== 'ringside/problems') return;
      show(event.session, (event.body as ProblemsBody).problems);
    }),
    vscode.debug.onDidTerminateDebugSession((session) => show(session, [])),
  );
  return { disposable, show };
}

/** The whole line, without the blanks in front. */
function diagnosticOf({ line, message, code, severity }: Problem): vscode.Diagnostic {
  const range = new vscode.Range(line - 1, 0, line - 1, Number.MAX_SAFE_INTEGER);
  const diagnostic = new vscode.Diagnostic(range, message, SEVERITIES[severity]);
  diagnostic.source = SOURCE;
  diagnostic.code = code;
  return diagnostic;
}
