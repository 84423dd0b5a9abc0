// Results of tests in the forms that other tools read: TAP 14, JUnit's XML, and lcov's trace files.

import type { Coverage, TestResult } from './types.ts';

export interface FileResults {
  readonly path: string;
  readonly results: readonly TestResult[];
}

/** One test of a TAP stream; `number` counts from 1. */
export function tapLine(number: number, path: string, result: TestResult): string {
  const passed = result.failures.length === 0;
  const head = `${passed ? 'ok' : 'not ok'} ${number} - ${path}: ${result.test.name.replaceAll('#', '\\#')}`;
  const lines = [head, ...(passed ? [] : diagnostics(result))];
  return `${[...lines, ...result.notes.flatMap((note) => comment(note))].join('\n')}\n`;
}

export const tapHead = (count: number): string => `TAP version 14\n1..${count}\n`;

function diagnostics({ failures, console }: TestResult): string[] {
  const lines = ['  ---', '  failures:'];
  for (const { message, path, line } of failures) {
    lines.push(`    - message: ${JSON.stringify(message)}`);
    if (path !== undefined && line !== undefined) lines.push(`      at: ${JSON.stringify(`${path}:${line}`)}`);
  }
  if (console !== '') lines.push(`  console: ${JSON.stringify(console)}`);
  return [...lines, '  ...'];
}

const comment = (text: string): string[] => text.split('\n').map((line) => `# ${line}`.trimEnd());

export function junit(files: readonly FileResults[]): string {
  const suites = files.map(({ path, results }) => {
    const failed = results.filter((result) => result.failures.length > 0).length;
    const cases = results.map((result) => junitCase(path, result)).join('');
    return `  <testsuite name="${xml(path)}" tests="${results.length}" failures="${failed}" errors="0">\n${cases}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('')}</testsuites>\n`;
}

function junitCase(path: string, { test, failures, notes, console }: TestResult): string {
  const where =
    test.path === undefined ? '' : ` file="${xml(test.path)}"${test.line === undefined ? '' : ` line="${test.line}"`}`;
  const inner = [
    ...failures.map(
      ({ message }) => `      <failure message="${xml(message.split('\n')[0] ?? '')}">${xml(message)}</failure>\n`,
    ),
    ...(console === '' && notes.length === 0
      ? []
      : [`      <system-out>${xml([console, ...notes].join('\n'))}</system-out>\n`]),
  ].join('');
  const head = `    <testcase name="${xml(test.name)}" classname="${xml(path)}"${where}`;
  return inner === '' ? `${head}/>\n` : `${head}>\n${inner}    </testcase>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes for text and attributes; control characters that XML 1.0 has no form for become U+FFFD. */
function xml(text: string): string {
  return [...text].map((char) => ENTITIES[char] ?? (char < ' ' && !'\t\n\r'.includes(char) ? '\ufffd' : char)).join('');
}

/** Trace file of lcov (geninfo's manual page, "FILES"). */
export function lcov(coverage: Coverage): string {
  const parts: string[] = [];
  for (const [path, lines] of [...coverage].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const sorted = [...lines].sort(([a], [b]) => a - b);
    parts.push(
      'TN:',
      `SF:${path}`,
      ...sorted.map(([line, count]) => `DA:${line},${count}`),
      `LF:${sorted.length}`,
      `LH:${sorted.filter(([, count]) => count > 0).length}`,
      'end_of_record',
    );
  }
  return parts.length === 0 ? '' : `${parts.join('\n')}\n`;
}
