// Commands for a first session: projects, labs, the walkthrough.
import * as vscode from 'vscode';
import { openLab } from './labs.ts';
import { newProject } from './new-project.ts';
import { showNext } from './open-folder.ts';

const WALKTHROUGH = 'first-steps';

export function firstSteps(context: vscode.ExtensionContext): vscode.Disposable[] {
  void showNext(context);
  return [
    vscode.commands.registerCommand('ringside.newProject', () => newProject(context)),
    vscode.commands.registerCommand('ringside.openLab', (lab?: unknown) => openLab(context, lab)),
    vscode.commands.registerCommand('ringside.openWalkthrough', () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#${WALKTHROUGH}`),
    ),
  ];
}
