// The labs' programs to complete, from their solutions. In a solution, a part between `;{ TEXT` and `;}` is the student's: the lab shows TEXT
// as a task in its place, and what stands behind `||` in TEXT (lines divided by `\n`) as code to start from.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/run.mjs';

const SOLUTIONS = 'samples/labs/solutions';
const WIDTH = 80;

/** @returns {{path: string, text: string}[]} `lab.asm` of each lab */
export function labPrograms() {
  return readdirSync(join(ROOT, SOLUTIONS))
    .filter((name) => name.endsWith('.asm'))
    .sort()
    .map((name) => ({
      path: `samples/labs/${name.replace(/\.asm$/, '')}/lab.asm`,
      text: labOf(readFileSync(join(ROOT, SOLUTIONS, name), 'utf8')),
    }));
}

/** The lab of a solution's text. */
export function labOf(solution) {
  const lines = [];
  let inside = false;
  for (const line of solution.split('\n')) {
    const opening = /^;\{ (.*)$/.exec(line);
    if (opening) {
      const [task, start] = opening[1].split(' ||');
      lines.push(...wrap(`TODO ${task}`).map((part) => `; ${part}`));
      if (start !== undefined) lines.push(...start.split('\\n').map(indent));
      inside = true;
    } else if (/^;\}/.test(line)) {
      lines.push('');
      inside = false;
    } else if (!inside) {
      lines.push(line);
    }
  }
  return lines.join('\n').replace(/\n{3,}/g, '\n\n');
}

const indent = (line) => (/^[.\w]+:/.test(line) ? line : `        ${line}`);

function wrap(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last !== '' && last.length + 1 + word.length > WIDTH) lines.push(`     ${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
