// Makes ringside.vsix, the installable extension. `--if-needed` keeps one that is newer than the build.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { ROOT, say } from './lib/run.mjs';

const VSIX = join(ROOT, 'ringside.vsix');
const README = join('build', 'extension-readme.md');
const INPUTS = [
  'dist/extension.cjs',
  'dist/ringside.cjs',
  'dist/core.wasm',
  'dist/views/vmcs.js',
  'dist/views/views.css',
  'package.json',
  'media/extension.md',
  '.vscodeignore',
];

/** What VS Code shows of the extension. It has no folder that pictures could be in beside it, so they are in the text itself. */
function writeReadme() {
  const text = readFileSync(join(ROOT, 'media', 'extension.md'), 'utf8').replace(
    /\]\((docs\/pictures\/[^)]+\.png)\)/g,
    (_, path) => {
      const picture = readFileSync(join(ROOT, path)).toString('base64');
      return `](data:image/png;base64,${picture})`;
    },
  );
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  writeFileSync(join(ROOT, README), text);
}

const age = (path) => statSync(join(ROOT, path)).mtimeMs;
const current = existsSync(VSIX) && INPUTS.every((path) => age(path) < statSync(VSIX).mtimeMs);
if (!(process.argv.includes('--if-needed') && current)) {
  writeReadme();
  await createVSIX({
    cwd: ROOT,
    readmePath: README,
    packagePath: VSIX,
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
  say(`ringside.vsix is packaged, ${Math.round(statSync(VSIX).size / 1024)} KiB`);
}
