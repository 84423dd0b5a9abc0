// Speed: instructions a second on samples/bench beside QEMU, VM exits a second, and how long the debugger lets a person wait.
// Medians of alternating runs, in CPU time (latencies in wall time), so that other work on the computer matters little.
//
//   npm run bench [-- --rounds N] [--scale N] [--only engine|exits|processors|explanations|adapter|watching|history|language]
// What each row means: docs/performance.md.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { measureAdapter } from './bench/adapter.mjs';
import { runQemu } from './bench/qemu.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SAMPLES = join(ROOT, 'samples/bench');
const ENGINE = join(ROOT, 'build/bench/engine.mjs');
const PARTS = ['sieve', 'crc', 'quicksort', 'matrix', 'list', 'interpreter', 'arithmetic'];
const GOALS = {
  ratio: 0.35,
  exits: 150_000,
  processors: 1.3,
  failedEntry: 20,
  statistics: 2,
  firstStop: 1000,
  step: 5,
  pause: 100,
  breakpoints: 1.1,
  watched: 10,
  recording: 1.1,
  back: 100,
  search: 0.5,
};
/** VM exits a second at which collecting statistics must stay below its goal, in per cent. */
const STATISTICS_RATE = 300_000;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '10' },
    only: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
const wanted = (name) => options.only === undefined || options.only === name;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

execFileSync(process.execPath, ['scripts/build-core.mjs'], { cwd: ROOT, stdio: 'inherit' });
if (!existsSync(join(SAMPLES, 'build/bench.elf')) || !existsSync(join(SAMPLES, 'build/exits.bin'))) {
  execFileSync('make', ['-C', SAMPLES], { stdio: 'inherit' });
}
await bundleTo(ENGINE, 'scripts/bench/engine.ts');
if (wanted('explanations')) {
  for (const name of ['failed-entry', 'statistics'])
    await bundleTo(join(dirname(ENGINE), `${name}.mjs`), `scripts/bench/${name}.ts`);
}
await bundleTo(join(dirname(ENGINE), 'history.mjs'), 'scripts/bench/history.ts');

if (wanted('engine')) await measureEngine();
if (wanted('exits')) measureExits();
if (wanted('processors')) await measureProcessors();
if (wanted('explanations')) measureExplanations();
if (wanted('adapter')) await measureLatencies();
if (wanted('history')) measureHistory();
if (wanted('watching')) await measureWatching();

