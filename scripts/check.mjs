// `npm run check`: types, style, architecture, and that generated files are up to date. Every part runs; all faults show.
import { join } from 'node:path';
import { outdatedFiles } from './generate.mjs';
import { ROOT, run, say } from './lib/run.mjs';

const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

const PARTS = [
  ['types', () => run(bin('tsc'), ['--noEmit', '-p', ROOT])],
  ['style', () => run(bin('biome'), ['check', '--diagnostic-level=error', '.'])],
  ['architecture', () => run(bin('vitest'), ['run', '--reporter=dot', 'test/architecture.test.ts'])],
  [
    'generated files',
    async () => {
      const outdated = await outdatedFiles();
      for (const path of outdated) {
        say(`${path} is out of date: run npm run generate`);
      }
      return outdated.length === 0 ? 0 : 1;
    },
  ],
];

const failed = [];
for (const [name, part] of PARTS) {
  const status = await part().catch((error) => {
    say(`${name}: ${error.message}`);
    return 1;
  });
  if (status !== 0) {
    failed.push(name);
  }
}
say(failed.length === 0 ? 'check passed' : `check FAILED: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
