// A lab in the editor.
import * as vscode from 'vscode';

/** The program to complete, and beside it what to do; F5 is for the program. */
export async function showLab(program: vscode.Uri): Promise<void> {
  const options = { viewColumn: vscode.ViewColumn.One, preview: false };
  await vscode.window.showTextDocument(program, options);
  const text = vscode.Uri.joinPath(program, '..', 'README.md');
  await vscode.commands.executeCommand('markdown.showPreviewToSide', text).then(undefined, () => {});
  await vscode.window.showTextDocument(program, options);
}
