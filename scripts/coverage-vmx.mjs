// `npm run coverage:vmx`: every VMCS field, control, exit reason and entry check with its test. Exits with 1 when one has none.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from './lib/run.mjs';

// The sources find the programs beside their own bundle.
const bundle = join(ROOT, 'test/vmx/coverage-bundle.mjs');

try {
  await build({
    stdin: {
      contents: `export { collect, PROGRAM_NAMES } from './proofs/collect.ts';
export { coverage, coverageText, unproven } from './proofs/table.ts';`,
      resolveDir: join(ROOT, 'test/vmx'),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: bundle,
    logLevel: 'error',
  });
  const { collect, coverage, coverageText, PROGRAM_NAMES, unproven } = await import(pathToFileURL(bundle).href);
  const rows = coverage(PROGRAM_NAMES.map(collect));
  process.stdout.write(coverageText(rows));
  const missing = unproven(rows);
  if (missing.length > 0) {
    process.stderr.write(`ringside: nothing proves ${missing.join(', ')}\n`);
    process.exitCode = 1;
  }
} finally {
  await rm(bundle, { force: true });
}
