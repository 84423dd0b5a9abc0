// `npm start`: VS Code on the samples with Ringside loaded. Uses `code` when it is on PATH, else code-server from npm.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, say, which } from './lib/run.mjs';
import { ensureBuild, ensurePackages, ensureVsCodeHost } from './lib/setup.mjs';

const SAMPLES = join(ROOT, 'samples');
const PORT = 8642;

await ensurePackages();
await ensureBuild();

const code = which('code');
if (code) {
  say('opening VS Code on the samples: choose a configuration and press F5');
  process.exit(await run(code, ['--new-window', `--extensionDevelopmentPath=${ROOT}`, SAMPLES]));
}

say('"code" is not on PATH, so VS Code will run in your browser');
const host = await ensureVsCodeHost();
if (typeof host === 'string') {
  say(`could not get a VS Code: ${host}.`);
  process.exit(1);
}
if ((await run(process.execPath, [join(ROOT, 'scripts', 'package.mjs'), '--if-needed'])) !== 0) process.exit(1);
const { startVsCodeServer } = await import('./lib/vscode-server.mjs');
const folder = join(ROOT, '.vscode-host', 'start');
mkdirSync(folder, { recursive: true });
const server = await startVsCodeServer({ host, folder, vsix: join(ROOT, 'ringside.vsix'), port: PORT });
say(`VS Code is at http://localhost:${server.port}/?folder=${encodeURIComponent(SAMPLES)}`);
say('open it, choose a configuration under Run and Debug, press F5. Ctrl+C here ends it.');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.stop().then(() => process.exit(0)));
