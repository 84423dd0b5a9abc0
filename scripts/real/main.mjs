// `npm run real [-- NAME…] [--limit INSTRUCTIONS]`: programs of others, from Debian's packages, on the machine, and how far each comes.
// Packages are fetched into build/real by apt-get and unpacked there. Nothing else needs them. docs/reference/runs.md keeps the results.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT, say } from '../lib/run.mjs';
import { FOLDER, fetched } from './packages.mjs';
import { PROGRAMS } from './programs.mjs';

const SLICE = 20_000_000;
const LIMIT = 300_000_000;

async function machineModule() {
  const outfile = join(FOLDER, 'bundle.mjs');
  await build({
    stdin: {
      contents: `export { createMachine } from './machine/machine.ts';
export { loadProgram } from './program/load.ts';
export { imageOf } from './program/image.ts';
export { explainTripleFault } from './debugger/explain.ts';`,
      resolveDir: join(ROOT, 'src'),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['iced-x86'],
    outfile,
    logLevel: 'error',
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile);
  }
}

/** Runs to a stop or the limit. */
async function played(tools, core, program, limit) {
  const name = typeof program.package === 'function' ? program.package() : program.package;
  const { folder, version } = fetched(name);
  const boot = join(folder, 'boot');
  const file = readdirSync(boot).find((candidate) => program.file.test(candidate));
  if (file === undefined) throw new Error(`${name} ${version} has no ${program.file} in /boot`);
  const content = readFileSync(join(boot, file));
  const bytes = new Uint8Array(content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content);
  const { args, bits, memory, modules: more, until } = program;
  const ramSize = memory << 20;
  const files = new Map([[basename(file), bytes]]);
  const modules = [];
  for (const [path, contents] of Object.entries(more?.(folder) ?? {})) {
    files.set(path, new Uint8Array(contents));
    modules.push(path);
  }
  const options = { ramSize, args, bits, modules, format: bits === undefined ? 'auto' : 'linux' };
  const loaded = await tools.loadProgram(basename(file), options, async (path) => files.get(path));
  const machine = tools.createMachine({ coreWasm: core, ramSize, program: loaded });
  let text = '';
  let exits = 0;
  const notices = new Set();
  machine.onOutput = (more) => {
    text += String.fromCharCode(...more);
  };
  machine.onNotice = (notice) => notices.add(notice);
  machine.onTransition = (event) => {
    if ('exit' in event) exits++;
  };
  let stop;
  do stop = machine.run({ limit: Math.min(SLICE, limit - machine.time()), tripleFaults: true });
  while (stop.kind === 'budget' && machine.time() < limit && !(until && text.includes(until)));
  const end = inWords(stop, machine, tools, loaded);
  return { package: name, version, text, exits, notices, instructions: machine.time(), end };
}

function inWords(stop, machine, tools, loaded) {
  const place = `at ${machine.registers(machine.side()).values.get('rip').toString(16).toUpperCase()}H`;
  switch (stop.kind) {
    case 'budget':
      return `still running at the limit, ${place}`;
    case 'triple-fault':
      return `triple fault, of which ${firstFault(stop, machine, tools, loaded)}`;
    case 'shutdown':
      return `ended by port ${stop.port.toString(16).toUpperCase()}H with status ${stop.status}`;
    default:
      return `${'explanation' in stop ? stop.explanation : stop.kind} (${place})`;
  }
}

/** The first of the chain of faults, as the debugger tells it. */
function firstFault(stop, machine, tools, loaded) {
  const { body } = tools.explainTripleFault(stop.faults, machine, tools.imageOf(loaded));
  return body
    .split('\n')
    .slice(1, 3)
    .map((line) => line.trim())
    .join(' '); // after the heading
}

/** The last line that is not empty, without escape sequences. */
function lastLine(text) {
  const lines = stripVTControlCharacters(text).split(/[\r\n]+/);
  return lines.map((line) => line.trim()).findLast((line) => line !== '') ?? '(nothing)';
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { limit: { type: 'string' }, console: { type: 'boolean' } },
});
const limit = Number(values.limit ?? LIMIT);
mkdirSync(FOLDER, { recursive: true });
const tools = await machineModule();
const core = new WebAssembly.Module(readFileSync(join(ROOT, 'dist/core.wasm')));
for (const program of PROGRAMS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  try {
    const result = await played(tools, core, program, limit);
    say(`${program.name}: ${result.package} ${result.version}`);
    if (values.console) process.stdout.write(`${result.text}\n`);
    const lines = result.text.split('\n').length - 1;
    process.stdout.write(`  console:      ${lines} lines, the last: ${lastLine(result.text)}\n`);
    process.stdout.write(`  instructions: ${result.instructions.toLocaleString('en')}; VM exits ${result.exits}\n`);
    process.stdout.write(`  end:          ${result.end.replaceAll('\n', '\n                ')}\n`);
    for (const notice of [...result.notices].slice(0, 8)) process.stdout.write(`  notice:       ${notice}\n`);
  } catch (problem) {
    say(`${program.name}: ${problem instanceof Error ? problem.message : problem}`);
    process.exitCode = 1;
  }
}
