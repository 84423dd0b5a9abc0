// Launch configurations: what F5 does without a launch.json, and what it takes from the file that is open.
import * as vscode from 'vscode';
import { programInView, programOf, shortPath } from './places.ts';

const PROGRAM_PATTERN = '**/*.{asm,nasm,elf}';
const MOST_OFFERED = 50;
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of VS Code's configuration files
const THE_FILE = '${file}';

/** A launch configuration for one program, with the defaults that a first session wants. */
export function launchProgram(program: string, name: string): vscode.DebugConfiguration {
  return { type: 'ringside', request: 'launch', name, program };
}

/** Completes what the user left out. With no launch.json at all, F5 debugs the file in the editor; so it does with its variable, wherever the file is. */
export function configurationProvider(): vscode.DebugConfigurationProvider {
  return {
    resolveDebugConfiguration(_folder, configuration) {
      const file = programInView();
      if (configuration.type) {
        const named = configuration['program'] === THE_FILE && file !== undefined;
        return named ? { ...configuration, program: programOf(file) } : configuration;
      }
      if (file === undefined) {
        void vscode.window.showErrorMessage(
          'Ringside has no program to debug. Open an .asm file and press F5, or add a launch configuration of type "ringside" whose "program" names an assembly source or a multiboot ELF.',
        );
        return undefined;
      }
      return launchProgram(programOf(file), `Debug ${shortPath(file)}`);
    },
  };
}

/** Offers each program of the workspace under "Run and Debug → Ringside". */
export function dynamicConfigurations(): vscode.DebugConfigurationProvider {
  return {
    async provideDebugConfigurations(folder) {
      const pattern = folder ? new vscode.RelativePattern(folder, PROGRAM_PATTERN) : PROGRAM_PATTERN;
      const files = await vscode.workspace.findFiles(pattern, '**/node_modules/**');
      const first = programInView()?.toString();
      files.sort((a, b) => order(a, first) - order(b, first) || (a.path < b.path ? -1 : 1));
      return files.slice(0, MOST_OFFERED).map((uri) => launchProgram(programOf(uri), `Debug ${shortPath(uri)}`));
    },
  };
}

/** The program that is looked at comes first. */
const order = (uri: vscode.Uri, first: string | undefined): number => (uri.toString() === first ? 0 : 1);
