// Which tests a program has.

import { type Image, lineAt } from '../../program/image.ts';
import type { TestCase } from './types.ts';

/** Called before each test when the program has it. */
export const BEFORE_TESTS = 'before_tests';
/** The program runs from its entry up to here before a test is called, when it has it. */
export const READY_FOR_TESTS = 'ready_for_tests';

/** Labels and functions `test_…`, in the order of their addresses; the whole program when there is none. */
export function testsOf(image: Image): TestCase[] {
  const tests: TestCase[] = [];
  const seen = new Set<string>();
  for (const symbol of image.symbols) {
    if (!/^test_\w+$/.test(symbol.name) || symbol.kind === 'object' || seen.has(symbol.name)) continue;
    seen.add(symbol.name);
    const at = lineAt(image, symbol.address);
    tests.push({ name: symbol.name, address: symbol.address, path: at?.path, line: at?.line });
  }
  if (tests.length > 0) return tests;
  const [path] = image.program.lines.files;
  return [{ name: wholeName(image.program.name, path), address: undefined, path, line: undefined }];
}

/** The program's name without its ending; of `test.asm`, the folder's, for that is where it says what it tests. */
function wholeName(name: string, path: string | undefined): string {
  const stem = name.replace(/\.[^.]*$/, '');
  const folder = /([^/\\]+)[/\\][^/\\]+$/.exec(path ?? '')?.[1];
  return stem === 'test' && folder !== undefined ? folder : stem;
}
