// Builds everything that ships into dist/: core.wasm, the command line (also the debug adapter), the extension.
// `--watch` rebuilds the bundles on change; `--if-needed` does nothing when no source is newer than the build.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { build, context } from 'esbuild';
import { browserShims } from './browser-shims.mjs';
import { ROOT, run, say } from './lib/run.mjs';

const DIST = join(ROOT, 'dist');
const ENTRIES = [
  { in: 'src/cli/main.ts', out: 'ringside.cjs', external: [] },
  { in: 'src/extension/main.ts', out: 'extension.cjs', external: ['vscode'] },
  { in: 'src/extension/browser.ts', out: 'extension-browser.cjs', external: ['vscode'], platform: 'browser' },
  { in: 'src/web/adapter-worker.ts', out: 'adapter-worker.js', external: [], platform: 'browser', format: 'iife' },
  { in: 'src/extension/language-client.ts', out: 'language-client.cjs', external: ['vscode'] },
  { in: 'src/lsp/browser.ts', out: 'language-worker.js', external: [], platform: 'browser', format: 'iife' },
];

const VIEWS = ['vmcs', 'exits', 'trace', 'translation', 'memory', 'machine'];
const VIEW_SOURCES = join(ROOT, 'src', 'extension', 'views', 'web');

/** What the extension loads when it is first needed stays a file of its own. */
const LAZY = {
  name: 'lazy',
  setup(plugin) {
    plugin.onResolve({ filter: /^\.\/language-client\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './language-client.cjs', external: true } : undefined,
    );
  },
};

/** Time of the newest file below a folder (or of a file), 0 when there is none. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function upToDate() {
  const inputs = ['src', 'samples/labs', 'package.json', 'scripts/build.mjs'].map((path) => newest(join(ROOT, path)));
  const outputs = [
    ...ENTRIES.map((entry) => entry.out),
    ...VIEWS.map((view) => `views/${view}.js`),
    'samples.json',
  ].map((out) => newest(join(DIST, out)));
  return Math.min(...outputs) > Math.max(...inputs);
}

function options(entry) {
  return {
    entryPoints: [join(ROOT, entry.in)],
    outfile: join(DIST, entry.out),
    bundle: true,
    platform: entry.platform ?? 'node',
    format: entry.format ?? 'cjs',
    target: entry.platform === 'browser' ? 'es2022' : 'node20',
    // The shims are for the disassembler's glue, which looks for its file beside itself.
    ...(entry.format === 'iife' ? { plugins: [browserShims], define: { __dirname: '""' } } : { plugins: [LAZY] }),
    external: entry.external,
    sourcemap: 'linked',
    sourcesContent: false,
    minify: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
  };
}

/** The pages of the views: scripts for a browser. */
function viewOptions() {
  return {
    ...options({ in: '', out: '', external: [] }),
    entryPoints: VIEWS.map((view) => join(VIEW_SOURCES, `${view}.ts`)),
    outfile: undefined,
    outdir: join(DIST, 'views'),
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  };
}

/** What a copy of the labs needs of the samples; the labs include from beside themselves. */
const LAB_FOLDERS = ['labs', 'include', 'hello-vmx', 'broken-entry'];

/** The list of these files, and what each lab is called: for where folders cannot be listed. */
function sampleList() {
  const samples = join(ROOT, 'samples');
  const files = LAB_FOLDERS.flatMap((folder) =>
    readdirSync(join(samples, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(samples, folder, name)).isFile())
      .map((name) => `${folder}/${name.split(sep).join('/')}`),
  ).sort();
  const labs = files
    .map((file) => /^labs\/(\d\d-[^/]+)\/README\.md$/.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => {
      const [heading] = readFileSync(join(samples, 'labs', name, 'README.md'), 'utf8').split('\n');
      return { name, title: heading.replace(/^# /, '') };
    });
  return { files, labs };
}

async function main() {
  const watch = process.argv.includes('--watch');
  mkdirSync(DIST, { recursive: true });
  if (process.argv.includes('--if-needed') && upToDate()) return;
  const core = await run(process.execPath, [join(ROOT, 'scripts', 'build-core.mjs')]);
  if (core !== 0) process.exit(core);
  // The assembler's encoder and the disassembler read this file from beside the bundle.
  cpSync(join(ROOT, 'node_modules', 'iced-x86', 'iced_x86_bg.wasm'), join(DIST, 'iced_x86_bg.wasm'));
  writeFileSync(join(DIST, 'samples.json'), JSON.stringify(sampleList()));
  mkdirSync(join(DIST, 'views'), { recursive: true });
  cpSync(join(VIEW_SOURCES, 'views.css'), join(DIST, 'views', 'views.css'));
  if (watch) {
    await (await context(viewOptions())).watch();
    for (const entry of ENTRIES) await (await context(options(entry))).watch();
    say('watching src …');
    return;
  }
  await Promise.all([...ENTRIES.map((entry) => build(options(entry))), build(viewOptions())]);
  // VS Code for the Web before 1.100 puts .js behind whatever the manifest names; later ones take a .js of this package for an ES module.
  cpSync(join(DIST, 'extension-browser.cjs'), join(DIST, 'extension-browser.cjs.js'));
  say('dist/ is built');
}

await main();
