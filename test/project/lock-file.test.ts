import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}

const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

// `npm install` on one computer may leave out what other platforms need; `npm ci` then refuses the file everywhere.
it('the lock file has every package that a locked package names, for each platform', () => {
  const missing: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      const folders = path.split('/node_modules/').map((_, i, all) => all.slice(0, i + 1).join('/node_modules/'));
      const places = ['', ...folders].map((folder) => (folder === '' ? '' : `${folder}/`) + `node_modules/${name}`);
      if (!places.some((place) => place in lock.packages)) missing.push(`${path} wants ${name}`);
    }
  }
  expect(missing).toEqual([]);
});

it('the lock file names no registry', () => {
  expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});
