// Before any test runs: dist/core.wasm is up to date. Once, so that test files do not build it side by side.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function setup(): void {
  const root = fileURLToPath(new URL('../', import.meta.url));
  execFileSync(process.execPath, ['scripts/build-core.mjs'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}
