// The views and what they may ask for.
import * as vscode from 'vscode';
import { type OpenedView, registerView } from './panel.ts';
import { saveAs } from './save-as.ts';
import { savedRunEditor, saveRun } from './saved-runs.ts';
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

/** What VS Code gives to commands of the Variables view. */
interface VariableContext {
  readonly variable?: { readonly evaluateName?: string; readonly value: string };
}

/** Shows the way of the address that a variable or register holds. */
function translateVariable({ variable }: VariableContext = {}): Thenable<unknown> {
  const expression = variable?.evaluateName ?? /0x[0-9a-f]+/i.exec(variable?.value ?? '')?.[0];
  if (expression === undefined) {
    return vscode.window.showInformationMessage('Choose a variable or register that holds an address.');
  }
  return vscode.commands.executeCommand('ringside.showTranslation', expression);
}

const saveCsv = (text: unknown): Promise<boolean> =>
  saveAs('vm-exits.csv', 'Comma-separated values', new TextEncoder().encode(String(text)));

export function registerViews(context: vscode.ExtensionContext, watch: SessionWatch): vscode.Disposable[] {
  const kinds: readonly OpenedView[] = [
    {
      id: 'vmcs',
      title: 'VMCS',
      command: 'ringside.showVmcs',
      requests: ['ringside/vmcs', 'ringside/setVmcsField', 'ringside/snapshots'],
      actions: { copy: (text) => vscode.env.clipboard.writeText(String(text)) },
    },
    {
      id: 'exits',
      title: 'VM Exits',
      command: 'ringside.showExits',
      requests: ['ringside/exits', 'ringside/exitPicture', 'ringside/exitsCsv', 'ringside/jump'],
      actions: { save: saveCsv, saveRun: () => saveRun(watch) },
    },
    {
      id: 'translation',
      title: 'Address Translation',
      command: 'ringside.showTranslation',
      requests: ['ringside/translate', 'ringside/addressSpace'],
      actions: { memory: (reference) => openMemory(watch, reference) },
    },
    { id: 'machine', title: 'Machine', command: 'ringside.showMachine', requests: ['ringside/machine'] },
  ];
  return [
    vscode.commands.registerCommand('ringside.translateVariable', translateVariable),
    ...kinds.map((kind) => registerView(context, watch, kind)),
    savedRunEditor(context, watch, { save: saveCsv }),
  ];
}
