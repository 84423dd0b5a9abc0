// Opens a folder that was just made, and one file in it once the window has it: opening a folder starts the extension anew.
import * as vscode from 'vscode';
import { showLab } from './show-lab.ts';

const KEY = 'ringside.openNext';

interface Next {
  readonly folder: string;
  readonly file: string;
}

/** Where a window has something open, it is asked whether the folder comes into its place. */
export async function openFolder(context: vscode.ExtensionContext, folder: vscode.Uri, file: string): Promise<void> {
  let forceNewWindow = false;
  if (vscode.workspace.workspaceFolders !== undefined) {
    const here = 'Open';
    const elsewhere = 'Open in New Window';
    const answer = await vscode.window.showInformationMessage(`${folder.fsPath} is ready.`, here, elsewhere);
    if (answer === undefined) return;
    forceNewWindow = answer === elsewhere;
  }
  await context.globalState.update(KEY, { folder: folder.toString(), file } satisfies Next);
  await vscode.commands.executeCommand('vscode.openFolder', folder, { forceNewWindow });
}

/** In the window that has the folder now: shows the file, once. */
export async function showNext(context: vscode.ExtensionContext): Promise<void> {
  const next = context.globalState.get<Next>(KEY);
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  if (next === undefined || folder?.toString() !== next.folder) return;
  await context.globalState.update(KEY, undefined);
  const file = vscode.Uri.joinPath(folder, next.file);
  await (next.file.endsWith('/lab.asm') ? showLab(file) : vscode.window.showTextDocument(file));
}
