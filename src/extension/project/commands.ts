// Commands for a first session: projects, labs, the walkthrough.
import * as vscode from 'vscode';
import { chooseLab, openLab } from './labs.ts';
import { newProject } from './new-project.ts';
import { showNext } from './open-folder.ts';
import { debugSample } from './sample.ts';

const WALKTHROUGH = 'first-steps';

/** `browser`: there is no computer with folders and programs behind the editor. */
export function firstSteps(context: vscode.ExtensionContext, browser: boolean): vscode.Disposable[] {
  void showNext(context);
  return [
    vscode.commands.registerCommand('ringside.newProject', () => newProject(context, browser)),
    vscode.commands.registerCommand('ringside.openLab', (lab?: unknown) => openLab(context, browser, lab)),
    vscode.commands.registerCommand('ringside.chooseLab', () => chooseLab(context, browser)),
    vscode.commands.registerCommand('ringside.debugSample', () => debugSample(context, browser)),
    vscode.commands.registerCommand('ringside.openWalkthrough', () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#${WALKTHROUGH}`),
    ),
  ];
}
