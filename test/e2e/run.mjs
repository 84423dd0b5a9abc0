// Runs tests in one window: the first failure of a test does not stop the next.
import { say } from '../../scripts/lib/run.mjs';
import { endSession, openWindow } from './window.mjs';

/**
 * Runs the tests whose names have every word of the command line in them, and ends the process.
 * @param {string} where the kind of VS Code, for the last line
 * @param {Record<string, (window: object) => Promise<void>>} tests
 * @param {object} [options] of openWindow
 */
export async function runTests(where, tests, options) {
  const words = process.argv.slice(2);
  const chosen = Object.entries(tests).filter(([name]) => words.every((word) => name.includes(word)));
  let failed = 0;
  const window = await openWindow(options);
  try {
    for (const [name, test] of chosen) {
      const start = Date.now();
      try {
        await test(window);
        say(`passed  ${name} (${Date.now() - start} ms)`);
      } catch (error) {
        failed++;
        say(`FAILED  ${name}: ${error instanceof Error ? error.stack : error}`);
        await window.keepFailure(name.replace(/\W+/g, '-'));
      }
      await endSession(window.page);
    }
  } finally {
    await window.close();
  }
  say(`${chosen.length - failed} of ${chosen.length} tests in ${where} passed`);
  process.exit(failed === 0 && chosen.length > 0 ? 0 : 1);
}
