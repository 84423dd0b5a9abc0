// The command line: `ringside run`, `ringside dap`, `ringside asm`.

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { DEFAULT_MEMORY, MAX_MEMORY } from '../dap/launch.ts';
import type { CapabilityProfile } from '../vmx/capabilities.ts';
import { chooseProfile } from '../vmx/choose-profile.ts';
import { PROFILES } from '../vmx/profiles.ts';
import { version } from '../../package.json';
import { assembleFile } from './asm.ts';
import { serveStandardStreams, serveTcp } from './dap.ts';
import { CommandError, STATUS, usage } from './errors.ts';
import { run } from './run.ts';

const HELP = `Ringside ${version}: a debugger for hypervisors, on a simulated VT-x machine.

  ringside run FILE [options]      run a program: assembly, multiboot ELF or flat binary
      --trace exits                a line for each VM exit and VM entry
      --max-instructions N         stop after N instructions (exit status ${STATUS.limit})
      --memory MIB                 memory of the machine, 4 to ${MAX_MEMORY} MiB (default ${DEFAULT_MEMORY})
      --profile NAME               the processor: ${PROFILES.map(({ name }) => name).join(', ')}
      --without CAPABILITY         switch off a capability by its name in the manual; may be given several times
      --args TEXT                  command line of a multiboot image
      --module FILE                a multiboot module; may be given several times
      --bits 16|32|64              mode at the entry of a flat binary
      --address A                  load address of a flat binary, for example 0x100000
      --define NAME=VALUE          preprocessor definition for assembly; may be given several times
      --interactive                standard input goes to COM1
      --quiet                      no final state
  ringside dap [--port N]          debug adapter on standard input and output, or on 127.0.0.1:N
  ringside asm FILE -o OUT [-l LISTING]
                                   assemble NASM syntax into a flat binary
  ringside --help, --version

Exit status of run: what the program wrote to its test-exit port (F4H), 0 when it halts for ever,
${STATUS.limit} at the limit, ${STATUS.broken} after a triple fault, a VMX abort or something that is not simulated.
`;

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'run':
      return runCommand(rest);
    case 'dap':
      return dapCommand(rest);
    case 'asm':
      return asmCommand(rest);
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

/** parseArgs with its complaints as usage errors. */
function parse<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (problem) {
    throw usage(`${problem instanceof Error ? problem.message : String(problem)}.`.replace(/\.\.$/, '.'));
  }
}

function oneFile(positionals: readonly string[], command: string): string {
  const [file, extra] = positionals;
  if (file === undefined) throw usage(`"ringside ${command}" needs a file.`);
  if (extra !== undefined) throw usage(`"ringside ${command}" takes one file; "${extra}" is too much.`);
  return file;
}

function runCommand(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: {
      trace: { type: 'string' },
      'max-instructions': { type: 'string' },
      memory: { type: 'string' },
      profile: { type: 'string' },
      without: { type: 'string', multiple: true },
      args: { type: 'string' },
      module: { type: 'string', multiple: true },
      bits: { type: 'string' },
      address: { type: 'string' },
      define: { type: 'string', multiple: true },
      interactive: { type: 'boolean' },
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
    load: {
      ramSize: number('memory', values.memory, 4, MAX_MEMORY, DEFAULT_MEMORY) * 1024 * 1024,
      args: values.args,
      modules: values.module,
      bits: bitsOf(values.bits),
      address:
        values.address === undefined ? undefined : number('address', values.address, 0, Number.MAX_SAFE_INTEGER, 0),
      defines: definesOf(values.define ?? []),
    },
    profile: profileOf(values.profile, values.without),
    traceExits: values.trace === 'exits',
    maxInstructions: number(
      'max-instructions',
      values['max-instructions'],
      1,
      Number.MAX_SAFE_INTEGER,
      Number.POSITIVE_INFINITY,
    ),
    interactive: values.interactive === true,
    quiet: values.quiet === true,
  });
}

function number(option: string, text: string | undefined, least: number, most: number, absent: number): number {
  if (text === undefined) return absent;
  const value = /^(?:0[xX][0-9a-fA-F]+|[0-9][0-9_]*)$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw usage(
      `--${option} ${text}: expected a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}.`,
    );
  }
  return value;
}

function profileOf(name: string | undefined, without: readonly string[] | undefined): CapabilityProfile {
  const chosen = chooseProfile(name, without);
  if (!chosen.ok) throw usage(`--${chosen.setting} ${chosen.name}: expected ${chosen.expected}.`);
  return chosen.profile;
}

function bitsOf(text: string | undefined): 16 | 32 | 64 | undefined {
  if (text === undefined) return undefined;
  if (text === '16') return 16;
  if (text === '32') return 32;
  if (text === '64') return 64;
  throw usage(`--bits ${text}: expected 16, 32 or 64.`);
}

function definesOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
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
