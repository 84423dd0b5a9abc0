// Desktop entry of the extension: wires VS Code to the debug adapter and nothing more.
import * as vscode from 'vscode';
import { adapterFactory } from './adapter.ts';
import { registerCommands } from './commands.ts';
import { configurationProvider, dynamicConfigurations } from './configuration.ts';
import { entryProblems } from './diagnostics.ts';
import { serialConsoles } from './serial-console.ts';

export const DEBUG_TYPE = 'ringside';

export function activate(context: vscode.ExtensionContext): void {
  const problems = entryProblems(DEBUG_TYPE);
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, adapterFactory(context.extensionPath)),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurationProvider()),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      dynamicConfigurations(),
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    serialConsoles(DEBUG_TYPE),
    problems.disposable,
    ...registerCommands(DEBUG_TYPE, problems),
  );
}
