// Launch configurations: what F5 does without a launch.json, and what it takes from the file that is open.
import * as vscode from 'vscode';
import { programOf } from './places.ts';

const PROGRAM_PATTERN = '**/*.{asm,nasm,elf}';
const PROGRAM_FILE = /\.(asm|nasm|elf|bin)$/i;

/** A launch configuration for one program, with the defaults that a first session wants. */
export function launchProgram(program: string, name: string): vscode.DebugConfiguration {
  return { type: 'ringside', request: 'launch', name, program };
}

/** Completes what the user left out. With no launch.json at all, F5 debugs the file in the editor. */
export function configurationProvider(): vscode.DebugConfigurationProvider {
  return {
    resolveDebugConfiguration(_folder, configuration) {
      if (configuration.type) return configuration;
      const file = vscode.window.activeTextEditor?.document;
      if (!file || !PROGRAM_FILE.test(file.fileName)) {
        void vscode.window.showErrorMessage(
          'Ringside has no program to debug. Open an .asm file and press F5, or add a launch configuration of type "ringside" whose "program" names an assembly source or a multiboot ELF.',
        );
        return undefined;
      }
      return launchProgram(programOf(file.uri), `Debug ${vscode.workspace.asRelativePath(file.uri)}`);
    },
  };
}

/** Offers each program of the workspace under "Run and Debug → Ringside". */
export function dynamicConfigurations(): vscode.DebugConfigurationProvider {
  return {
    async provideDebugConfigurations(folder) {
      const pattern = folder ? new vscode.RelativePattern(folder, PROGRAM_PATTERN) : PROGRAM_PATTERN;
      const files = await vscode.workspace.findFiles(pattern, '**/node_modules/**', 50);
      return files.map((uri) => launchProgram(programOf(uri), `Debug ${vscode.workspace.asRelativePath(uri)}`));
    },
  };
}
