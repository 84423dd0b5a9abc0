// Stand-ins for the modules of Node.js that the disassembler (iced-x86) asks for, in bundles for a browser's worker. Its own file comes from
// `ringsideDisassembler`, which src/web/adapter-worker.ts sets before the module is loaded.

const MODULES = {
  fs: 'exports.readFileSync = () => globalThis.ringsideDisassembler;',
  path: 'exports.join = (...parts) => parts.join("/");',
  util: 'exports.TextDecoder = globalThis.TextDecoder; exports.TextEncoder = globalThis.TextEncoder;',
};

/** @type {import('esbuild').Plugin} */
export const browserShims = {
  name: 'browser-shims',
  setup(build) {
    const filter = new RegExp(`^(?:node:)?(?:${Object.keys(MODULES).join('|')})$`);
    build.onResolve({ filter }, ({ path, importer }) =>
      /iced-x86/.test(importer) ? { path: path.replace(/^node:/, ''), namespace: 'browser-shim' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'browser-shim' }, ({ path }) => ({
      contents: MODULES[path],
      loader: 'js',
    }));
  },
};
