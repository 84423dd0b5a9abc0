// `npm run web`: VS Code for the Web with Ringside in it, on the samples. Changes stay in the browser's window.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, say } from './lib/run.mjs';
import { ensureBuild, ensurePackages } from './lib/setup.mjs';
import { freePort } from './lib/vscode-server.mjs';
import { ensureWebHost, startWebServer, webAddress } from './lib/web-server.mjs';

const PORT = 8643;

const { values } = parseArgs({ options: { port: { type: 'string' } } });

await ensurePackages();
await ensureBuild();
const problem = await ensureWebHost();
if (problem !== undefined) {
  say(`${problem}.`);
  process.exit(1);
}
const port = await freePort(Number(values.port ?? PORT));
const server = await startWebServer({ extension: ROOT, folder: join(ROOT, 'samples'), port });
say(`VS Code for the Web is at ${webAddress(port)} (Ctrl+C here ends it)`);
say('there, press F1 and choose "Ringside: First Steps", or open a source and press F5');
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.kill(signal));
server.once('exit', (status) => process.exit(status ?? 0));
