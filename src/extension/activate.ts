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

/** What is different on the desktop and in a browser. */
export interface Surroundings {
  /** There is no computer with folders and programs behind the editor. */
  readonly browser: boolean;
  readonly adapters: vscode.DebugAdapterDescriptorFactory;
  /** Gives the client of the language server, when the first assembly source is open. */
  readonly loadClient: () => Promise<ClientModule>;
  /** Who carries tests out. */
  readonly tests: TestRunner;
}

export function activateWith(
  context: vscode.ExtensionContext,
  { browser, adapters, loadClient, tests }: Surroundings,
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
    testController(context, DEBUG_TYPE, tests),
    ...firstSteps(context, browser),
    ...registerCommands(DEBUG_TYPE, problems),
  );
}
