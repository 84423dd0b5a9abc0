// What a session shows in the editor: VM exits above labels and the lines that exit, and registers beside the lines that use them.
import * as vscode from 'vscode';
import type { LabelExits } from '../debugger/views/label-exits.ts';
import type { LineExits } from '../debugger/views/line-exits.ts';
import type { SessionWatch } from './views/session-state.ts';

const LANGUAGES = [
  { language: 'nasm' },
  { language: 'gas' },
  { language: 'c' },
  { language: 'cpp' },
  { language: 'rust' },
];
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
      const { lines, labels }: ExitMarks = await session.customRequest('ringside/lineExits');
      const isHere = (row: { path: string }): boolean => vscode.Uri.file(row.path).fsPath === document.uri.fsPath;
      return [
        ...labels.filter(isHere).map((row) => labelLens(document, row)),
        ...lines.filter(isHere).map((row) => lens(row.line, lineText(row))),
      ];
    },
    dispose: () => vscode.Disposable.from(changed, subscription).dispose(),
  };
}

interface ExitMarks {
  readonly lines: readonly LineExits[];
  readonly labels: readonly LabelExits[];
}

/** @param line from 1 */
const lens = (line: number, title: string): vscode.CodeLens =>
  new vscode.CodeLens(new vscode.Range(line - 1, 0, line - 1, 0), { title, command: 'ringside.showExits' });

const number = (value: number): string => Math.round(value).toLocaleString('en');
const exitsText = (count: number): string => `${number(count)} VM ${count === 1 ? 'exit' : 'exits'}`;

function lineText({ title, count, mean }: LineExits): string {
  return `${title}: ${exitsText(count)}${mean === null ? '' : `, ${number(mean)} instructions each`}`;
}

/** Lines above its first instruction where a label may stand. */
const LABEL_ABOVE = 6;

function labelLens(document: vscode.TextDocument, row: LabelExits): vscode.CodeLens {
  const last = Math.min(row.line, document.lineCount) - 1;
  const isLabel = new RegExp(`^\\s*${row.name.replace(/[.$?]/g, '\\$&')}\\s*:`);
  let line = last;
  while (line > Math.max(0, last - LABEL_ABOVE) && !isLabel.test(document.lineAt(line).text)) line--;
  return lens((isLabel.test(document.lineAt(line).text) ? line : last) + 1, labelText(row));
}

function labelText({ name, kind, count, handled, instructions, reasons }: LabelExits): string {
  const spent = handled === 0 ? '' : `, ${number(instructions)} instructions in handlers`;
  if (kind === 'exits') {
    const which =
      reasons.length < 2 ? '' : ` (${reasons.map((each) => `${each.title} ${number(each.count)}`).join(', ')})`;
    return `${name}: ${exitsText(count)}${which}${spent}`;
  }
  const until =
    handled === 0
      ? ''
      : `, ${number(instructions)} instructions until VM entry, ${number(instructions / handled)} each`;
  return `${name}: handler of ${exitsText(count)}${until}`;
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
