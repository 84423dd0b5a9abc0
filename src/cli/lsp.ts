// `ringside lsp`: the language server on standard input and output.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import { serve } from '../lsp/server.ts';
import type { FileHost } from '../lsp/workspace.ts';

const SOURCE = /\.(asm|nasm|inc|mac)$/i;
const SKIPPED = new Set(['node_modules', '.git', 'dist', 'build']);
const LIMIT = 2000;

async function sourcesBelow(folder: string, found: string[]): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (found.length >= LIMIT) return;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name) && !entry.name.startsWith('.')) await sourcesBelow(path, found);
    } else if (SOURCE.test(entry.name)) found.push(pathToFileURL(path).href);
  }
}

/** Resolves when the client is gone. */
export function serveLanguage(): Promise<void> {
  const connection = createConnection(new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout));
  let folders: string[] = [];
  const host: FileHost = {
    readFile: (uri) =>
      uri.startsWith('file:')
        ? readFile(fileURLToPath(uri), 'utf8').catch(() => undefined)
        : Promise.resolve(undefined),
    async sources() {
      const found: string[] = [];
      for (const folder of folders) await sourcesBelow(folder, found);
      return found;
    },
  };
  connection.onInitialized(async () => {
    const open = await connection.workspace.getWorkspaceFolders().catch(() => null);
    folders = (open ?? []).filter((f) => f.uri.startsWith('file:')).map((f) => fileURLToPath(f.uri));
  });
  const page = pathToFileURL(join(dirname(process.argv[1] ?? '.'), '..', 'docs', 'lint.md')).href;
  serve(connection, host, page);
  return new Promise((resolve) => {
    process.stdin.on('end', resolve);
    process.stdin.on('close', resolve);
  });
}
