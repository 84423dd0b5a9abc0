// What the desktop's and the browser's entry have in common: everything but where adapter and language server run.
import * as vscode from 'vscode';
import { registerCommands } from './commands.ts';
import { configurationProvider, dynamicConfigurations } from './configuration.ts';
import { entryProblems } from './diagnostics.ts';
import { editorMarks } from './editor-marks.ts';
import { type ClientModule, languageSupport } from './language.ts';
import { firstSteps } from './project/commands.ts';
import { serialConsoles } from './serial-console.ts';
import { testController } from './tests/controller.ts';
import type { TestRunner } from './tests/runner.ts';
import { statusBar } from './status-bar.ts';
import { watchSessions } from './views/session-state.ts';
import { registerViews } from './views/views.ts';

export const DEBUG_TYPE = 'ringside';

/** `loadClient`: gives the client of the language server, when the first assembly source is open. `tests`: who carries tests out. */
export function activateWith(
  context: vscode.ExtensionContext,
  adapters: vscode.DebugAdapterDescriptorFactory,
  loadClient: () => Promise<ClientModule>,
  tests: TestRunner,
): void {
  const problems = entryProblems(DEBUG_TYPE);
  const watch = watchSessions(DEBUG_TYPE);
  context.subscriptions.push(
    watch,
    statusBar(watch),
    editorMarks(watch),
    ...registerViews(context, watch),
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, adapters),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurationProvider()),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      dynamicConfigurations(),
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    serialConsoles(DEBUG_TYPE),
    problems.disposable,
    languageSupport(context, DEBUG_TYPE, loadClient),
    testController(DEBUG_TYPE, tests),
    ...firstSteps(context),
    ...registerCommands(DEBUG_TYPE, problems),
  );
}
