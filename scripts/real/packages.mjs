// Debian packages, fetched by apt-get and unpacked under build/real.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/run.mjs';

export const FOLDER = join(ROOT, 'build/real');

export function command(tool, args) {
  return execFileSync(tool, args, { cwd: FOLDER, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The package, unpacked: its folder and version. */
export function fetched(name) {
  const archive = () => readdirSync(FOLDER).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'));
  if (archive() === undefined) command('apt-get', ['download', name]);
  const file = archive();
  const folder = join(FOLDER, name);
  if (!existsSync(folder)) command('dpkg-deb', ['-x', file, folder]);
  return { folder, version: command('dpkg-deb', ['-f', file, 'Version']).trim() };
}

/** The kernel's own package, of which linux-image-amd64 is only the newest name. */
export function linuxPackage() {
  const [, name] = /Depends: (linux-image-\S+)/.exec(command('apt-cache', ['depends', 'linux-image-amd64'])) ?? [];
  if (name === undefined) throw new Error('apt-cache knows no linux-image-amd64: run apt-get update');
  return name;
}
