// "Ringside: New Hypervisor Project": asks for kind, name and place, writes the project and opens it.
import * as vscode from 'vscode';
import { nameProblem, type ProjectKind, projectFiles, TEMPLATES } from './files.ts';
import { openFolder } from './open-folder.ts';

const KINDS: readonly (vscode.QuickPickItem & { readonly kindOfProject: ProjectKind })[] = [
  {
    label: 'Assembly',
    description: 'NASM syntax',
    detail: 'Nothing to install: Ringside assembles it.',
    kindOfProject: 'assembly',
  },
  {
    label: 'C',
    description: 'GCC and make',
    detail: 'A multiboot image; needs make, GCC and the GNU linker for x86-64.',
    kindOfProject: 'c',
  },
];

export async function newProject(context: vscode.ExtensionContext): Promise<void> {
  const kind = await vscode.window.showQuickPick(KINDS, {
    title: 'New Hypervisor Project (1/3): language',
    placeHolder: 'What is the hypervisor written in?',
  });
  if (kind === undefined) return;
  const name = await vscode.window.showInputBox({
    title: 'New Hypervisor Project (2/3): name',
    prompt: 'Name of the project; its folder is named so, too.',
    value: 'my-hypervisor',
    validateInput: nameProblem,
  });
  if (name === undefined) return;
  const open = vscode.workspace.workspaceFolders?.[0];
  const [parent] =
    (await vscode.window.showOpenDialog({
      title: 'New Hypervisor Project (3/3): where',
      openLabel: 'Create Project Here',
      canSelectFiles: false,
      canSelectFolders: true,
      ...(open === undefined ? {} : { defaultUri: vscode.Uri.joinPath(open.uri, '..') }),
    })) ?? [];
  if (parent === undefined) return;
  const folder = vscode.Uri.joinPath(parent, name);
  if (await exists(folder)) {
    void vscode.window.showErrorMessage(`Ringside: ${folder.fsPath} exists already. Choose another name or place.`);
    return;
  }
  await writeProject(context.extensionUri, folder, kind.kindOfProject, name);
  await openFolder(context, folder, TEMPLATES[kind.kindOfProject].first);
}

async function writeProject(extension: vscode.Uri, folder: vscode.Uri, kind: ProjectKind, name: string): Promise<void> {
  const read = async (path: string): Promise<string> =>
    new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, path)));
  for (const { path, text } of await projectFiles(kind, name, read)) {
    await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(folder, path), new TextEncoder().encode(text));
  }
}

export const exists = (uri: vscode.Uri): Thenable<boolean> =>
  vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
