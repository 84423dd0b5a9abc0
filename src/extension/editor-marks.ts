// What a session shows in the editor: VM exits above the lines that exit, and registers beside the lines that use them.
import * as vscode from 'vscode';
import type { LineExits } from '../debugger/views/line-exits.ts';
import type { SessionWatch } from './views/session-state.ts';

const LANGUAGES = [{ language: 'nasm' }, { language: 'c' }, { language: 'cpp' }, { language: 'rust' }];
/** Lines above the one that runs whose registers are shown too. */
const LINES_BEFORE = 8;
const REGISTER =
  /\b(?:r(?:[abcd]x|[sd]i|[sb]p|[89]|1[0-5])|e(?:[abcd]x|[sd]i|[sb]p)|r(?:[89]|1[0-5])[dwb]|[abcd][xlh]|[sd]il?|[sb]pl?|cr[02348])\b/gi;

function exitLenses(watch: SessionWatch): vscode.CodeLensProvider & vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const subscription = watch.onDidChange(() => changed.fire());
  return {
    onDidChangeCodeLenses: changed.event,
    async provideCodeLenses(document) {
      const { session, state } = watch;
      if (session === undefined || state !== 'stopped') return [];
      const { lines }: { lines: LineExits[] } = await session.customRequest('ringside/lineExits');
      return lines.filter((row) => vscode.Uri.file(row.path).fsPath === document.uri.fsPath).map(lens);
    },
    dispose: () => vscode.Disposable.from(changed, subscription).dispose(),
  };
}

function lens(row: LineExits): vscode.CodeLens {
  const mean = row.mean === null ? '' : `, ${Math.round(row.mean).toLocaleString('en')} instructions each`;
  return new vscode.CodeLens(new vscode.Range(row.line - 1, 0, row.line - 1, 0), {
    title: `${row.title}: ${row.count.toLocaleString('en')} VM ${row.count === 1 ? 'exit' : 'exits'}${mean}`,
    command: 'ringside.showExits',
  });
}

/** Where the block of code begins: at the label above, or so many lines before. */
function firstLine(document: vscode.TextDocument, viewPort: vscode.Range, last: number): number {
  let line = last;
  const least = Math.max(0, viewPort.start.line, last - LINES_BEFORE);
  while (line > least && !/^[.\w]+:/.test(document.lineAt(line).text)) line--;
  return line;
}

/** Registers that the line at hand and the lines above it name, once each, where they are named last. */
const registerValues: vscode.InlineValuesProvider = {
  provideInlineValues(document, viewPort, { stoppedLocation }) {
    const last = stoppedLocation.end.line;
    const found = new Map<string, vscode.Range>();
    for (let line = firstLine(document, viewPort, last); line <= last; line++) {
      const code = document
        .lineAt(line)
        .text.replace(/;.*/, '')
        .replace(/"[^"]*"|'[^']*'/g, (text) => ' '.repeat(text.length));
      for (const match of code.matchAll(REGISTER)) {
        const name = match[0].toLowerCase();
        found.delete(name);
        found.set(name, new vscode.Range(line, match.index, line, match.index + name.length));
      }
    }
    return [...found].map(([name, range]) => new vscode.InlineValueEvaluatableExpression(range, name));
  },
};

export function editorMarks(watch: SessionWatch): vscode.Disposable {
  const lenses = exitLenses(watch);
  return vscode.Disposable.from(
    lenses,
    vscode.languages.registerCodeLensProvider(LANGUAGES, lenses),
    vscode.languages.registerInlineValuesProvider({ language: 'nasm' }, registerValues),
  );
}
