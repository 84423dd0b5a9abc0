// Assembly source to a program: assembled in the process, with its labels and lines.
import { assemble } from '../asm/assemble.ts';
import type { AssemblyResult } from '../asm/types.ts';
import { assemblyFailed } from './errors.ts';
import { baseName, folderOf, joinPath } from './paths.ts';
import type { LineRow, Program, Segment, Symbol as ProgramSymbol } from './types.ts';

export interface AssemblyOptions {
  readonly bits: 16 | 32 | 64 | undefined;
  readonly address: number | undefined;
  readonly defines: Readonly<Record<string, string>> | undefined;
}

/** Rejects with `assemblyFailed`, which lists every error as `file:line:column: message`. */
export async function loadAssembly(
  path: string,
  bytes: Uint8Array,
  options: AssemblyOptions,
  readFile: (path: string) => Promise<Uint8Array>,
): Promise<Program> {
  const source = new TextDecoder().decode(bytes);
  const result = await assembleWithFiles(path, source, options, readFile);
  if (!result.ok) {
    const errors = result.diagnostics.filter((d) => d.severity === 'error');
    throw assemblyFailed(path, errors.map((d) => `${d.file}:${d.line}:${d.column}: ${d.message}`).join('\n'));
  }
  return {
    name: baseName(path),
    segments: segmentsOf(result),
    entry: { kind: 'flat', entry: result.entry, bits: result.bits },
    symbols: symbolsOf(result),
    lines: linesOf(path, result),
    notices: result.diagnostics.map((d) => `${d.file}:${d.line}:${d.column}: ${d.message}`),
  };
}

/** The assembler reads files at once, the reader answers later: assemble until no file is missing that can be read. */
async function assembleWithFiles(
  path: string,
  source: string,
  options: AssemblyOptions,
  readFile: (path: string) => Promise<Uint8Array>,
): Promise<AssemblyResult> {
  const files = new Map<string, Uint8Array | undefined>();
  for (;;) {
    const missing = new Set<string>();
    const read = (name: string): Uint8Array | undefined => {
      if (!files.has(name)) missing.add(name);
      return files.get(name);
    };
    /** As seen from the main file's folder, or as it is written. */
    const find = (name: string): Uint8Array | undefined => read(joinPath(folderOf(path), name)) ?? read(name);
    const result = assemble(path, source, {
      defines: options.defines,
      bits: options.bits,
      origin: options.address,
      readInclude: (name) => {
        const bytes = find(name);
        return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
      },
      readBinary: find,
    });
    if (missing.size === 0) return result;
    for (const name of missing) {
      // A path that cannot be read is tried elsewhere by the assembler, which reports the file if it is nowhere.
      files.set(name, await readFile(name).catch(() => undefined));
    }
  }
}

function segmentsOf(result: AssemblyResult): Segment[] {
  const segments: Segment[] = [];
  if (result.bytes.length > 0) {
    segments.push({ address: result.origin, bytes: result.bytes, size: result.bytes.length });
  }
  for (const section of result.sections) {
    if (section.reserved && section.size > 0) {
      segments.push({ address: section.address, bytes: new Uint8Array(), size: section.size });
    }
  }
  return segments;
}

function symbolsOf(result: AssemblyResult): ProgramSymbol[] {
  return result.symbols
    .filter((s) => s.kind === 'label' && !s.name.startsWith('..@'))
    .map((s) => ({ name: s.name, address: s.address, size: 0, kind: 'label' as const }));
}

function linesOf(path: string, result: AssemblyResult): Program['lines'] {
  const files: string[] = [path];
  const rows: LineRow[] = [];
  let end: number | undefined;
  for (const line of result.lines) {
    if (end !== undefined && line.address !== end) rows.push(endRow(end));
    let file = files.indexOf(line.file);
    if (file < 0) file = files.push(line.file) - 1;
    rows.push({
      address: BigInt(line.address),
      file,
      line: line.line,
      column: line.column,
      statement: true,
      end: false,
    });
    end = line.address + line.length;
  }
  if (end !== undefined) rows.push(endRow(end));
  return { files, rows };
}

const endRow = (address: number): LineRow => ({
  address: BigInt(address),
  file: 0,
  line: 0,
  column: 0,
  statement: false,
  end: true,
});