async function bundleTo(outfile, entry) {
  await build({
    entryPoints: [join(ROOT, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['iced-x86'],
    logLevel: 'warning',
  });
}

function runEngine(file, ramMib, load, history = 0, engine = ENGINE) {
  const text = execFileSync(process.execPath, [engine, file, String(ramMib), JSON.stringify(load), String(history)], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return JSON.parse(text);
}

async function measureEngine() {
  const image = join(SAMPLES, 'build/bench.elf');
  const ours = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(runEngine(image, 128, { args: options.scale }));
    theirs.push(await runQemu(image, options.scale));
  }
  const [first] = ours;
  const mips = median(ours.map((run) => run.instructions / run.milliseconds / 1000));
  console.log(`instructions  ${(first.instructions / 1e6).toFixed(1)} million, ${mips.toFixed(0)} million a second`);
  const parts = PARTS.map((name, i) => `${name} ${median(ours.map((run) => run.parts[i])).toFixed(0)}`);
  console.log(`              ${parts.join(', ')}`);
  if (theirs.some((time) => time === undefined)) {
    console.log('QEMU          qemu-system-x86_64 is missing: no ratio');
    return;
  }
  const ratio = median(ours.map((run, i) => theirs[i] / run.milliseconds));
  const qemu = first.instructions / median(theirs) / 1000;
  console.log(
    `QEMU          ${qemu.toFixed(0)} million a second; ratio ${ratio.toFixed(2)}${verdict(ratio >= GOALS.ratio, GOALS.ratio)}`,
  );
}

function measureExits() {
  const runs = Array.from({ length: rounds }, () =>
    runEngine(join(SAMPLES, 'build/exits.bin'), 16, { bits: 64, address: 0x100000 }),
  );
  const rate = median(runs.map((run) => (run.exits / run.milliseconds) * 1000));
  console.log(`VM exits      ${Math.round(rate)} a second${verdict(rate >= GOALS.exits, GOALS.exits)}`);
}

/** Several processors that compute, against one that does, by turns. */
async function measureProcessors() {
  const outfile = join(ROOT, 'build/bench/processors.mjs');
  await bundleTo(outfile, 'scripts/bench/processors.ts');
  const text = execFileSync(process.execPath, [outfile, String(rounds)], { cwd: ROOT, encoding: 'utf8' });
  const speeds = JSON.parse(text);
  const [two, four] = [2, 4].map((count) => median(speeds[1].map((alone, i) => alone / speeds[count][i])));
  console.log(
    `processors    2: ${two.toFixed(2)}, 4: ${four.toFixed(2)} times as long as one for the same instructions${verdict(Math.max(two, four) < GOALS.processors, GOALS.processors)}`,
  );
}

/** A VM entry that fails, with its explanation, in a fresh process; and what counting the exits takes of the time. */
function measureExplanations() {
  const part = (name, ...args) =>
    JSON.parse(execFileSync(process.execPath, [join(dirname(ENGINE), name), ...args], { cwd: ROOT, encoding: 'utf8' }));
  const program = join(ROOT, 'samples/broken-entry/broken-entry.asm');
  const failed = median(Array.from({ length: rounds }, () => part('failed-entry.mjs', program).milliseconds));
  console.log(
    `failed entry  ${failed.toFixed(1)} ms with its explanation, the first time${verdict(failed < GOALS.failedEntry, `${GOALS.failedEntry} ms`)}`,
  );
  const nanoseconds = median(Array.from({ length: rounds }, () => part('statistics.mjs').nanoseconds));
  const share = (nanoseconds * STATISTICS_RATE) / 1e7;
  console.log(
    `statistics    ${nanoseconds.toFixed(0)} ns a VM exit, ${share.toFixed(2)} % at ${STATISTICS_RATE} a second${verdict(share < GOALS.statistics, `${GOALS.statistics} %`)}`,
  );
}

/** Recording on and off by turns; then steps back and a search in a history of a billion instructions. */
function measureHistory() {
  const bench = join(SAMPLES, 'build/bench.elf');
  for (const [name, file, ram, load] of [
    ['computing', bench, 128, { args: options.scale }],
    ['VM exits', join(SAMPLES, 'build/exits.bin'), 16, { bits: 64, address: 0x100000 }],
  ]) {
    const ratios = Array.from({ length: rounds }, () => {
      const off = runEngine(file, ram, load).milliseconds;
      return runEngine(file, ram, load, 512).milliseconds / off;
    });
    const ratio = median(ratios);
    console.log(
      `recording     ${name}: ${((ratio - 1) * 100).toFixed(1)} % of the time${verdict(ratio <= GOALS.recording, '10 %')}`,
    );
  }
  const travel = runEngine(bench, 128, { args: '1000' }, 512, join(dirname(ENGINE), 'history.mjs'));
  const slowest = Math.max(...travel.latencies);
  console.log(
    `step back     ${median(travel.latencies).toFixed(1)} ms, slowest ${slowest.toFixed(0)} ms, in a history of a billion instructions (${travel.snapshots} snapshots, ${(travel.bytes / 1048576).toFixed(0)} MiB)${verdict(slowest < GOALS.back, `${GOALS.back} ms`)}`,
  );
  const speed = travel.backward / travel.forward;
  console.log(
    `reverse       ${travel.backward.toFixed(0)} million instructions a second, ${speed.toFixed(2)} of forward${verdict(speed >= GOALS.search, GOALS.search)}`,
  );
}

async function measureLatencies() {
  const adapter = join(ROOT, 'dist/ringside.cjs');
  if (!existsSync(adapter)) execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: 'inherit' });
  const program = join(SAMPLES, 'exits.asm');
  const { firstStop, step, slowestStep, pause, slowestPause } = await measureAdapter(adapter, { program });
  console.log(
    `first stop    ${firstStop.toFixed(0)} ms after the adapter starts${verdict(firstStop < GOALS.firstStop, `${GOALS.firstStop} ms`)}`,
  );
  console.log(
    `step          ${step.toFixed(1)} ms, slowest ${slowestStep.toFixed(1)} ms${verdict(step < GOALS.step, `${GOALS.step} ms`)}`,
  );
  console.log(
    `pause         ${pause.toFixed(0)} ms, slowest ${slowestPause.toFixed(0)} ms${verdict(slowestPause < GOALS.pause, `${GOALS.pause} ms`)}`,
  );
}

/** What breakpoints and watches cost, as ratios of speeds. */
async function measureWatching() {
  const outfile = join(ROOT, 'build/bench/watching.mjs');
  await bundleTo(outfile, 'scripts/bench/watching.ts');
  const text = execFileSync(process.execPath, [outfile, String(rounds)], { cwd: ROOT, encoding: 'utf8' });
  const speeds = JSON.parse(text);
  const ratio = (name) => median(speeds.free.map((free, i) => free / speeds[name][i]));
  const [breakpoints, elsewhere, page] = ['breakpoints', 'watchElsewhere', 'watchedPage'].map(ratio);
  console.log(
    `breakpoints   100 elsewhere: ${breakpoints.toFixed(2)} times as long${verdict(breakpoints < GOALS.breakpoints, GOALS.breakpoints)}`,
  );
  console.log(
    `data watched  elsewhere: ${elsewhere.toFixed(2)} times as long${verdict(elsewhere < GOALS.breakpoints, GOALS.breakpoints)}`,
  );
  console.log(
    `              in the page: ${page.toFixed(1)} times as long${verdict(page < GOALS.watched, GOALS.watched)}`,
  );
}

function verdict(met, goal) {
  return met ? ` (goal ${goal})` : ` (GOAL ${goal} MISSED)`;
}

// Editing a source of 20,000 lines (--only language).
if (wanted('language')) await (await import('./bench/language.mjs')).reportLanguage(join(ROOT, 'dist/ringside.cjs'));
