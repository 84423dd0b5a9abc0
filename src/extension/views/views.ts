// The views and what they may ask for.
import * as vscode from 'vscode';
import { memoryActions, memoryCommands, showMemory } from './memory-commands.ts';
import { type OpenedView, registerView } from './panel.ts';
import { saveAs } from './save-as.ts';
import { savedRunEditor, saveRun } from './saved-runs.ts';
import type { SessionWatch } from './session-state.ts';

/** What VS Code gives to commands of the Variables view. */
interface VariableContext {
  readonly variable?: { readonly evaluateName?: string; readonly memoryReference?: string; readonly value: string };
}

/** Shows the way of the address that a variable or register holds. */
function translateVariable({ variable }: VariableContext = {}): Thenable<unknown> {
  const expression = variable?.evaluateName ?? /0x[0-9a-f]+/i.exec(variable?.value ?? '')?.[0];
  if (expression === undefined) {
    return vscode.window.showInformationMessage('Choose a variable or register that holds an address.');
  }
  return vscode.commands.executeCommand('ringside.showTranslation', expression);
}

/** Shows the memory that a variable or register is in or points to. */
function memoryOfVariable({ variable }: VariableContext = {}): Thenable<unknown> {
  const address = variable?.memoryReference ?? /0x[0-9a-f]+/i.exec(variable?.value ?? '')?.[0];
  if (address === undefined) {
    return vscode.window.showInformationMessage('Choose a variable or register that holds an address.');
  }
  return vscode.commands.executeCommand('ringside.showMemory', address);
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
      actions: { memory: showMemory },
    },
    {
      id: 'memory',
      title: 'Memory',
      command: 'ringside.showMemory',
      requests: ['ringside/memory', 'writeMemory'],
      actions: memoryActions(watch),
    },
    { id: 'machine', title: 'Machine', command: 'ringside.showMachine', requests: ['ringside/machine'] },
  ];
  return [
    vscode.commands.registerCommand('ringside.translateVariable', translateVariable),
    vscode.commands.registerCommand('ringside.memoryOfVariable', memoryOfVariable),
    ...memoryCommands(watch),
    ...kinds.map((kind) => registerView(context, watch, kind)),
    savedRunEditor(context, watch, { save: saveCsv }),
  ];
}
