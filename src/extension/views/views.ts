// The views and what they may ask for.
import * as vscode from 'vscode';
import { registerView, type ViewKind } from './panel.ts';
import type { SessionWatch } from './session-state.ts';

/** Opens memory in the hex editor, when it is installed. */
async function openMemory(watch: SessionWatch, reference: unknown): Promise<void> {
  if (watch.session === undefined || typeof reference !== 'string') return;
  if (vscode.extensions.getExtension('ms-vscode.hexeditor') === undefined) {
    throw new Error(
      `Memory opens in Microsoft's extension "Hex Editor", which is not installed. Without it, evaluate x ${reference} in the debug console.`,
    );
  }
  const path = `/${encodeURIComponent(reference)}/memory.bin`;
  const uri = vscode.Uri.from({ scheme: 'vscode-debug-memory', authority: watch.session.id, path });
  await vscode.commands.executeCommand('vscode.openWith', uri, 'hexEditor.hexedit');
}

/** Saves a text where the user says; answers whether that was done. */
async function save(name: string, text: unknown): Promise<boolean> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({
    filters: { 'Comma-separated values': ['csv'] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
  });
  if (target === undefined) return false;
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(String(text)));
  return true;
}

export function registerViews(context: vscode.ExtensionContext, watch: SessionWatch): vscode.Disposable[] {
  const kinds: readonly ViewKind[] = [
    {
      id: 'vmcs',
      title: 'VMCS',
      command: 'ringside.showVmcs',
      requests: ['ringside/vmcs', 'ringside/setVmcsField'],
      actions: { copy: (text) => vscode.env.clipboard.writeText(String(text)) },
    },
    {
      id: 'exits',
      title: 'VM Exits',
      command: 'ringside.showExits',
      requests: ['ringside/exits', 'ringside/exitTimeline', 'ringside/exitsCsv', 'ringside/jump'],
      actions: { save: (text) => save('vm-exits.csv', text) },
    },
    {
      id: 'translation',
      title: 'Address Translation',
      command: 'ringside.showTranslation',
      requests: ['ringside/translate'],
      actions: { memory: (reference) => openMemory(watch, reference) },
    },
    { id: 'machine', title: 'Machine', command: 'ringside.showMachine', requests: ['ringside/machine'] },
  ];
  return kinds.map((kind) => registerView(context, watch, kind));
}
