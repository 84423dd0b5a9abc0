import { assemblyFailed } from './errors.ts';
import type { Program } from './types.ts';

export interface AssemblyOptions {
  readonly bits: 16 | 32 | 64 | undefined;
  readonly address: number | undefined;
  readonly defines: Readonly<Record<string, string>> | undefined;
}

export async function loadAssembly(
  path: string,
  _bytes: Uint8Array,
  _options: AssemblyOptions,
  _readFile: (path: string) => Promise<Uint8Array>,
): Promise<Program> {
  throw assemblyFailed(path, 'the assembler is not joined yet');
}
