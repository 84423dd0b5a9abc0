// Builds the processor core: src/core (AssemblyScript) and the handlers of src/core/ops (run here, at build time) become
// dist/core.wasm. Does nothing when no input changed since the last build.
//
//   node scripts/build-core.mjs [--force] [--dev] [--output FILE]
//
// --dev compiles without optimisation: quicker to build, several times slower to run.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const GENERATED = join(ROOT, 'build/core');
/** AssemblyScript's static data starts at STATIC_DATA in layout.ts. */
const MEMORY_BASE = 0x100000;
/** Pages of 64 KiB that the smallest machine needs: everything below RAM. */
const INITIAL_PAGES = 0x4000000 / 0x10000;
const MAXIMUM_PAGES = 65536;

const { values: options } = parseArgs({
  options: { force: { type: 'boolean' }, dev: { type: 'boolean' }, output: { type: 'string' } },
});
const output = options.output ?? join(ROOT, 'dist/core.wasm');
await buildCore().catch((problem) => {
  console.error(problem.message);
  process.exitCode = 1;
});

async function buildCore() {
  if (upToDate()) return;
  mkdirSync(dirname(output), { recursive: true });
  const release = await lock();
  try {
    if (upToDate()) return;
    await rebuild();
  } finally {
    release();
  }
}

/** The inputs' hash, kept beside the output. */
function stampOf() {
  return `${output}.inputs`;
}

function upToDate() {
  return (
    !options.force && existsSync(output) && existsSync(stampOf()) && readFileSync(stampOf(), 'utf8') === hashInputs()
  );
}

/** One build of an output at a time: tests that run in parallel wait for the first. */
async function lock() {
  const path = `${output}.lock`;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (problem) {
      if (problem.code !== 'EEXIST') throw problem;
      if (!isAlive(path)) rmSync(path, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function isAlive(path) {
  try {
    process.kill(Number(readFileSync(path, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

async function rebuild() {
  const inputs = hashInputs();
  const started = Date.now();
  await generateHandlers();
  const temporary = `${output}.${process.pid}`;
  await compile(temporary);
  renameSync(temporary, output);
  writeFileSync(stampOf(), inputs);
  console.log(
    `core: ${relative(ROOT, output)}, ${statSync(output).size} bytes, ${((Date.now() - started) / 1000).toFixed(1)} s`,
  );
}

function hashInputs() {
  const hash = createHash('sha256').update(options.dev ? 'dev' : 'release');
  const files = readdirSync(join(ROOT, 'src/core'), { recursive: true })
    .map((name) => join(ROOT, 'src/core', name))
    .filter((path) => path.endsWith('.ts'))
    .sort();
  const scripts = ['build-core.mjs', 'core-transform.mjs'].map((name) => join(ROOT, 'scripts', name));
  for (const path of [...files, ...scripts, join(ROOT, 'package-lock.json')])
    hash.update(path).update(readFileSync(path));
  return hash.digest('hex');
}

/** Runs the handler table: build/core/op-ids.ts for the decoder, build/core/run-ops.ts for the interpreter. */
async function generateHandlers() {
  mkdirSync(GENERATED, { recursive: true });
  const bundle = join(GENERATED, `ops-${process.pid}.mjs`);
  await build({
    entryPoints: [join(ROOT, 'src/core/ops/table.ts')],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  const { emitIds, emitSimdRows, emitSimdSwitch, emitSwitch } = await import(pathToFileURL(bundle).href);
  rmSync(bundle);
  writeFileSync(join(GENERATED, 'op-ids.ts'), emitIds());
  writeFileSync(join(GENERATED, 'run-ops.ts'), emitSwitch('../../src/core'));
  writeFileSync(join(GENERATED, 'simd-rows.ts'), emitSimdRows());
  writeFileSync(join(GENERATED, 'run-simd.ts'), emitSimdSwitch('../../src/core'));
}

async function compile(target) {
  const { error, stderr } = await asc.main([
    'src/core/main.ts',
    '--outFile',
    relative(ROOT, target),
    '--baseDir',
    ROOT,
    options.dev ? '-O0' : '-O1',
    '--runtime',
    'stub',
    '--memoryBase',
    String(MEMORY_BASE),
    '--importMemory',
    '--initialMemory',
    String(INITIAL_PAGES),
    '--maximumMemory',
    String(MAXIMUM_PAGES),
    '--use',
    'abort=',
    '--enable',
    'bulk-memory',
    '--enable',
    'simd',
    '--disableWarning',
    '201', // 32-bit addresses are meant
    '--disableWarning',
    '112', // no v128 is passed to or from TypeScript
    '--transform',
    './scripts/core-transform.mjs',
  ]);
  if (error) {
    console.error(stderr.toString());
    throw new Error(`core: ${error.message}`);
  }
  const warnings = stderr.toString();
  if (warnings) console.error(warnings);
}
