// The command line: which command, with which options.

import { DEFAULT_MEMORY, MAX_MEMORY } from '../dap/launch.ts';
import { MOST_PROCESSORS } from '../machine/hardware.ts';
import { PROFILES } from '../vmx/profiles.ts';
import { version } from '../../package.json';
import { assembleFile } from './asm.ts';
import { auditFile } from './audit.ts';
import { serveStandardStreams, serveTcp } from './dap.ts';
import { CommandError, STATUS, usage } from './errors.ts';
import { DEFAULT_HISTORY_LIMIT } from '../machine/history/recorder.ts';
import { debugWithGdb } from './gdb.ts';
import {
  definesOf,
  number,
  oneFile,
  PROGRAM_OPTIONS,
  parse,
  processorsOption,
  profileOption,
  programOptions,
} from './options.ts';
import { type RunCommand, run } from './run.ts';
import { test } from './test.ts';

/** Where GDB's users expect a remote stub. */
const DEFAULT_GDB_PORT = 1234;
/** In MiB. */
const DEFAULT_HISTORY = DEFAULT_HISTORY_LIMIT / 0x100000;
const DEFAULT_TEST_INSTRUCTIONS = 100_000_000;

const HELP = `Ringside ${version}: a debugger for hypervisors, on a simulated VT-x machine.

  ringside run FILE [options]      run a program: assembly, multiboot or Linux image, flat binary
      --trace exits                a line for each VM exit and VM entry
      --max-instructions N         stop after N instructions (exit status ${STATUS.limit})
      --memory MIB                 memory of the machine, 4 to ${MAX_MEMORY} MiB (default ${DEFAULT_MEMORY})
      --processors N               logical processors, 1 to ${MOST_PROCESSORS} (default 1)
      --profile NAME               the processor: ${PROFILES.map(({ name }) => name).join(', ')}
      --without CAPABILITY         switch off a capability by its name in the manual; may be given several times
      --args TEXT                  command line of a multiboot or Linux image
      --module FILE                a multiboot module, or a Linux image's initrd; may be given several times
      --bits 16|32|64              mode at the entry of a flat binary; with --format linux, the entry of a Linux image
      --format NAME                auto (the default), elf, linux, flat or asm
      --address A                  load address of a flat binary, for example 0x100000
      --define NAME=VALUE          preprocessor definition for assembly; may be given several times
      --interactive                standard input goes to COM1
      --stats[=text|csv|json]      VM exits by reason and place, with instructions in the handler, at the end
      --quiet                      no final state
  ringside dap [--port N]          debug adapter on standard input and output, or on 127.0.0.1:N
  ringside gdb FILE [options]      a GDB remote stub for the program, which waits before its first instruction
      --port N                     on 127.0.0.1:N (default ${DEFAULT_GDB_PORT}); options of the program as for run
      --history MIB                memory for going back in time (default ${DEFAULT_HISTORY}; 0: none)
      --stop-at-end                stop where the program ends, to go back from there
  ringside test PATH... [options]  run tests: labels and functions test_*, or whole programs; results as TAP
      --filter TEXT                only tests with TEXT in their names
      --test NAME                  only the test of exactly this name; may be given several times
      --list                       names only
      --json                       a JSON object a line; --coverage: with how often each line ran (slower)
      --junit FILE, --lcov FILE    results for other tools; line coverage (slower)
      --max-instructions N         of one test (default ${DEFAULT_TEST_INSTRUCTIONS}); options of the program as for run
  ringside lsp                     language server for NASM syntax on standard input and output
  ringside asm FILE -o OUT [-l LISTING]
                                   assemble NASM syntax into a flat binary
  ringside audit FILE [--json]     VMCS dumps in a kernel's log (KVM, Xen; - is standard input): every VM-entry check that fails
  ringside --help, --version

Exit status of run: what the program wrote to its test-exit port (F4H), times 2 plus 1; 0 when it halts for ever,
${STATUS.limit} at the limit, ${STATUS.broken} after a triple fault, a VMX abort or something that is not simulated.
`;

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'run':
      return runCommand(rest);
    case 'dap':
      return dapCommand(rest);
    case 'gdb':
      return gdbCommand(rest);
    case 'test':
      return testCommand(rest);
    case 'lsp':
      return lspCommand(rest);
    case 'asm':
      return asmCommand(rest);
    case 'audit':
      return auditCommand(rest);
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(HELP);
      return command === undefined ? STATUS.usage : 0;
    case '--version':
    case '-v':
      process.stdout.write(`${version}\n`);
      return 0;
    default:
      throw usage(`There is no command "${command}".`);
  }
}

