// What can be done with bytes of the memory view: from its buttons, and from the context menu of its page.
import * as vscode from 'vscode';
import type { SessionWatch } from './session-state.ts';

/** Bytes as the page names them. */
interface ChosenBytes {
  /** `hva:0x1000`. */
  readonly reference: string;
  /** Reads them in an expression: `byte[hva:0x1000]`, or the name of a VMCS field. */
  readonly expression: string;
  /** The address that they hold, as an expression. */
  readonly target: string;
}

type Act = (watch: SessionWatch, bytes: ChosenBytes) => Thenable<unknown>;

/** Shows an address, an expression, in the memory view. */
export const showMemory = (address: unknown): Thenable<unknown> =>
  vscode.commands.executeCommand('ringside.showMemory', address);

async function whoWrote({ session }: SessionWatch, { expression }: ChosenBytes): Promise<void> {
  await session?.customRequest('ringside/lastWrite', { expression });
}

/** A function breakpoint whose function is an event: it stands in the Breakpoints view like any other. */
async function breakOnWrite(_: SessionWatch, { expression }: ChosenBytes): Promise<void> {
  const functionName = `write:${expression}`;
  const known = vscode.debug.breakpoints.some(
    (breakpoint) => breakpoint instanceof vscode.FunctionBreakpoint && breakpoint.functionName === functionName,
  );
  if (!known) vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(functionName)]);
}

/** Opens memory in the hex editor, when it is installed. */
async function openHexEditor({ session }: SessionWatch, { reference }: ChosenBytes): Promise<void> {
  if (session === undefined) return;
  if (vscode.extensions.getExtension('ms-vscode.hexeditor') === undefined) {
    throw new Error('Microsoft’s extension "Hex Editor" is not installed.');
  }
  const path = `/${encodeURIComponent(reference)}/memory.bin`;
  const uri = vscode.Uri.from({ scheme: 'vscode-debug-memory', authority: session.id, path });
  await vscode.commands.executeCommand('vscode.openWith', uri, 'hexEditor.hexedit');
}

const translate: Act = (_, { reference }) => vscode.commands.executeCommand('ringside.showTranslation', reference);

const ACTS: Readonly<Record<string, Act>> = {
  follow: async (_, { target }) => {
    if (target === '') throw new Error('No address stands in this field of the VMCS.');
    await showMemory(target);
  },
  who: whoWrote,
  breakOnWrite,
  translate,
  hexEditor: openHexEditor,
};

const isBytes = (body: unknown): body is ChosenBytes =>
  typeof body === 'object' && body !== null && 'reference' in body && 'expression' in body && 'target' in body;

/** For the page's buttons; what goes wrong is shown on the page. */
export function memoryActions(watch: SessionWatch): Readonly<Record<string, (body: unknown) => Thenable<unknown>>> {
  return Object.fromEntries(
    Object.entries(ACTS).map(([name, act]) => [
      name,
      (body: unknown) => (isBytes(body) ? act(watch, body) : Promise.resolve()),
    ]),
  );
}

/** For the context menu: `ringside.memory.NAME`. */
export function memoryCommands(watch: SessionWatch): vscode.Disposable[] {
  return Object.entries(ACTS).map(([name, act]) =>
    vscode.commands.registerCommand(`ringside.memory.${name}`, async (body: unknown) => {
      if (!isBytes(body)) return;
      try {
        await act(watch, body);
      } catch (problem) {
        void vscode.window.showErrorMessage(problem instanceof Error ? problem.message : String(problem));
      }
    }),
  );
}
