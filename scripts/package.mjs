// Makes ringside.vsix, the installable extension. `--if-needed` keeps one that is newer than the build.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { ROOT, say } from './lib/run.mjs';

const VSIX = join(ROOT, 'ringside.vsix');
const INPUTS = [
  'dist/extension.cjs',
  'dist/ringside.cjs',
  'dist/core.wasm',
  'dist/views/vmcs.js',
  'dist/views/views.css',
  'package.json',
  'README.md',
  '.vscodeignore',
];

const age = (path) => statSync(join(ROOT, path)).mtimeMs;
const current = existsSync(VSIX) && INPUTS.every((path) => age(path) < statSync(VSIX).mtimeMs);
if (!(process.argv.includes('--if-needed') && current)) {
  await createVSIX({
    cwd: ROOT,
    packagePath: VSIX,
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
  say(`ringside.vsix is packaged, ${Math.round(statSync(VSIX).size / 1024)} KiB`);
}
