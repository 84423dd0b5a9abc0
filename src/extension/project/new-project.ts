// "Ringside: New Hypervisor Project": asks for kind, name and place, writes the project and opens it.
import * as vscode from 'vscode';
import { nameProblem, type ProjectKind, projectFiles, TEMPLATES } from './files.ts';
import { openFolder } from './open-folder.ts';
import { exists, ownFolder } from './samples.ts';

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

/** In a browser nothing builds C, and folders are those of the workspace or the editor's storage. */
export async function newProject(context: vscode.ExtensionContext, browser: boolean): Promise<void> {
  const kind = browser ? KINDS[0] : await askKind();
  if (kind === undefined) return;
  const name = await vscode.window.showInputBox({
    title: browser ? 'New Hypervisor Project: name' : 'New Hypervisor Project (2/3): name',
    prompt: 'Name of the project; its folder is named so, too.',
    value: 'my-hypervisor',
    validateInput: nameProblem,
  });
  if (name === undefined) return;
  const parent = browser ? browserParent(context) : await askParent();
  if (parent === undefined) return;
  const folder = vscode.Uri.joinPath(parent, name);
  if (await exists(folder)) {
    void vscode.window.showErrorMessage(`Ringside: ${folder.fsPath} exists already. Choose another name or place.`);
    return;
  }
  await writeProject(context.extensionUri, folder, kind.kindOfProject, name);
  const { first } = TEMPLATES[kind.kindOfProject];
  if (browser) await vscode.window.showTextDocument(vscode.Uri.joinPath(folder, first));
  else await openFolder(context, folder, first);
}

const askKind = () =>
  vscode.window.showQuickPick(KINDS, {
    title: 'New Hypervisor Project (1/3): language',
    placeHolder: 'What is the hypervisor written in?',
  });

/** The folder that is open, where it can be written to. */
function browserParent(context: vscode.ExtensionContext): vscode.Uri {
  const open = vscode.workspace.workspaceFolders?.[0]?.uri;
  return open !== undefined && vscode.workspace.fs.isWritableFileSystem(open.scheme) === true
    ? open
    : vscode.Uri.joinPath(ownFolder(context), 'projects');
}

async function askParent(): Promise<vscode.Uri | undefined> {
  const open = vscode.workspace.workspaceFolders?.[0];
  const [parent] =
    (await vscode.window.showOpenDialog({
      title: 'New Hypervisor Project (3/3): where',
      openLabel: 'Create Project Here',
      canSelectFiles: false,
      canSelectFolders: true,
      ...(open === undefined ? {} : { defaultUri: vscode.Uri.joinPath(open.uri, '..') }),
    })) ?? [];
  return parent;
}

async function writeProject(extension: vscode.Uri, folder: vscode.Uri, kind: ProjectKind, name: string): Promise<void> {
  const read = async (path: string): Promise<string> =>
    new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, path)));
  for (const { path, text } of await projectFiles(kind, name, read)) {
    await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(folder, path), new TextEncoder().encode(text));
  }
}
