// Activation registers and does nothing else: no process, no machine, no language server, no file.
import { builtinModules, createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const ENTRIES = [
  ['desktop', 'src/extension/main.ts', 'node'],
  ['browser', 'src/extension/browser.ts', 'browser'],
] as const;

/** The entry as it is shipped; what it imports when it is needed is left out. */
async function bundled(entry: string, platform: 'node' | 'browser'): Promise<{ code: string; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(ROOT, entry)],
    bundle: true,
    write: false,
    metafile: true,
    platform,
    format: 'cjs',
    external: ['vscode'],
    plugins: [
      {
        name: 'later',
        setup(plugin) {
          plugin.onResolve({ filter: /^\./ }, ({ kind, path }) =>
            kind === 'dynamic-import' ? { path: `later:${path}`, external: true } : undefined,
          );
        },
      },
    ],
  });
  return { code: outputFiles[0]?.text ?? '', metafile };
}

/** VS Code as far as activation goes: everything of it that `code` names can be called, constructed and read; `called` says what was. */
function stubbed(code: string, called: string[]): unknown {
  const make = (path: string): unknown =>
    new Proxy(class {}, {
      get(_, name) {
        if (typeof name === 'symbol' || name === 'then') return undefined;
        if (name === 'activeDebugSession' || name === 'activeTextEditor') return undefined;
        if (name === 'textDocuments' || name === 'workspaceFolders') return [];
        return make(`${path}.${name}`);
      },
      set: () => true,
      apply() {
        called.push(path);
        return make(path);
      },
      construct() {
        called.push(`new ${path}`);
        return make(path) as object;
      },
    });
  const names = new Set([...code.matchAll(/\bvscode\d*\.(\w+)/g)].map((match) => match[1] ?? ''));
  return Object.fromEntries([...names].map((name) => [name, make(name)]));
}

describe.each(ENTRIES)('%s', (_, entry, platform) => {
  test('its file has the extension alone: no package, no machine, no debugger', async () => {
    const { metafile } = await bundled(entry, platform);
    const strangers = Object.values(metafile.outputs)
      .flatMap((output) => Object.keys(output.inputs))
      .filter((input) => !input.startsWith('src/extension/') && !input.startsWith('src/spec/'));
    expect(strangers).toEqual([]);
  });

  test('activating registers commands and providers, and starts nothing', async () => {
    const { code } = await bundled(entry, platform);
    const called: string[] = [];
    const loaded: string[] = [];
    const vscode = stubbed(code, called);
    const real = createRequire(import.meta.url);
    const inert = (name: string): unknown => {
      loaded.push(name);
      if (name === 'vscode') return vscode;
      if (!builtinModules.includes(name.replace('node:', ''))) throw new Error(`activation loads ${name}`);
      const module: Record<string, unknown> = { ...real(name) };
      // What would do something says so.
      for (const effect of ['spawn', 'fork', 'exec', 'execFile', 'readFile', 'readFileSync', 'createServer']) {
        if (effect in module) {
          module[effect] = () => {
            throw new Error(`activation calls ${effect}`);
          };
        }
      }
      return module;
    };
    const module = { exports: {} as { activate(context: object): void } };
    new Function('require', 'module', 'exports', code)(inert, module, module.exports);
    const subscriptions: unknown[] = [];
    module.exports.activate({
      subscriptions,
      extensionPath: ROOT,
      extensionUri: vscode,
      globalState: { get: () => undefined, update: async () => undefined },
    });
    expect(subscriptions.length).toBeGreaterThan(10);
    expect(called).toContain('commands.registerCommand');
    expect(called).toContain('debug.registerDebugAdapterDescriptorFactory');
    const registering = /^new |(^|\.)(register|create|onDid|event$|from$|joinPath|file$|parse$|get)/;
    expect(called.filter((call) => !registering.test(call))).toEqual([]);
  });
});
