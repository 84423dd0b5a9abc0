// Runs code-server as a VS Code that a browser opens, with Ringside installed and calm settings.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const CALM_SETTINGS = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'debug.openDebug': 'openOnSessionStart',
  'debug.toolBarLocation': 'docked',
  'debug.internalConsoleOptions': 'neverOpen',
  'git.enabled': false,
};

/** A port of this machine that nobody listens on; the wanted one when it is free. */
export function freePort(wanted = 0) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', () => (wanted ? resolve(freePort(0)) : reject(new Error('no free port on localhost'))));
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** True when the address answers with a page. */
export function answers(url) {
  return new Promise((resolve) => {
    http
      .get(url, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => resolve(false));
  });
}

/**
 * Installs the extension and starts the server.
 * @param {{host: {node: string, server: string}, folder: string, vsix: string, port?: number, settings?: object}} options
 *   folder: short path for the server's own files (a unix socket lives there).
 * @returns {Promise<{port: number, stop: () => Promise<void>, process: import('node:child_process').ChildProcess}>}
 */
export async function startVsCodeServer({ host, folder, vsix, port: wanted, settings }) {
  const data = join(folder, 'data');
  const extensions = join(folder, 'extensions');
  mkdirSync(join(data, 'User'), { recursive: true });
  mkdirSync(extensions, { recursive: true });
  writeFileSync(join(data, 'User', 'settings.json'), JSON.stringify({ ...CALM_SETTINGS, ...settings }, undefined, 2));
  const port = await freePort(wanted);
  const config = join(folder, 'config.yaml');
  writeFileSync(config, `bind-addr: 127.0.0.1:${port}\nauth: none\ncert: false\n`);
  const env = { ...process.env, NODE_OPTIONS: '', EXTENSIONS_GALLERY: '{}' };
  delete env.VSCODE_IPC_HOOK_CLI;
  const common = [host.server, '--config', config, '--user-data-dir', data, '--extensions-dir', extensions];
  await promisify(execFile)(host.node, [...common, '--install-extension', vsix, '--force'], { env });
  const server = spawn(
    host.node,
    [
      ...common,
      '--auth',
      'none',
      '--disable-telemetry',
      '--disable-update-check',
      '--disable-workspace-trust',
      '--disable-getting-started-override',
      '--ignore-last-opened',
    ],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = [];
  server.stdout.on('data', (data) => log.push(data));
  server.stderr.on('data', (data) => log.push(data));
  for (let tries = 0; !(await answers(`http://127.0.0.1:${port}/healthz`)); tries++) {
    if (tries > 300 || server.exitCode !== null) throw new Error(`code-server did not start:\n${Buffer.concat(log)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async () => {
    if (server.exitCode !== null) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    const timer = setTimeout(() => server.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
  };
  return { port, stop, process: server };
}
