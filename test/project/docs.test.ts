// Documentation: links lead somewhere, to the file and to the heading in it.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['docs', 'samples', 'src'];
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'media/extension.md',
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((name) => name.endsWith('.md')),
  ),
].sort();

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');

/** Targets of a page's links and pictures that are files or places in them. Pictures and pages of the extension are seen from the root. */
function targets(page: string): { file: string; place: string }[] {
  const base = page === 'media/extension.md' ? '.' : dirname(page);
  return [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path, place = ''] = target.split('#');
      return { file: path === '' ? page : join(base, path ?? ''), place };
    });
}

/** What a heading is called in a link: GitHub's and VS Code's rule. */
const placesOf = (page: string): Set<string> =>
  new Set(
    [...textOf(page).matchAll(/^#+ (.*)$/gm)].map((match) =>
      (match[1] ?? '')
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

function broken({ file, place }: { file: string; place: string }): boolean {
  const path = join(ROOT, file);
  if (!existsSync(path)) return true;
  if (place === '' || statSync(path).isDirectory() || !file.endsWith('.md')) return false;
  return !placesOf(file).has(place);
}

describe('documentation', () => {
  test.each(PAGES)('links of %s', (page) => {
    expect(targets(page).filter(broken)).toEqual([]);
  });
});
