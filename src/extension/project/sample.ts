// "Ringside: Debug the Sample hello-vmx": a hypervisor that is complete, for a first look at a VM exit.
import * as vscode from 'vscode';
import { copySamples, ownFolder } from './samples.ts';

const SAMPLE = ['hello-vmx', 'hello-vmx.asm'] as const;

export async function debugSample(context: vscode.ExtensionContext, browser: boolean): Promise<void> {
  const program = await findSample(context, browser);
  await vscode.window.showTextDocument(program, { preview: false });
  await vscode.commands.executeCommand('ringside.debugFile', program);
}

/** The workspace's, else the extension's own; a browser's machine reads it from a copy. */
async function findSample(context: vscode.ExtensionContext, browser: boolean): Promise<vscode.Uri> {
  const [found] = await vscode.workspace.findFiles(`**/${SAMPLE.join('/')}`);
  if (found !== undefined) return found;
  if (!browser) return vscode.Uri.joinPath(context.extensionUri, 'samples', ...SAMPLE);
  const target = ownFolder(context);
  await copySamples(context.extensionUri, target);
  return vscode.Uri.joinPath(target, ...SAMPLE);
}
