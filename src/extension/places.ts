// Files as VS Code names them, by URI, and as the machine's side does: by path in one file system, which is the computer's on the desktop.
import * as vscode from 'vscode';

const URI = /^[a-z][\w+.-]+:\//i;

/** What a launch configuration says for a file: its path where it is on this computer. */
export const programOf = (file: vscode.Uri): string => (file.scheme === 'file' ? file.fsPath : file.toString());

const PROGRAM_FILE = /\.(asm|nasm|elf|bin)$/i;

/** The program that a person looks at: in the editor, or, where that shows something else (a text, a walkthrough), in one beside or behind it. */
export function programInView(): vscode.Uri | undefined {
  const { activeTextEditor, visibleTextEditors, tabGroups } = vscode.window;
  const editors = activeTextEditor === undefined ? visibleTextEditors : [activeTextEditor];
  const shown = editors.map(({ document }) => document.uri);
  const tabs = tabGroups.all
    .flatMap((group) => group.tabs)
    .flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : []));
  return [...shown, ...(activeTextEditor === undefined ? tabs : [])].find(({ path }) => PROGRAM_FILE.test(path));
}

/** How people are told of a file: its path below the workspace, or its folder and name. */
export function shortPath(uri: vscode.Uri): string {
  if (vscode.workspace.getWorkspaceFolder(uri) !== undefined) return vscode.workspace.asRelativePath(uri);
  return uri.path.split('/').slice(-2).join('/');
}

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
