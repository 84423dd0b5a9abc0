// Where the debug adapter runs: a process of its own, so that the simulated machine never holds up the editor.
import { join } from 'node:path';
import * as vscode from 'vscode';

/** Starts `dist/ringside.cjs dap` with the editor's own Node.js; a `debugServer` port in launch.json takes precedence. */
export function adapterFactory(extensionPath: string): vscode.DebugAdapterDescriptorFactory {
  return {
    createDebugAdapterDescriptor(session) {
      const port: unknown = session.configuration['debugServer'];
      if (typeof port === 'number') return new vscode.DebugAdapterServer(port);
      return new vscode.DebugAdapterExecutable(process.execPath, [join(extensionPath, 'dist', 'ringside.cjs'), 'dap'], {
        env: { ELECTRON_RUN_AS_NODE: '1' },
      });
    },
  };
}
