// The samples that come with the extension, and copies of them that are a person's own. Which files there are stands in dist/samples.json:
// where extensions are on a web server, folders cannot be listed.
import * as vscode from 'vscode';

interface Samples {
  /** Below `samples/`, with slashes. */
  readonly files: readonly string[];
  readonly labs: readonly LabTitle[];
}

export interface LabTitle {
  /** Its folder. */
  readonly name: string;
  /** `Lab 1: Enter VMX operation` */
  readonly title: string;
}

export async function readSamples(extension: vscode.Uri): Promise<Samples> {
  const bytes = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, 'dist', 'samples.json'));
  return JSON.parse(new TextDecoder().decode(bytes)) as Samples;
}

/** Copies what is not there yet. Rejects with what the file system said. */
export async function copySamples(extension: vscode.Uri, target: vscode.Uri): Promise<void> {
  const { files } = await readSamples(extension);
  await Promise.all(
    files.map(async (file) => {
      const copy = vscode.Uri.joinPath(target, file);
      if (await exists(copy)) return;
      const bytes = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, 'samples', file));
      await vscode.workspace.fs.writeFile(copy, bytes);
    }),
  );
}

/** Where a browser without a folder keeps what is a person's own: the editor's storage for this extension. */
export const ownFolder = (context: vscode.ExtensionContext): vscode.Uri =>
  vscode.Uri.joinPath(context.globalStorageUri, 'ringside-labs');

export const exists = (uri: vscode.Uri): Thenable<boolean> =>
  vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