function statisticsForm(text: string | undefined): RunCommand['statistics'] {
  if (text === undefined || text === 'text' || text === 'csv' || text === 'json') return text;
  throw usage(`--stats=${text}: expected text, csv or json.`);
}

function runCommand(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    // The form may be left out: parseArgs has no options with an optional value.
    args: args.map((arg) => (arg === '--stats' ? '--stats=text' : arg)),
    allowPositionals: true,
    options: {
      ...PROGRAM_OPTIONS,
      trace: { type: 'string' },
      'max-instructions': { type: 'string' },
      interactive: { type: 'boolean' },
      stats: { type: 'string' },
      quiet: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return main(['--help']);
  const file = oneFile(positionals, 'run');
  if (values.trace !== undefined && values.trace !== 'exits')
    throw usage(`--trace ${values.trace}: only "exits" can be traced.`);
  return run({
    file,
    load: programOptions(values),
    processors: processorsOption(values),
    profile: profileOption(values),
    traceExits: values.trace === 'exits',
    maxInstructions: number(
      'max-instructions',
      values['max-instructions'],
      1,
      Number.MAX_SAFE_INTEGER,
      Number.POSITIVE_INFINITY,
    ),
    interactive: values.interactive === true,
    statistics: statisticsForm(values.stats),
    quiet: values.quiet === true,
  });
}

async function dapCommand(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: { port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return main(['--help']);
  if (positionals[0] !== undefined)
    throw usage(`"ringside dap" takes no file; the client's launch request names the program.`);
  if (values.port === undefined) await serveStandardStreams();
  else await serveTcp(number('port', values.port, 0, 65535, 0));
  return 0;
}

async function gdbCommand(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: {
      ...PROGRAM_OPTIONS,
      port: { type: 'string' },
      history: { type: 'string' },
      'stop-at-end': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return main(['--help']);
  return debugWithGdb({
    file: oneFile(positionals, 'gdb'),
    load: programOptions(values),
    processors: processorsOption(values),
    profile: profileOption(values),
    stopAtEnd: values['stop-at-end'] === true,
    historyLimit: number('history', values.history, 0, 65_536, DEFAULT_HISTORY) * 0x100000,
    port: number('port', values.port, 0, 65535, DEFAULT_GDB_PORT),
  });
}

async function auditCommand(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return main(['--help']);
  return auditFile({ file: oneFile(positionals, 'audit'), json: values.json === true });
}

function testCommand(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: {
      ...PROGRAM_OPTIONS,
      'max-instructions': { type: 'string' },
      filter: { type: 'string' },
      test: { type: 'string', multiple: true },
      list: { type: 'boolean' },
      json: { type: 'boolean' },
      coverage: { type: 'boolean' },
      junit: { type: 'string' },
      lcov: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return main(['--help']);
  if (positionals.length === 0) throw usage('"ringside test" needs a file or a folder.');
  if (values.coverage && !values.json) throw usage('--coverage goes with --json; --lcov FILE writes it to a file.');
  return test({
    paths: positionals,
    load: programOptions(values),
    profile: profileOption(values),
    maxInstructions: number(
      'max-instructions',
      values['max-instructions'],
      1,
      Number.MAX_SAFE_INTEGER,
      DEFAULT_TEST_INSTRUCTIONS,
    ),
    filter: values.filter,
    names: values.test ?? [],
    list: values.list === true,
    json: values.json === true,
    coverage: values.coverage === true,
    junit: values.junit,
    lcov: values.lcov,
  });
}

async function lspCommand(args: string[]): Promise<number> {
  // Clients add --stdio by convention; nothing else is offered.
  const { values } = parse({ args, options: { stdio: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return main(['--help']);
  await (await import('./lsp.ts')).serveLanguage();
  return 0;
}

async function asmCommand(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      listing: { type: 'string', short: 'l' },
      define: { type: 'string', short: 'D', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return main(['--help']);
  const file = oneFile(positionals, 'asm');
  if (values.output === undefined) throw usage('"ringside asm" needs -o and the name of the file to write.');
  return assembleFile({
    file,
    output: values.output,
    listing: values.listing,
    defines: definesOf(values.define ?? []),
  });
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (problem: unknown) => {
    if (problem instanceof CommandError) {
      process.stderr.write(`ringside: ${problem.message} [${problem.code}]\n`);
      process.exitCode = problem.status;
      return;
    }
    process.stderr.write(
      `ringside: a bug of Ringside itself. ${problem instanceof Error ? (problem.stack ?? problem.message) : String(problem)}\n`,
    );
    process.exitCode = 70;
  },
);
