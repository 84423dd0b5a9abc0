// `npm test`: every test there is. Installs and builds first; says plainly what could not be run and why.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, say, which } from './lib/run.mjs';
import { ensureBuild, ensurePackages, ensureVsCodeHost } from './lib/setup.mjs';

const TOOLS = {
  nasm: 'the assembler is compared with it',
  gcc: 'C samples, and the processor is compared with this machine’s own',
  objdump: 'the decoder is compared with it',
  readelf: 'line tables are compared with it',
  'qemu-system-x86_64': 'system-mode behaviour is compared with it',
};

/** Runs one stage and returns its status, its time and a name for the summary. */
async function stage(name, command, args) {
  say(`── ${name}`);
  const start = Date.now();
  const status = await run(command, args).catch(() => 1);
  return { name, passed: status === 0, seconds: Math.round((Date.now() - start) / 1000) };
}

await ensurePackages();
await ensureBuild();
const missing = Object.entries(TOOLS).filter(([tool]) => !which(tool));
for (const [tool, use] of missing) say(`${tool} is not on PATH (${use}): the tests that need it are skipped`);

const stages = [
  await stage('check: types, style, architecture, generated files', process.execPath, [
    join(ROOT, 'scripts', 'check.mjs'),
  ]),
];
const report = join(ROOT, 'build', 'vitest.json');
rmSync(report, { force: true });
stages.push(
  await stage('tests', join(ROOT, 'node_modules', '.bin', 'vitest'), [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]),
);

const chromium = which('chromium') ?? which('chromium-browser') ?? which('google-chrome');
const host = chromium ? await ensureVsCodeHost() : 'no Chromium on PATH';
let skippedStages = 0;
if (typeof host === 'string') {
  skippedStages = 1;
  say(`the tests in a real VS Code were not run: ${host}`);
  if (process.env.CI) stages.push({ name: 'tests in a real VS Code', passed: false, seconds: 0 });
} else {
  stages.push(await stage('package', process.execPath, [join(ROOT, 'scripts', 'package.mjs')]));
  stages.push(await stage('tests in a real VS Code', process.execPath, [join(ROOT, 'test', 'e2e', 'main.mjs')]));
  stages.push(
    await stage('tests in a VS Code whose extension host is a worker', process.execPath, [
      join(ROOT, 'test', 'e2e', 'browser.mjs'),
    ]),
    await stage('tests in VS Code for the Web', process.execPath, [join(ROOT, 'test', 'e2e', 'web.mjs')]),
  );
}

const units = existsSync(report)
  ? JSON.parse(readFileSync(report, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 };
const others = stages.filter((entry) => entry.name !== 'tests');
for (const entry of stages) say(`${entry.passed ? 'passed' : 'FAILED'}  ${entry.name} (${entry.seconds} s)`);
const passed = units.numPassedTests + others.filter((entry) => entry.passed).length;
const failed = units.numFailedTests + others.filter((entry) => !entry.passed).length;
const stageFailed = stages.some((entry) => !entry.passed);
process.stdout.write(
  `${passed} passed, ${Math.max(failed, stageFailed ? 1 : 0)} failed, ${units.numPendingTests + skippedStages} skipped\n`,
);
process.exit(stageFailed || passed === 0 ? 1 : 0);
