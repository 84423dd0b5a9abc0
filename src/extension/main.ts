// Desktop entry of the extension: wires VS Code to the debug adapter and nothing more.
import * as vscode from 'vscode';
import { adapterFactory } from './adapter.ts';
import { registerCommands } from './commands.ts';
import { configurationProvider, dynamicConfigurations } from './configuration.ts';
import { serialConsoles } from './serial-console.ts';

export const DEBUG_TYPE = 'ringside';

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, adapterFactory(context.extensionPath)),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurationProvider()),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      dynamicConfigurations(),
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    serialConsoles(DEBUG_TYPE),
    ...registerCommands(DEBUG_TYPE),
  );
}
