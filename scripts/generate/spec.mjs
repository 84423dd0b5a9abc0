// Loads TypeScript of src/ that runs without Node.js, for scripts.
import { build } from 'esbuild';
import { ROOT } from '../lib/run.mjs';

/**
 * @param {readonly string[]} paths files under the repository's root; their exports are joined
 * @returns {Promise<Record<string, any>>}
 */
export async function loadSources(paths) {
  const bundle = await build({
    stdin: {
      contents: paths.map((path) => `export * from './${path}';`).join('\n'),
      resolveDir: ROOT,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    logLevel: 'error',
  });
  return import(`data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString('base64')}`);
}
