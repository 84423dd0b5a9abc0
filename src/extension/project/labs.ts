// "Ringside: Open Labs": the labs of the workspace, or a copy of those that ship with the extension.
import * as vscode from 'vscode';
import { exists } from './new-project.ts';
import { openFolder } from './open-folder.ts';

export const FIRST_LAB = '01-enter-vmx-operation';
/** What the labs need stands beside them, as in the samples. */
const FOLDERS = ['labs', 'include', 'hello-vmx', 'broken-entry'];

export async function openLab(context: vscode.ExtensionContext, lab: unknown): Promise<void> {
  const name = typeof lab === 'string' ? lab : FIRST_LAB;
  const [found] = await vscode.workspace.findFiles(`**/labs/${name}/lab.asm`, undefined, 1);
  if (found !== undefined) {
    await showLab(found);
    return;
  }
  const [parent] =
    (await vscode.window.showOpenDialog({
      title: 'Where do the labs go? A folder "ringside-labs" is made there.',
      openLabel: 'Copy Labs Here',
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  if (parent === undefined) return;
  const target = vscode.Uri.joinPath(parent, 'ringside-labs');
  if (!(await exists(target))) {
    try {
      for (const folder of FOLDERS) {
        const from = vscode.Uri.joinPath(context.extensionUri, 'samples', folder);
        await vscode.workspace.fs.copy(from, vscode.Uri.joinPath(target, folder));
      }
    } catch (problem) {
      const text = problem instanceof Error ? problem.message : String(problem);
      void vscode.window.showErrorMessage(`Ringside: the labs could not be copied to ${target.fsPath}: ${text}`);
      return;
    }
  }
  await openFolder(context, target, `labs/${name}/lab.asm`);
}

/** The program to complete, and beside it what to do. */
async function showLab(program: vscode.Uri): Promise<void> {
  await vscode.window.showTextDocument(program, { viewColumn: vscode.ViewColumn.One });
  const text = vscode.Uri.joinPath(program, '..', 'README.md');
  await vscode.commands.executeCommand('markdown.showPreviewToSide', text).then(undefined, () => {});
}
