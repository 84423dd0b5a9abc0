// Files as VS Code names them, by URI, and as the machine's side does: by path in one file system, which is the computer's on the desktop.
import * as vscode from 'vscode';

const URI = /^[a-z][\w+.-]+:\//i;

/** What a launch configuration says for a file: its path where it is on this computer. */
export const programOf = (file: vscode.Uri): string => (file.scheme === 'file' ? file.fsPath : file.toString());

/** The path alone. */
export const pathOf = (program: string): string => (URI.test(program) ? vscode.Uri.parse(program).path : program);

/** A path in the file system that another file is in. */
export function uriBeside(file: vscode.Uri, path: string): vscode.Uri {
  if (file.scheme === 'file') return vscode.Uri.file(path);
  return file.with({ path: path.startsWith('/') ? path : `/${path}` });
}

/** A file or folder in the file system that a session's paths belong to: its program, where it is named by URI, else its folder. */
export function rootOf({ configuration, workspaceFolder }: vscode.DebugSession): vscode.Uri | undefined {
  const program = String(configuration['program'] ?? '');
  if (URI.test(program)) return vscode.Uri.parse(program);
  return workspaceFolder?.uri ?? vscode.workspace.workspaceFolders?.[0]?.uri;
}
