// "Ringside: Open the First Lab" and "Open a Lab": the labs of the workspace, or a copy of those that come with the extension.
import * as vscode from 'vscode';
import { openFolder } from './open-folder.ts';
import { copySamples, exists, ownFolder, readSamples } from './samples.ts';
import { showLab } from './show-lab.ts';

const FIRST_LAB = '01-enter-vmx-operation';

/** `browser`: there is no folder of the computer's to copy to, and the copy is kept in the editor's storage. */
export async function openLab(context: vscode.ExtensionContext, browser: boolean, lab: unknown): Promise<void> {
  const name = typeof lab === 'string' ? lab : FIRST_LAB;
  // Without a limit: some file systems count what they look at, not what they find.
  const [found] = await vscode.workspace.findFiles(`**/labs/${name}/lab.asm`);
  if (found !== undefined) await showLab(found);
  else if (browser) await openOwnLab(context, name);
  else await copyLabs(context, name);
}

/** Asks which. */
export async function chooseLab(context: vscode.ExtensionContext, browser: boolean): Promise<void> {
  const { labs } = await readSamples(context.extensionUri);
  const chosen = await vscode.window.showQuickPick(
    labs.map(({ name, title }) => ({ label: title, name })),
    { title: 'Open a Lab', placeHolder: 'Each is a short text, a program to complete and a test' },
  );
  if (chosen !== undefined) await openLab(context, browser, chosen.name);
}

async function openOwnLab(context: vscode.ExtensionContext, name: string): Promise<void> {
  const target = ownFolder(context);
  if (!(await copied(context, target))) return;
  await showLab(vscode.Uri.joinPath(target, 'labs', name, 'lab.asm'));
  await vscode.commands.executeCommand('testing.refreshTests').then(undefined, () => {});
}

async function copyLabs(context: vscode.ExtensionContext, name: string): Promise<void> {
  const [parent] =
    (await vscode.window.showOpenDialog({
      title: 'Where do the labs go? A folder "ringside-labs" is made there.',
      openLabel: 'Copy Labs Here',
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  if (parent === undefined) return;
  const target = vscode.Uri.joinPath(parent, 'ringside-labs');
  const there = await exists(target);
  if (there || (await copied(context, target))) await openFolder(context, target, `labs/${name}/lab.asm`);
}

async function copied(context: vscode.ExtensionContext, target: vscode.Uri): Promise<boolean> {
  try {
    await copySamples(context.extensionUri, target);
    return true;
  } catch (problem) {
    const text = problem instanceof Error ? problem.message : String(problem);
    void vscode.window.showErrorMessage(`Ringside: the labs could not be copied to ${target.fsPath}: ${text}`);
    return false;
  }
}
