// Saving what a view made.
import * as vscode from 'vscode';

/** Saves bytes where the user says; answers whether that was done. `kind` names the files in the dialog. */
export async function saveAs(name: string, kind: string, bytes: Uint8Array): Promise<boolean> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({
    filters: { [kind]: [name.slice(name.lastIndexOf('.') + 1)] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
  });
  if (target === undefined) return false;
  await vscode.workspace.fs.writeFile(target, bytes);
  return true;
}
